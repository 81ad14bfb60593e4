"""What looks for things in each direction, as policy asks for it. Which engines those are is known here alone."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gateway.detect.clauses import Clauses, Finder, Named, NamesUnavailable
from gateway.detect.names import rules
from gateway.detect.names.pool import START_SECONDS, Pool
from gateway.detect.own import own
from gateway.detect.patterns import Patterns
from gateway.detect.watch import Source
from policies.pii import FILES, POLICY, PRESIDIO, Looking, Names, Overload, PiiPolicy, Recognizer
from policies.problem import PolicyInvalid, Problem

REST_SECONDS = 1.0  # after a failure of the models, where policy goes on without them


@dataclass(frozen=True, slots=True)
class Detectors:
    """`identifiers`: what reads a name that a program uses, in which no people are looked for; None: as everything else.

    `slow`: a request may take longer to judge than an event loop should wait; `slow_replies`: part of a reply may."""

    request: Source
    response: Source
    identifiers: Source | None = None
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
    theirs = _presidio(policy.presidio, names) if policy.presidio else None
    return Detectors(
        _source(patterns, names, names.request, theirs),
        _source(patterns, names, names.response, theirs),
        patterns,
        slow=theirs is not None or names.request is Looking.MODELS,
        slow_replies=theirs is not None or names.response is Looking.MODELS,
    )


def _await(workers: Pool, names: Names) -> None:
    if not workers.ready() and names.on_overload is Overload.BLOCK:
        hint = "is there memory for them? rules need none: names: {request: rules}"
        raise PolicyInvalid([Problem(POLICY, "names", "the language models do not start", hint)])


def _presidio(conf: str, names: Names) -> Finder:
    """The site's own Presidio registry, in a process of its own. Raises PolicyInvalid where Presidio cannot read it."""
    command = (sys.executable, "-m", "gateway.detect.presidio_worker")
    tried = subprocess.run([*command, "--check", conf], capture_output=True, timeout=START_SECONDS, check=False)
    if tried.returncode != 0:
        why = tried.stdout.decode("utf-8", "replace") or "it does not start"
        raise PolicyInvalid([Problem(PRESIDIO, "recognizers", why, "see Presidio's default_recognizers.yaml")])
    workers = registry_pool((*command, conf), names.workers)
    _await(workers, names)
    return by_models(workers, names, beside=by_none)


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


@lru_cache(maxsize=4)
def registry_pool(command: tuple[str, ...], workers: int) -> Pool:
    """One pool for each registry that is in force or was lately."""
    return Pool(workers, command)


def _source(patterns: Patterns, names: Names, how: Looking, theirs: Finder | None = None) -> Source:
    if how is Looking.OFF:
        return patterns if theirs is None else Clauses(patterns, theirs)
    if how is Looking.RULES:
        return (
            Clauses(patterns, by_rules, rules.may_find) if theirs is None else Clauses(patterns, both(by_rules, theirs))
        )
    models = by_models(pool(names.workers), names)
    return Clauses(patterns, models if theirs is None else both(models, theirs))


def both(first: Finder, second: Finder) -> Finder:
    """What either finds."""

    def find(clauses: Sequence[str]) -> Named:
        one, other = first(clauses), second(clauses)
        spans = [[*some, *more] for some, more in zip(one.spans, other.spans, strict=True)]
        return Named(spans, one.degraded or other.degraded)

    return find


def by_rules(clauses: Sequence[str]) -> Named:
    return Named(rules.find_each(clauses))


def by_none(clauses: Sequence[str]) -> Named:
    return Named([[] for _ in clauses])


def by_models(
    workers: Pool, names: Names, tick: Callable[[], float] = time.monotonic, beside: Finder = by_rules
) -> Finder:
    """Models and what stands beside them. Where models cannot be asked in time, policy says whether that alone will do.

    If so, they are left alone for a moment after a failure: otherwise each clause would wait as long as the first one did.
    """
    rests_until = 0.0

    def find(clauses: Sequence[str]) -> Named:
        nonlocal rests_until
        ruled = beside(clauses)
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
