"""What looks for things in each direction, as policy asks for it. Which engines those are is known here alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gateway.detect.clauses import Clauses, Finder, Named, NamesUnavailable
from gateway.detect.names import rules
from gateway.detect.names.pool import Pool
from gateway.detect.own import own
from gateway.detect.patterns import Patterns
from gateway.detect.watch import Source
from policies.pii import FILES, Looking, Names, Overload, PiiPolicy, Recognizer
from policies.problem import PolicyInvalid, Problem


@dataclass(frozen=True, slots=True)
class Detectors:
    """`slow`: a request may take longer to judge than an event loop should wait."""

    request: Source
    response: Source
    slow: bool = False


def detectors(policy: PiiPolicy) -> Detectors:
    """The detectors a policy needs, or `PolicyInvalid` where a recogniser does not keep its own promises.

    Compiling patterns takes a few tenths of a second; models load in their own time.
    """
    patterns = Patterns(own(policy.recognizers)) if policy.recognizers else _plain()
    unproven = [problem for one in policy.recognizers for problem in _unproven(one, policy, patterns)]
    if unproven:
        raise PolicyInvalid(unproven)
    names = policy.names
    slow = Looking.MODELS in (names.request, names.response)
    return Detectors(_source(patterns, names, names.request), _source(patterns, names, names.response), slow)


def _unproven(one: Recognizer, policy: PiiPolicy, patterns: Patterns) -> Iterator[Problem]:
    for expected, texts in ((True, one.cases.match), (False, one.cases.silent)):
        for text in texts:
            found = any(
                span.entity == one.entity and span.score >= policy.least(one.entity) for span in patterns.find(text)
            )
            if found is not expected:
                what = "is not found" if expected else "is found and should not be"
                yield Problem(
                    FILES[0], f"{one.name}: {text!r}", what, "mend the pattern, the score, the context or the case"
                )


@lru_cache(maxsize=1)
def _plain() -> Patterns:
    return Patterns()


@lru_cache(maxsize=4)
def pool(workers: int) -> Pool:
    """One pool for the process: a new policy does not load the models again."""
    return Pool(workers)


def _source(patterns: Patterns, names: Names, how: Looking) -> Source:
    if how is Looking.OFF:
        return patterns
    if how is Looking.RULES:
        return Clauses(patterns, by_rules, rules.may_find)
    return Clauses(patterns, by_models(pool(names.workers), names))


def by_rules(clauses: Sequence[str]) -> Named:
    return Named(rules.find_each(clauses))


def by_models(workers: Pool, names: Names) -> Finder:
    """Models and rules. Where the models cannot be asked in time, policy says whether rules alone will do."""

    def find(clauses: Sequence[str]) -> Named:
        ruled = by_rules(clauses)
        try:
            found = workers.find(clauses, names.deadline_ms / 1000)
        except NamesUnavailable:
            if names.on_overload is Overload.BLOCK:
                raise
            return Named(ruled.spans, degraded=True)
        return Named([[*some, *more] for some, more in zip(found, ruled.spans, strict=True)])

    return find
