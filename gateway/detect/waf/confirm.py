"""Where a pattern matches, by RE2. Patterns with counted gaps are looked for in steps. Which patterns, and what it means, is not known here.

`A.{0,200}B` makes RE2 tell apart every distance from every A, which costs a hundred times what reading the text does. So
places where A may begin are looked for, then B behind each, and only from there the whole pattern is tried. What is
found is the same: the first place where the whole matches begins with an A.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import lru_cache
from re import _constants as sre  # type: ignore[attr-defined]  # the standard library's own parser, private by name only
from re import _parser as sre_parse  # type: ignore[attr-defined]
from typing import Any

import re2

COUNTED = 8  # characters: from this width on, counting a gap costs more than looking for what stands around it
STARTS = 32  # places that are tried one by one; a text with more of them is searched whole from there
_GAP = re.compile(r"\{(\d+),(\d+)\}\??")
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_WIDEST = 1 << 16  # characters: what may be wider may as well be without end
_BYTES = 4  # of a character, at most

Span = tuple[int, int]


class Pattern:
    """A pattern made ready. Case does not count, and a dot is any character."""

    __slots__ = ("_ends", "_reach", "_whole")

    def __init__(self, pattern: str) -> None:
        self._whole = _Sought(pattern)
        steps = _steps(pattern)
        ends = (_Sought(steps[0]), _Sought(steps[1])) if steps else None
        may_be_empty = ends is None or any(one.search(b"") is not None for one in ends)
        self._ends = None if may_be_empty else ends
        self._reach = _widest(steps[2]) if steps else None

    def find(self, data: bytes, at: int = 0) -> Span | None:
        """The leftmost match in this UTF-8 that begins at this byte or behind it."""
        return self._whole.search(data, at) if self._ends is None else self._stepwise(data, at, *self._ends)

    def _stepwise(self, data: bytes, at: int, first: _Sought, last: _Sought) -> Span | None:
        behind = -1
        whole = self._whole
        reach = len(data) if self._reach is None else self._reach
        for _ in range(STARTS):
            beginning = first.search(data, at)
            if beginning is None:
                return None
            start = beginning[0]
            if behind < start:
                end = last.search(data, start)
                if end is None:
                    return None
                behind = end[0]
            if behind - start > reach:
                at = max(behind - reach, start + 1)
                continue
            found = whole.match(data, start)
            if found is not None:
                return found
            at = start + 1
        return whole.search(data, at)


class _Sought:
    """RE2 of a pattern, asked without the wrapper that makes a match of every answer: a text is asked ten times."""

    __slots__ = ("_match",)

    def __init__(self, pattern: str) -> None:
        self._match = compiled(pattern)._regexp.Match

    def search(self, data: bytes, at: int = 0) -> Span | None:
        found: Span = self._match(_ANYWHERE, data, at, len(data))[0]
        return None if found == _NOWHERE else found

    def match(self, data: bytes, at: int) -> Span | None:
        found: Span = self._match(_HERE, data, at, len(data))[0]
        return None if found == _NOWHERE else found


_ANYWHERE, _HERE = re2._re2.RE2.Anchor.UNANCHORED, re2._re2.RE2.Anchor.ANCHOR_START
_NOWHERE = (-1, -1)


@lru_cache(maxsize=4096)  # a reload changes a few; they hold nothing but what they look for
def pattern_of(pattern: str) -> Pattern:
    """The pattern made ready, once."""
    return Pattern(pattern)


def compiled(pattern: str) -> Any:
    """RE2 of it, which takes linear time."""
    options = re2.Options()
    options.case_sensitive = False
    options.dot_nl = True
    options.log_errors = False
    return re2.compile(pattern, options)


def _steps(pattern: str) -> tuple[str, str, str] | None:
    """What stands before the first counted gap, what stands behind the last one, and all before that; if it has such a gap."""
    cuts = list(gaps(pattern))
    if not cuts:
        return None
    first, last = pattern[: cuts[0][0]], pattern[cuts[-1][1] :]
    return (first, last, pattern[: cuts[-1][1]]) if first and last else None


def _tokens(pattern: str) -> Iterator[tuple[str, int, int]]:
    """Each letter, escape and class of a pattern, where it ends, and how many brackets are open there."""
    depth = 0
    for token in _TOKEN.finditer(pattern):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        yield token[0], token.end(), depth


def _outermost(pattern: str) -> list[str]:
    return [token for token, _, depth in _tokens(pattern) if depth == 0]


def gaps(pattern: str, *, loops: bool = False) -> Iterator[Span]:
    """Where the counted gaps stand that are in no brackets; with `loops`, those of brackets that may be missing as well.

    Of a pattern that is one of several at its outermost, none.
    """
    if "|" in _outermost(pattern):
        return
    opened = 0
    for atom, end, depth in _tokens(pattern):
        opened = end - 1 if atom == "(" and depth == 1 else opened
        start = end - len(atom) if atom == "." or atom.startswith("[^") else opened if loops and atom == ")" else None
        counted = _GAP.match(pattern, end) if depth == 0 and start is not None else None
        if (
            counted is not None
            and start is not None
            and int(counted[2]) >= COUNTED
            and not (atom == ")" and int(counted[1]))
        ):
            yield start, counted.end()


def _widest(pattern: str) -> int | None:
    """Bytes that a match of it takes at most, where that is known."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            width = sre_parse.parse(pattern, re.IGNORECASE).getwidth()[1]
    except (re.error, OverflowError, RecursionError):
        return None
    return int(width) * _BYTES if width < min(_WIDEST, sre.MAXREPEAT) else None
