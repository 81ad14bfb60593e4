"""Policy rules made ready: compiled, proven by their own tests, and matched against a text. What a match means is the stage's matter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import re2

from gateway.detect.waf import decode
from gateway.detect.waf.canonical import canonical, origin
from gateway.detect.waf.decode import View, decoded
from gateway.detect.waf.scan import Scanner, Unscannable
from gateway.detect.waf.talk import is_talk, quoted
from policies.problem import PolicyInvalid, Problem
from policies.waf import Placed, Rule, Sample
from policies.waf_settings import Layer

EVIDENT = frozenset(
    {"base64", "hex", "binary", "escapes", "spaced"}
)  # ways to write that hide what is said from people
DECODED_WEIGHT = 1.25  # hiding the text is evidence in itself


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that fired. `start` and `end` are code points of the text it was given."""

    rule: Rule
    start: int
    end: int
    points: float
    how: str = ""  # the way it was hidden, and "quoted" where it is only talked about


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything the patterns said of one text. `nested` is a span of prose that was encoded twice over."""

    hits: tuple[Hit, ...] = ()
    marks: frozenset[str] = frozenset()
    nested: tuple[int, int] | None = None
    views: tuple[View, ...] = ()
    text: str = ""  # as it was read: the canonical form


@dataclass(frozen=True, slots=True)
class _Ready:
    """A rule with its patterns' numbers in the one scan, and compiled for confirmation."""

    rule: Rule
    any: tuple[tuple[int, re.Pattern[Any]], ...]
    also: tuple[tuple[int, re.Pattern[Any]], ...]
    unless: tuple[tuple[int, re.Pattern[Any]], ...]


class Ruleset:
    """Rules of some layers as one scan. `marks` are further patterns whose mere presence the caller wants to know of.

    Raises `PolicyInvalid`, naming file, rule and hint, when a rule fails one of its own tests.
    """

    def __init__(self, placed: Sequence[Placed], marks: Iterable[tuple[str, str]] = ()) -> None:
        self._placed = tuple(placed)
        self._patterns: list[str] = []
        self._marks = {self._number(pattern): name for name, pattern in marks}
        self._decoders = {self._number(pattern): name for name, pattern in decode.TRIGGERS.items()}
        self._owner: dict[int, _Ready] = {}
        for one in placed:
            ready = _Ready(one.rule, self._all(one.rule.any), self._all(one.rule.also), self._all(one.rule.unless))
            self._owner |= {number: ready for number, _ in ready.any}
        self._scanner = self._scanning()
        problems = [problem for one in placed for problem in self._problems(one)]
        if problems:
            raise PolicyInvalid(problems)

    def _scanning(self) -> Scanner:
        try:
            return Scanner(self._patterns)
        except Unscannable as error:
            hint = "write it without `\\b?`, and with shorter alternatives"
            raise PolicyInvalid(
                Problem(*self._place(index), f"a pattern cannot be scanned for: {reason}", hint)
                for index, reason in error.reasons
            ) from error

    def _place(self, index: int) -> tuple[str, str]:
        """The file and the line of the rule that a pattern belongs to."""
        pattern = self._patterns[index]
        for one in self._placed:
            if pattern in (*one.rule.any, *one.rule.also, *one.rule.unless):
                return one.file, one.where
        return "", ""

    def _number(self, pattern: str) -> int:
        self._patterns.append(pattern)
        return len(self._patterns) - 1

    def _all(self, patterns: Sequence[str]) -> tuple[tuple[int, re.Pattern[Any]], ...]:
        return tuple((self._number(pattern), _confirming(pattern)) for pattern in patterns)

    def read(self, text: str, role: str) -> Reading:
        """The text in all its views, against every rule in scope."""
        first = View(canonical(text))
        candidates = self._scanner.hits(first.text.encode("utf-8", "replace"))
        if not candidates:
            return Reading(text=first.text)
        marks = frozenset(self._marks[number] for number in candidates & self._marks.keys())
        hits = self._confirmed(first, candidates, role, text)
        views = self._below(first, candidates)
        nested = None
        for view, inner in views:
            plain = {hit.rule.id for hit in hits}
            hits += [hit for hit in self._confirmed(view, inner, role, text) if hit.rule.id not in plain]
            nested = nested or (view.span if is_nested(view) else None)
        return Reading(tuple(hits), marks, nested, tuple(view for view, _ in views), first.text)

    def _below(self, view: View, candidates: set[int]) -> list[tuple[View, set[int]]]:
        """Every decoded view, with what may match in it."""
        triggers = {self._decoders[number] for number in candidates & self._decoders.keys()}
        found: list[tuple[View, set[int]]] = []
        for inner in decoded(view, triggers):
            below = self._scanner.hits(inner.text.encode("utf-8", "replace"))
            found += [(inner, below), *self._below(inner, below)]
        return found

    def _confirmed(self, view: View, candidates: set[int], role: str, text: str) -> list[Hit]:
        hits, done = [], set()
        for number in sorted(candidates & self._owner.keys()):
            ready = self._owner[number]
            if ready.rule.id in done or not ready.rule.scope.fits(role, decoded=bool(view.chain)):
                continue
            hit = _hit(ready, view, candidates, text)
            if hit is not None:
                hits.append(hit)
                done.add(ready.rule.id)
        return hits

    def _problems(self, placed: Placed) -> Iterable[Problem]:
        rule = placed.rule
        for sample in rule.tests.hit:
            if not self._fires(rule, sample):
                hint = f"mend the pattern or the test: {_said(sample)[:60]!r}"
                yield Problem(placed.file, placed.where, "the rule misses a text its tests say it must hit", hint)
        for sample in rule.tests.miss:
            if self._fires(rule, sample):
                hint = f"narrow the pattern: {_said(sample)[:60]!r}"
                yield Problem(placed.file, placed.where, "the rule hits a text its tests say it must leave alone", hint)

    def _fires(self, rule: Rule, sample: Sample | str) -> bool:
        role = sample.role if isinstance(sample, Sample) and sample.role else rule.scope.roles[0]
        role = "user" if role == "*" else role
        return any(
            hit.rule is rule and hit.points >= rule.severity.weight for hit in self.read(_said(sample), role).hits
        )


