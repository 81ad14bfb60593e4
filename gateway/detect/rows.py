"""Rows of digit groups, as people write numbers: what stands in one, and what stands beside it. What a row means is `numbers`."""

from __future__ import annotations

import re
from typing import NamedTuple

from gateway.detect import cues
from gateway.detect.view import View

Found = tuple[str, float, str] | None  # entity, score, rule


def shapes(written: str) -> frozenset[tuple[int, ...]]:
    return frozenset(tuple(map(int, shape.split("-"))) for shape in written.split())


NOT_PERSONAL = re.compile(r"(?:(?:400|800)[0-9]{7}|95[0-9]{3}|96[0-9]{3,4}|10086|10010|10000|12306|12345)$")


class Row(NamedTuple):
    """Neighbouring groups of one cluster. `start` and `end` are places of the view; `tail` is an X that may follow."""

    digits: str
    shape: tuple[int, ...]
    separators: tuple[str, ...]
    start: int
    end: int
    view: View
    plus: bool = False
    tail: str = ""
    whole: bool = False  # the row is the whole cluster
    fraction: bool = False  # a decimal number, or what stands after its point

    def cued(self, name: str) -> bool:
        return self.view.cued(self.start, self.end, name)

    def told(self, name: str) -> bool:
        return self.view.told(self.start, name)

    def contrary(self, name: str) -> bool:
        return self.view.contrary(self.start, name)

    @property
    def among(self) -> bool:
        """A stretch of a longer row of groups alike: a column of figures, not a number."""
        if self.whole:
            return False
        text, size, gap = self.view.text, self.shape[0], self.separators[0] if self.separators else " "
        before, behind = text[: self.start], text[self.end :]
        alike = gap + "0" * size
        return _alike(before[-len(alike) :][::-1], alike) or _alike(behind[: len(alike)], alike)

    def clock(self) -> bool:
        """The end of a time and what follows it, as in `15:01:57 2014`."""
        left = self.view.text[max(0, self.start - 2) : self.start]
        return len(left) == 2 and left[1] == ":" and left[0].isdigit()

    def named(self) -> bool:
        """The tail of a name, as in `testcase-5521982557782016`."""
        left = self.view.text[max(0, self.start - 2) : self.start]
        return len(left) == 2 and left[1] in "-_" and left[0].isalpha()

    def amid(self) -> bool:
        """Does a line of Chinese text lead up to the row, and another go on behind it?"""
        raw = self.view.raw
        low, high = self.view.at(self.start), self.view.until(self.end)
        return (
            raw[max(0, low - 2) : low].strip(" ")[-1:] >= "\u3001" and raw[high : high + 2].strip(" ")[:1] >= "\u3001"
        )

    def figure(self) -> bool:
        raw, at = self.view.raw, self.view.at(self.start)
        return (at == 0 or raw[at - 1] < "\u3001") and cues.figure(raw, at)  # no such name ends in Han

    @property
    def spelt(self) -> bool:
        """Written digit by digit, as people do who want not to be found."""
        shape = self.shape
        return len(shape) >= 8 and (max(shape) == 1 or (set(shape[:-1]) == {2} and shape[-1] <= 2))

    def one_of(self, shapes: frozenset[tuple[int, ...]]) -> bool:
        even = len(set(self.separators)) <= 1
        return len(self.shape) == 1 or (even and self.shape in shapes) or self.spelt


_HEX = frozenset("0123456789abcdefABCDEF")


def _alike(piece: str, pattern: str) -> bool:
    """Do digits stand where noughts do, and the other signs where they are?"""
    pairs = zip(piece, pattern, strict=False)
    return len(piece) == len(pattern) and all(sign in _HEX if want == "0" else sign == want for sign, want in pairs)


def public(row: Row) -> bool:
    """A hotline or an emergency number: nobody's own."""
    return NOT_PERSONAL.match(row.digits) is not None
