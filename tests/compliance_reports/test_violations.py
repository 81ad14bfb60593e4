"""Twenty-odd planted violations: each turns exactly the figures it should, hence exactly the clauses that want those."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from compliance_reports.evidence.catalogue import MEASURES, measure
from compliance_reports.facts import Facts, Paper
from compliance_reports.judging import judged
from compliance_reports.loading import frameworks
from compliance_reports.model import Clause, Framework, Sample, Verdict, Wanted, Words
from tests.compliance_reports.months import (
    COMPLETE,
    DAY,
    POLICY,
    SINCE,
    STAGES,
    UNTIL,
    a_good_month,
    an_exchange,
    changed,
    told,
)

FRAMEWORKS = frameworks()
SOME = Words("x", "x")
EVERY = Framework(
    "every", SOME, "", "", "", SOME,
    tuple(Clause(name, SOME, SOME, (Wanted(name, one.bound),), SOME, True) for name, one in MEASURES.items()),
)  # fmt: skip


def unmet(facts: Facts) -> set[str]:
    """The figures whose own bound does not hold."""
    results = judged(EVERY, measure(facts), facts)
    return {result.clause.id for result in results if result.verdict is Verdict.NOT_SATISFIED}


def without(stage: str) -> Callable[[Facts], Facts]:
    return lambda month: changed(month, 3, stages=tuple(one for one in STAGES if one != stage))


def with_event(kind: str, at: int = SINCE + DAY, **facts: object) -> Callable[[Facts], Facts]:
    return lambda month: replace(month, events=(*month.events, told(kind, 400, at, **facts)))


def around(**changes: object) -> Callable[[Facts], Facts]:
    return lambda month: replace(month, around=replace(month.around, **changes))  # type: ignore[arg-type]


def verified(**changes: object) -> Callable[[Facts], Facts]:
    return lambda month: around(verification=replace(month.around.verification, **changes))(month)  # type: ignore[arg-type]


def a_log(**changes: object) -> Callable[[Facts], Facts]:
    return lambda month: verified(logs=(replace(month.around.verification.logs[0], **changes),))(month)  # type: ignore[arg-type]


def ruled(**changes: object) -> Callable[[Facts], Facts]:
    def planted(month: Facts) -> Facts:
        assert month.around.rules is not None
        return around(rules=replace(month.around.rules, **changes))(month)  # type: ignore[arg-type]

    return planted


def a_burst(month: Facts) -> Facts:
    at = SINCE + 40 * DAY // 4
    attacks = [replace(an_exchange(500 + n), at=at + n * 1000, user="mal", code="prompt_injection", outcome="") for n in range(6)]  # fmt: skip
    return replace(month, passed=(*month.passed, *attacks))


def more_grants(month: Facts) -> Facts:
    assert month.around.rules is not None
    return ruled(grants=(*month.around.rules.grants, COMPLETE))(month)


VIOLATIONS: tuple[tuple[str, Callable[[Facts], Facts], set[str]], ...] = (
    ("an answer that was never asked on record", lambda m: replace(m, orphans=(Sample("w0", 77, "y1"),)), {"E1.unopened"}),
    ("an exchange without an end", lambda m: changed(m, 3, outcome="", answered=0), {"E1.unended"}),
    ("records the reading lacks", a_log(records=311, sealed=311), {"E1.gaps"}),
    ("a record that does not say whence", lambda m: changed(m, 3, address=""), {"E2.incomplete"}),
    ("a changed record", verified(problems=("seg-w0: record 7: changed",)), {"E3.problems"}),
    ("sealing stopped", a_log(records=1310, sealed=310), {"E1.gaps", "E3.unsealed"}),
    ("a clock put back", lambda m: changed(m, 3, ended=SINCE - DAY), {"E5.backwards"}),
    ("a clock far off", with_event("clock.checked", offset_ms=90_000), {"E5.offset"}),
    ("somebody without a name", lambda m: changed(m, 3, user=""), {"E2.incomplete", "E6.unidentified"}),
    ("no client certificate", lambda m: changed(m, 3, certificate=""), {"E6.without_certificate"}),
    ("one factor", lambda m: changed(m, 3, method="token"), {"E6.one_factor"}),
    ("an expired key", around(papers=(Paper("server.pem", SINCE - DAY, UNTIL - DAY),)), {"E6.expired"}),
    ("a key never changed", around(papers=(Paper("server.pem", SINCE - 500 * DAY, UNTIL + DAY),)), {"E15.old_keys"}),
    ("access was not asked", without("access"), {"E7.uncovered"}),
    ("a decision against the policy", lambda m: changed(m, 3, roles=("guest",)), {"E7.mismatched"}),
    ("a privilege nobody used", more_grants, {"E7.unused"}),
    ("a member who never came", ruled(members=(("user:zoe", "role:analyst", "acme"),)), {"E7.dormant"}),
    ("an auditor who also operates", lambda m: changed(m, 3, roles=("analyst", "auditor", "operator")), {"E7.overlapping"}),
    ("a policy nobody announced", lambda m: changed(m, 3, policy="e" * 64), {"E8.unannounced"}),
    ("a change of policy without a name", with_event("policy.loaded", policy=POLICY), {"E8.unsigned"}),
    ("attack rules disabled", without("waf"), {"E9.unguarded"}),
    ("attack rules only watching", ruled(modes={"waf": "shadow"}), {"E9.watching"}),
    ("an attack that was only watched", lambda m: changed(m, 3, notes=("label:signed", "waf:shadow")), {"E9.shadowed"}),
    ("an answer although a check failed", lambda m: changed(m, 3, fault="ValueError"), {"E10.let_through"}),
    ("redaction disabled", without("pii"), {"E11.unredacted"}),
    ("redaction degraded", lambda m: changed(m, 3, notes=("label:signed", "pii:degraded")), {"E11.degraded"}),
    ("text kept unseen", lambda m: changed(m, 3, withheld=True), {"E11.kept_unseen"}),
    ("a late erasure", with_event("subject.requested", SINCE - 2 * DAY, what="erasure", tenant="acme", subject="eve"), {"E12.late"}),
    ("an erasure without a reason", with_event("record.erased", actor="aud", reason=" "), {"E12.unreasoned"}),
    ("limits disabled", without("limits"), {"E13.unlimited"}),
    ("tokens not counted", lambda m: changed(m, 3, tokens=-1), {"E13.unmetered"}),
    ("a burst of attacks unseen", a_burst, {"E14.unseen"}),
    ("an old TLS version", lambda m: changed(m, 3, tls="1.2"), {"E15.weak"}),
    ("a model that is not listed", lambda m: changed(m, 8, model="other"), {"E17.unlisted"}),
    ("an unmarked answer", lambda m: changed(m, 3, mark=0), {"E18.unmarked"}),
    ("an answer without metadata", lambda m: changed(m, 3, notes=()), {"E18.without_metadata"}),
    ("an unlabelled answer", lambda m: changed(m, 3, labelled=False), {"E18.unlabelled"}),
    ("a poor evaluation", with_event("evaluation.finished", cases=100, passed=80), {"E19.passed"}),
    ("an end nobody knows", lambda m: changed(m, 3, outcome="unknown"), {"E20.unknown"}),
    ("a record that could not be written", lambda m: changed(m, 3, end_code="audit_unavailable"), {"E20.interrupted"}),
    ("an auditor reading without a reason", with_event("record.revealed", actor="aud", exchange="x2"), {"E21.unreasoned"}),
)  # fmt: skip


def test_a_month_in_order_leaves_nothing_unmet_and_nothing_unevaluated() -> None:
    month = a_good_month()
    results = judged(EVERY, measure(month), month)
    open_ = {result.clause.id: result.why.en for result in results if result.verdict is Verdict.NOT_EVALUATED}
    assert (unmet(month), open_) == (set(), {})


@pytest.mark.parametrize(("planted", "expected"), [one[1:] for one in VIOLATIONS], ids=[one[0] for one in VIOLATIONS])
def test_a_violation_turns_its_own_figures_and_no_other(planted: Callable[[Facts], Facts], expected: set[str]) -> None:
    assert unmet(planted(a_good_month())) == expected


@pytest.mark.parametrize("framework", FRAMEWORKS.values(), ids=FRAMEWORKS)
def test_a_violation_turns_exactly_the_clauses_that_want_its_figures(framework: Framework) -> None:
    for name, planted, expected in VIOLATIONS:
        facts = planted(a_good_month())
        wanting = {
            clause.id
            for clause in framework.clauses
            if expected & {one.figure for one in clause.wanted if str(one.bound)}
        }
        results = judged(framework, measure(facts), facts)
        turned = {result.clause.id for result in results if result.verdict is Verdict.NOT_SATISFIED}
        assert turned == wanting, name


def test_every_bounded_figure_has_a_violation_that_turns_it() -> None:
    shown = set().union(*(expected for _, _, expected in VIOLATIONS))
    never_missed = {
        "E3.copies",
        "E4.days",
        "E7.canary",
        "E16.drills",
    }  # these are shown below, or are there or not told
    assert {name for name, one in MEASURES.items() if str(one.bound)} - shown == never_missed


def test_a_record_that_does_not_verify_supports_nothing() -> None:
    facts = verified(problems=("seg-w0: record 7: changed",))(a_good_month())
    verdicts = {result.verdict for result in judged(EVERY, measure(facts), facts)}
    assert Verdict.SATISFIED not in verdicts


def test_a_young_log_is_no_finding_but_not_evaluated() -> None:
    facts = replace(a_good_month(), begins=UNTIL - 10 * DAY)
    by_id = {result.clause.id: result for result in judged(EVERY, measure(facts), facts)}
    assert by_id["E4.days"].verdict is Verdict.NOT_EVALUATED
    assert "10 days" in by_id["E4.days"].why.en


def test_access_that_never_refused_anybody_is_not_shown_to_work() -> None:
    facts = a_good_month()
    facts = replace(facts, passed=tuple(one for one in facts.passed if one.let_in))
    assert unmet(facts) == {"E7.canary"}


def test_an_exchange_that_just_began_may_still_be_under_way() -> None:
    late = replace(an_exchange(7), at=UNTIL - 60_000, outcome="", answered=0)
    facts = a_good_month()
    assert unmet(replace(facts, passed=(*facts.passed, late))) == set()


def test_nothing_asked_is_nothing_shown() -> None:
    facts = replace(a_good_month(), passed=())
    by_id = {result.clause.id: result.verdict for result in judged(EVERY, measure(facts), facts)}
    assert by_id["E7.uncovered"] is by_id["E6.unidentified"] is Verdict.NOT_EVALUATED
