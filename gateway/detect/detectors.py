"""What looks for things in each direction, as policy asks for it. Which engines those are is known here alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gateway.detect.clauses import Clauses, Finder, Named, NamesUnavailable
from gateway.detect.names import rules
from gateway.detect.names.pool import Pool
from gateway.detect.own import own
from gateway.detect.patterns import Patterns
from gateway.detect.watch import Source
from policies.pii import FILES, POLICY, Looking, Names, Overload, PiiPolicy, Recognizer
from policies.problem import PolicyInvalid, Problem

REST_SECONDS = 1.0  # after a failure of the models, where policy goes on without them


@dataclass(frozen=True, slots=True)
class Detectors:
    """`slow`: a request may take longer to judge than an event loop should wait; `slow_replies`: part of a reply may."""

    request: Source
    response: Source
    slow: bool = False
    slow_replies: bool = False


def detectors(policy: PiiPolicy) -> Detectors:
    """The detectors a policy needs, or `PolicyInvalid` where a recogniser does not keep its own promises.

    Compiling patterns takes a few tenths of a second. Models are waited for, so that the first caller need not: call this
    where waiting is no harm.
    """
    patterns = Patterns(own(policy.recognizers)) if policy.recognizers else _plain()
    unproven = [problem for one in policy.recognizers for problem in _unproven(one, policy, patterns)]
    if unproven:
        raise PolicyInvalid(unproven)
    names = policy.names
    if Looking.MODELS in (names.request, names.response):
        _await(pool(names.workers), names)
    return Detectors(
        _source(patterns, names, names.request),
        _source(patterns, names, names.response),
        slow=names.request is Looking.MODELS,
        slow_replies=names.response is Looking.MODELS,
    )


def _await(workers: Pool, names: Names) -> None:
    if not workers.ready() and names.on_overload is Overload.BLOCK:
        hint = "is there memory for them? rules need none: names: {request: rules}"
        raise PolicyInvalid([Problem(POLICY, "names", "the language models do not start", hint)])


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


def by_models(workers: Pool, names: Names, tick: Callable[[], float] = time.monotonic) -> Finder:
    """Models and rules. Where the models cannot be asked in time, policy says whether rules alone will do.

    If so, they are left alone for a moment after a failure: otherwise each clause would wait as long as the first one did.
    """
    rests_until = 0.0

    def find(clauses: Sequence[str]) -> Named:
        nonlocal rests_until
        ruled = by_rules(clauses)
        if tick() < rests_until:
            return Named(ruled.spans, degraded=True)
        try:
            found = workers.find(clauses, names.deadline_ms / 1000)
        except NamesUnavailable:
            if names.on_overload is Overload.BLOCK:
                raise
            rests_until = tick() + REST_SECONDS
            return Named(ruled.spans, degraded=True)
        return Named([[*some, *more] for some, more in zip(found, ruled.spans, strict=True)])

    return find
