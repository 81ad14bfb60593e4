"""Figures held against what clauses want. The one place where a verdict is made."""

from __future__ import annotations

from collections.abc import Mapping

from compliance_reports.facts import Facts
from compliance_reports.model import NOTHING, Clause, Figure, Framework, Result, Test, Verdict, Wanted, Words

# The worst of its parts is the whole's; what only informs has no say.
_ORDER = (Verdict.NOT_SATISFIED, Verdict.NOT_EVALUATED, Verdict.SATISFIED)
UNTRUSTED = Words(
    "the record does not verify, so nothing computed from it supports this",
    "记录未通过校验，由其得出的数字不能作为依据",
)
ASK = Words("no record can show this: ask people and read documents", "记录无法证明此项：须访谈并查阅文档")


def judged(framework: Framework, figures: Mapping[str, Figure], facts: Facts) -> tuple[Result, ...]:
    """Each clause with its verdict."""
    trusted = facts.around.verification.trusted and not facts.fault
    return tuple(_clause(clause, figures, trusted) for clause in framework.clauses)


def counts(results: tuple[Result, ...]) -> dict[Verdict, int]:
    """How many clauses have each verdict."""
    return {verdict: sum(result.verdict is verdict for result in results) for verdict in Verdict}


def _clause(clause: Clause, figures: Mapping[str, Figure], trusted: bool) -> Result:
    tests = tuple(_test(wanted, figures[wanted.figure], trusted) for wanted in clause.wanted)
    deciding = [test for test in tests if str(test.wanted.bound)]
    if not deciding:
        return Result(clause, Verdict.MANUAL, ASK, tests)
    worst = min(deciding, key=lambda test: _ORDER.index(test.verdict))
    return Result(clause, worst.verdict, worst.why, tests)


def _test(wanted: Wanted, figure: Figure, trusted: bool) -> Test:
    if not figure.known:
        return Test(wanted, figure, Verdict.NOT_EVALUATED, figure.why if trusted else UNTRUSTED)
    if wanted.bound.holds(figure.value):
        return _held(wanted, figure, trusted)
    if figure.excuse.en:
        return Test(wanted, figure, Verdict.NOT_EVALUATED, figure.excuse)
    return Test(wanted, figure, Verdict.NOT_SATISFIED)


def _held(wanted: Wanted, figure: Figure, trusted: bool) -> Test:
    """A good figure out of a record that may have been changed shows nothing; a bad one still does."""
    if not trusted:
        return Test(wanted, figure, Verdict.NOT_EVALUATED, UNTRUSTED)
    return Test(wanted, figure, Verdict.SATISFIED, NOTHING)
