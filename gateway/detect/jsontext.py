"""JSON in a string, read through its escapes while it arrives: a tool call's arguments. Keeps JSON valid when parts are replaced.

What is found in the plain reading is replaced in the text as it was written; a bare number becomes a quoted word.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from gateway.detect.span import Span
from gateway.detect.watch import Part, Source, Watch

_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_BARE = frozenset("+-.0123456789eE")


class _Unit(NamedTuple):
    """One plain character: how it was written, where, and whether inside a JSON string."""

    written: str
    start: int
    quoted: bool

    @property
    def in_number(self) -> bool:
        return not self.quoted and self.written in _BARE


class JsonWatch:
    """As `Watch`, for JSON. Parts carry the text as written; `quote` makes a replacement fit where it goes."""

    __slots__ = ("_at", "_bare", "_begun", "_quoted", "_rest", "_trailing", "_unit_at", "_units", "_watch")

    def __init__(self, source: Source) -> None:
        self._watch = Watch(source)
        self._units: list[_Unit] = []  # plain characters that the watch holds
        self._unit_at = 0  # the place of the first of them in the plain text
        self._rest = ""  # the beginning of an escape
        self._at = 0  # the place of what comes next in the written text
        self._quoted = False
        self._bare = ""  # a bare number's beginning: a find may follow
        self._trailing = False  # a find in a bare number was replaced: its rest goes too
        self._begun = 0  # where a find that has not ended began, as written

    @property
    def held(self) -> int:
        return sum(len(unit.written) for unit in self._units) + len(self._rest) + len(self._bare)

    @property
    def degraded(self) -> bool:
        return self._watch.degraded

    def feed(self, text: str) -> list[Part]:
        plain = self._read(self._rest + text, ended=False)
        return [placed for part in self._watch.feed(plain) for placed in self._placed(part)]

    def finish(self) -> list[Part]:
        plain = self._read(self._rest, ended=True)
        parts = [*self._watch.feed(plain), *self._watch.finish()]
        placed = [placed for part in parts for placed in self._placed(part)]
        rest, self._bare = self._bare, ""
        return [*placed, Part(rest)] if rest else placed

    def _read(self, text: str, *, ended: bool) -> str:
        plain: list[str] = []
        index = 0
        while index < len(text):
            sign, size = _unit(text, index, self._quoted, ended)
            if size == 0:
                break
            written = text[index : index + size]
            structural = written == '"'
            self._units.append(_Unit(written, self._at, self._quoted and not structural))
            self._quoted ^= structural
            plain.append(sign)
            self._at += size
            index += size
        self._rest = text[index:]
        return "".join(plain)

    def _placed(self, part: Part) -> Iterator[Part]:
        """A part of the plain text as parts of the written one."""
        span = part.span
        if span is None:
            yield from self._plain(self._take(len(part.text)))
        elif part.text:
            yield from self._found(part, span, self._take(len(part.text)))
        else:
            self._take(span.end - self._unit_at)
            end = self._units[0].start if self._units else self._at
            yield Part("", span._replace(start=self._begun, end=end))

    def _plain(self, units: list[_Unit]) -> Iterator[Part]:
        """Text as written; the beginning of a bare number waits for what follows it."""
        if self._trailing:
            kept = next((index for index, unit in enumerate(units) if not unit.in_number), len(units))
            self._trailing = kept == len(units)
            units = units[kept:]
        last = next((index for index in range(len(units), 0, -1) if not units[index - 1].in_number), 0)
        number = "".join(unit.written for unit in units[last:])
        if last == 0:
            self._bare += number
            return
        yield Part(self._bare + "".join(unit.written for unit in units[:last]))
        self._bare = number

    def _found(self, part: Part, span: Span, units: list[_Unit]) -> Iterator[Part]:
        bare = not units[0].quoted
        if self._bare and not bare:
            yield Part(self._bare)
        self._bare, self._trailing, self._begun = "", bare, units[0].start
        placed = span._replace(start=units[0].start, end=units[-1].start + len(units[-1].written))
        yield Part("".join(unit.written for unit in units), placed, part.begun, bare)

    def _take(self, count: int) -> list[_Unit]:
        taken, self._units = self._units[:count], self._units[count:]
        self._unit_at += len(taken)
        return taken


def _unit(text: str, index: int, quoted: bool, ended: bool) -> tuple[str, int]:
    """The plain character at a place and how many signs wrote it; no size where its end has not come."""
    sign = text[index]
    if sign != "\\" or not quoted:
        return sign, 1
    escape = text[index + 1 : index + 2]
    if escape == "u":
        return _code_point(text, index, ended)
    if not escape:
        return ("\\", 1) if ended else ("", 0)
    return _SHORT.get(escape, escape), 2


def _code_point(text: str, index: int, ended: bool) -> tuple[str, int]:
    digits = text[index + 2 : index + 6]
    if len(digits) < 4:
        return ("\\", 1) if ended else ("", 0)
    try:
        code = int(digits, 16)
    except ValueError:
        return "\\", 1
    if not 0xD800 <= code < 0xDC00:
        return chr(code), 6
    low = text[index + 6 : index + 12]
    if len(low) < 6 and not ended and "\\u".startswith(low[:2]):
        return "", 0
    if low[:2] == "\\u" and low[2:4].lower() in ("dc", "dd", "de", "df"):
        try:
            return chr(0x10000 + (code - 0xD800) * 0x400 + int(low[2:], 16) - 0xDC00), 12
        except ValueError:
            pass
    return chr(code), 6


def quoted(replacement: str, *, bare: bool) -> str:
    """A replacement as JSON writes it: inside a string, or as one where a number stood."""
    written = json.dumps(replacement, ensure_ascii=False)
    return written if bare else written[1:-1]