def is_nested(view: View) -> bool:
    """Prose that was put into base64, base32 or hex twice: nobody does that to be understood by people."""
    return len(view.chain) == decode.LAYERS and set(view.chain) <= {"base64", "hex", "binary"} and _is_prose(view.text)


def _is_prose(text: str) -> bool:
    return len(re.findall(r"[A-Za-z]{2,}", text)) >= 3 or len(re.findall(r"[\u4e00-\u9fff]", text)) >= 6


def _hit(ready: _Ready, view: View, candidates: set[int], text: str) -> Hit | None:
    if ready.rule.scope.decoded and view.chain and not EVIDENT.issuperset(view.chain):
        return None
    # ASCII goes to RE2 as bytes: places are the same, and its Python side need not translate them.
    said = view.text.encode() if view.text.isascii() else view.text
    span = _found(ready.any, said, candidates)
    if span is None or (ready.also and _found(ready.also, said, candidates) is None):
        return None
    if _found(ready.unless, said, candidates) is not None:
        return None
    points = ready.rule.severity.weight * (DECODED_WEIGHT if view.chain else 1.0)
    if not view.chain and ready.rule.discussed < 1 and quoted(view.text, *span) and is_talk(view.text, *span):
        start, end = origin(text, *span)
        return Hit(ready.rule, start, end, points * ready.rule.discussed, "quoted")
    start, end = view.span if view.chain else origin(text, *span)
    return Hit(ready.rule, start, end, points, "+".join(view.chain))


def _found(
    patterns: Iterable[tuple[int, re.Pattern[Any]]], text: str | bytes, candidates: set[int]
) -> tuple[int, int] | None:
    for number, pattern in patterns:
        if number in candidates and (match := pattern.search(text)) is not None:
            return match.span()
    return None


def _confirming(pattern: str) -> re.Pattern[Any]:
    options = re2.Options()
    options.case_sensitive = False
    options.dot_nl = True
    options.log_errors = False
    compiled: re.Pattern[Any] = re2.compile(pattern, options)
    return compiled


def _said(sample: Sample | str) -> str:
    return sample if isinstance(sample, str) else sample.text


def of_layers(placed: Sequence[Placed], *layers: Layer) -> list[Placed]:
    return [one for one in placed if one.rule.scope.layer in layers]
