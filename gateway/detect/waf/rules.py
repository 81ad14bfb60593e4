"""Policy rules made ready: compiled, proven by their own tests, and matched against a text. What a match means is the stage's matter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.detect.waf import decode
from gateway.detect.waf.canonical import canonical, origin
from gateway.detect.waf.confirm import Pattern, pattern_of
from gateway.detect.waf.decode import View, decoded
from gateway.detect.waf.scan import Scanner, Unscannable, numbers
from gateway.detect.waf.talk import is_talk, is_told, quoted
from policies.problem import PolicyInvalid, Problem
from policies.waf import Placed, Rule, Sample
from policies.waf_settings import Layer

EVIDENT = frozenset(
    {"base64", "hex", "binary", "escapes", "spaced"}
)  # ways to write that hide what is said from people
DECODED_WEIGHT = 1.25  # hiding the text is evidence in itself
QUOTED, TOLD = "quoted", "told"
MOST_TALK = 8  # matches of a pattern that are asked whether they are only talk; a ninth is more
MOST_ROLES = 64  # that are prepared for: programs use a handful, and the rest is worked out anew


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that fired. `start` and `end` are code points of the text it was given."""

    rule: Rule
    start: int
    end: int
    points: float
    how: str = ""  # the way it was hidden, and "quoted" where it is only talked about


NONE: frozenset[str] = frozenset()


class Reading(NamedTuple):
    """Everything the patterns said of one text. `nested` is a span of prose that was encoded twice over."""

    text: str  # as it was read: the canonical form
    hits: tuple[Hit, ...] = ()
    marks: frozenset[str] = NONE
    nested: tuple[int, int] | None = None
    views: tuple[View, ...] = ()


