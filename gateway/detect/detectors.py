"""What looks for things in each direction, as policy asks for it. Which engines those are is known here alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from gateway.detect.clauses import Clauses, Finder, Named, NamesUnavailable
from gateway.detect.names import rules
from gateway.detect.names.pool import Pool
from gateway.detect.own import own
from gateway.detect.patterns import Patterns
from gateway.detect.watch import Source
from policies.pii import Looking, Names, Overload, PiiPolicy


@dataclass(frozen=True, slots=True)
class Detectors:
    """`slow`: a request may take longer to judge than an event loop should wait."""

    request: Source
    response: Source
    slow: bool = False


def detectors(policy: PiiPolicy) -> Detectors:
    """The detectors a policy needs. Compiling patterns takes a few tenths of a second; models load on their own."""
    patterns = Patterns(own(policy.recognizers)) if policy.recognizers else _plain()
    names = policy.names
    slow = Looking.MODELS in (names.request, names.response)
    return Detectors(_source(patterns, names, names.request), _source(patterns, names, names.response), slow)


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
        return Clauses(patterns, by_rules)
    return Clauses(patterns, by_models(pool(names.workers), names))


def by_rules(clauses: Sequence[str]) -> Named:
    return Named([rules.find(clause) for clause in clauses])


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