Patterns = tuple[tuple[int, Pattern], ...]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A rule with its patterns compiled for confirmation; those that are scanned for have their numbers in the scan."""

    rule: Rule
    any: Patterns
    also: Patterns
    unless: tuple[Pattern, ...]
    begins: int  # a bit for each pattern of `any`


class _Side(NamedTuple):
    """How the texts of one role are looked at: by which scan, and by which rules, as they stand and where they were hidden."""

    scanner: Scanner
    plain: tuple[_Ready, ...]
    decoded: tuple[_Ready, ...]
    begins: int  # a bit for each pattern of the plain ones that may begin a hit


class Ruleset:
    """Rules of some layers as one scan. `marks` are further patterns whose mere presence the caller wants to know of.

    Raises `PolicyInvalid`, naming file, rule and hint, when a rule fails one of its own tests.
    """

    def __init__(self, placed: Sequence[Placed], marks: Iterable[tuple[str, str]] = (), usual: str = "") -> None:
        """Texts of the `usual` role get a scan of their own, where others have rules that it has not."""
        self._placed = tuple(placed)
        self._patterns: list[str] = []
        self._marks = {self._number(pattern): name for name, pattern in marks}
        self._marking = sum(1 << number for number in self._marks)
        self._decoders = {self._number(pattern): name for name, pattern in decode.TRIGGERS.items()}
        self._decoding = sum(1 << number for number in self._decoders)
        self._ready = tuple(self._made_ready(one.rule) for one in placed)
        self._full = self._scanning(self._ready)
        self._usual = self._fitting(usual, decoded=True) if usual else self._ready
        self._narrow = self._scanning(self._usual)
        self._sides: dict[str, _Side] = {}
        problems = [problem for one in placed for problem in self._problems(one)]
        if problems:
            raise PolicyInvalid(problems)

    def _made_ready(self, rule: Rule) -> _Ready:
        some = self._all(rule.any)
        begins = sum(1 << number for number, _ in some)
        return _Ready(rule, some, self._all(rule.also), tuple(map(pattern_of, rule.unless)), begins)

    def _scanning(self, rules: Sequence[_Ready]) -> Scanner:
        """One scan for all that these rules, the marks and the decoders look for."""
        wanted = {number for ready in rules for number, _ in (*ready.any, *ready.also)}
        wanted |= self._marks.keys() | self._decoders.keys()
        try:
            return Scanner([one if number in wanted else None for number, one in enumerate(self._patterns)])
        except Unscannable as error:
            hint = "write it without `\\b?`, and with shorter alternatives"
            raise PolicyInvalid(
                Problem(*self._place(index), f"a pattern cannot be scanned for: {reason}", hint)
                for index, reason in error.reasons
            ) from error

    def _fitting(self, role: str, *, decoded: bool) -> tuple[_Ready, ...]:
        return tuple(one for one in self._ready if one.rule.scope.fits(role, decoded=decoded))

    def _side(self, role: str) -> _Side:
        plain, hidden = self._fitting(role, decoded=False), self._fitting(role, decoded=True)
        scanner = self._narrow if set(map(id, hidden)) <= set(map(id, self._usual)) else self._full
        side = _Side(scanner, plain, hidden, sum(one.begins for one in plain))
        if len(self._sides) < MOST_ROLES:
            self._sides[role] = side
        return side

    def _place(self, index: int) -> tuple[str, str]:
        """The file and the line of the rule that a pattern belongs to."""
        pattern = self._patterns[index]
        for one in self._placed:
            if pattern in (*one.rule.any, *one.rule.also):
                return one.file, one.where
        return "", ""

    def _number(self, pattern: str) -> int:
        self._patterns.append(pattern)
        return len(self._patterns) - 1

    def _all(self, patterns: Sequence[str]) -> Patterns:
        return tuple((self._number(pattern), pattern_of(pattern)) for pattern in patterns)

    def read(self, text: str, role: str) -> Reading:
        """The text in all its views, against every rule in scope."""
        side = self._sides.get(role) or self._side(role)
        seen = canonical(text)
        data = seen.encode("utf-8", "replace")
        candidates = side.scanner.hits(data)
        if not candidates:
            return Reading(seen)
        first = View(seen)
        hits = _confirmed(side.plain, first, data, candidates, text) if candidates & side.begins else []
        views = self._below(side.scanner, first, candidates) if candidates & self._decoding else []
        nested = None
        for view, below, inner in views:
            plain = {hit.rule.id for hit in hits}
            hits += [hit for hit in _confirmed(side.decoded, view, below, inner, text) if hit.rule.id not in plain]
            nested = nested or (view.span if is_nested(view) else None)
        marks = self._seen_marks(candidates & self._marking) if candidates & self._marking else NONE
        return Reading(seen, tuple(hits), marks, nested, tuple([view for view, _, _ in views]))

    def _seen_marks(self, marks: int) -> frozenset[str]:
        return frozenset(self._marks[number] for number in numbers(marks))

    def _below(self, scanner: Scanner, view: View, candidates: int) -> list[tuple[View, bytes, int]]:
        """Every decoded view, its bytes, and what may match in it."""
        triggers = [self._decoders[number] for number in numbers(candidates & self._decoding)]
        found: list[tuple[View, bytes, int]] = []
        for inner in decoded(view, triggers):
            data = inner.text.encode("utf-8", "replace")
            below = scanner.hits(data)
            found += [(inner, data, below), *self._below(scanner, inner, below)]
        return found

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


def _confirmed(rules: Iterable[_Ready], view: View, data: bytes, candidates: int, text: str) -> list[Hit]:
    """The hits in a view of a text, of the rules of which some pattern may match."""
    found = (_hit(ready, view, data, candidates, text) for ready in rules if candidates & ready.begins)
    return [hit for hit in found if hit is not None]


def _hit(ready: _Ready, view: View, data: bytes, candidates: int, text: str) -> Hit | None:
    rule = ready.rule
    if rule.scope.decoded and view.chain and not EVIDENT.issuperset(view.chain):
        return None
    span = _found(ready.any, data, candidates)
    if span is None or (ready.also and _found(ready.also, data, candidates) is None):
        return None
    if any(pattern.find(data) is not None for pattern in ready.unless):
        return None
    points = rule.severity.weight * (DECODED_WEIGHT if view.chain else 1.0)
    if view.chain:
        return Hit(rule, *view.span, points, "+".join(view.chain))
    start, end = _place(view, data, span)
    how = _said_how(view.text, start, end) if rule.discussed < 1 else ""
    if how and (meant := _meant(ready.any, view, data, candidates)) is not None:
        (start, end), how = _place(view, data, meant), ""
    return Hit(rule, *origin(text, start, end), points * (rule.discussed if how else 1.0), how)


def _meant(patterns: Patterns, view: View, data: bytes, candidates: int) -> tuple[int, int] | None:
    """The first match of any of the candidates that is more than talk: whoever talks of one may make another."""
    for number, pattern in patterns:
        if candidates >> number & 1 and (span := _more_than_talk(pattern, view, data)) is not None:
            return span
    return None


def _more_than_talk(pattern: Pattern, view: View, data: bytes) -> tuple[int, int] | None:
    at = 0
    for _ in range(MOST_TALK):
        span = pattern.find(data, at)
        if span is None or not _said_how(view.text, *_place(view, data, span)):
            return span
        at = span[0] + 1
    return pattern.find(data, at)


def _place(view: View, data: bytes, span: tuple[int, int]) -> tuple[int, int]:
    return span if len(data) == len(view.text) else _as_code_points(data, *span)


def _said_how(text: str, start: int, end: int) -> str:
    """Is it only talked about? Quoted, or told of others."""
    if quoted(text, start, end) and is_talk(text, start, end):
        return QUOTED
    return TOLD if is_told(text, start) else ""


def _found(patterns: Patterns, data: bytes, candidates: int) -> tuple[int, int] | None:
    """Where the first of the candidates matches."""
    for number, pattern in patterns:
        if candidates >> number & 1 and (span := pattern.find(data)) is not None:
            return span
    return None


def _as_code_points(data: bytes, start: int, end: int) -> tuple[int, int]:
    before = len(data[:start].decode("utf-8", "replace"))
    return before, before + len(data[start:end].decode("utf-8", "replace"))


def _said(sample: Sample | str) -> str:
    return sample if isinstance(sample, str) else sample.text


def of_layers(placed: Sequence[Placed], *layers: Layer) -> list[Placed]:
    return [one for one in placed if one.rule.scope.layer in layers]
