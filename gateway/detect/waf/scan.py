"""Which of many patterns may match a text: Hyperscan looks for their words, and for those without. RE2 confirms elsewhere.

A pattern that needs no word is scanned for as it stands or in parts, with counted gaps as gaps of any width: that compiles
fifty times faster, and can only find too much. Those that need a Chinese character are left out where the text is ASCII.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import hyperscan

from gateway.detect import compiled
from gateway.detect.waf.atoms import SETS, Words, required
from gateway.detect.waf.factors import beyond_ascii, factors

Bits: TypeAlias = dict[str, int]

_FLAGS = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_SINGLEMATCH
_COUNTED = re.compile(r"(?<!\\)\{(\d+),(\d*)\}")


class Unscannable(Exception):
    """Patterns that Hyperscan does not take: (index, reason)."""

    def __init__(self, reasons: Sequence[tuple[int, str]]) -> None:
        super().__init__(reasons)
        self.reasons = tuple(reasons)


@dataclass(frozen=True, slots=True)
class _Share:
    """A database, and for each of its numbers the bits that it adds."""

    database: hyperscan.Database
    adds: tuple[int, ...]
    ascii: bool  # can anything of it be in a text in ASCII?


@dataclass(frozen=True, slots=True)
class _Plan:
    """The words that patterns need, and the patterns that need none: apart, since words compile in no time, and most changes
    of rules change nothing else.

    A sum has a bit for every pattern in each of `SETS` rows; a pattern may match where its bit is set in all of them.
    """

    shares: tuple[_Share, ...]
    width: int  # bits of a row
    given: int  # what patterns that need fewer sets of words have from the start


_END = b"\0" * 8


class _Own(threading.local):
    """Each thread's scratch space for one database, made when the thread first asks."""

    def __init__(self, database: hyperscan.Database) -> None:
        self.scratch = hyperscan.Scratch(database)


class Lookout:
    """Does one pattern, an alternation of many heads, match anywhere in a short text? About a microsecond.

    The end of a text is written as a character of its own, and a few more follow: Hyperscan overlooks some two-byte
    matches at the very end of 17 to 70 bytes. A text that has that character within is only looked at more closely.
    """

    __slots__ = ("_database", "_own")

    def __init__(self, pattern: str) -> None:
        self._database = _database([pattern.replace(r"\z", r"\x00")])
        self._own = _Own(self._database)

    def sees(self, text: str) -> bool:
        seen: list[int] = []
        data = text.encode("utf-8", "replace") + _END
        self._database.scan(data, _note, context=seen, scratch=self._own.scratch)
        return bool(seen)


class Scanner:
    """All patterns at once. Scanning is safe from several threads: each takes a scratch space of its own."""

    __slots__ = ("_every", "_given", "_of_ascii", "_row", "_two", "_width")

    def __init__(self, patterns: Sequence[str | None]) -> None:
        """`None` keeps a number free: that pattern is not looked for."""
        plan = _planned(tuple(patterns))
        self._every = [(one.database.scan, _Own(one.database), one.adds) for one in plan.shares]
        self._of_ascii = [made for made, one in zip(self._every, plan.shares, strict=True) if one.ascii]
        self._given = plan.given
        self._width, self._two, self._row = plan.width, 2 * plan.width, (1 << plan.width) - 1

    def hits(self, data: bytes) -> int:
        """The patterns that may match in this UTF-8: bit `i` is that of the `i`th."""
        total = 0
        for scan, own, adds in self._of_ascii if data.isascii() else self._every:
            seen: list[int] = []
            scan(data, _note, context=seen, scratch=own.scratch)
            for number in seen:
                total |= adds[number]
        if not total:
            return 0
        total |= self._given
        return total & total >> self._width & total >> self._two & self._row


def numbers(bits: int) -> Iterator[int]:
    """The bits that are set, lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _note(index: int, start: int, end: int, flags: int, seen: object) -> None:
    seen.append(index)  # type: ignore[attr-defined]  # the list that was handed over as context


@lru_cache(maxsize=8)  # a reload that leaves the patterns alone costs nothing
def _planned(patterns: tuple[str | None, ...]) -> _Plan:
    width = len(patterns)
    sets = {index: required(pattern) for index, pattern in enumerate(patterns) if pattern is not None}
    wordless = {index: patterns[index] or "" for index, words in sets.items() if not words}
    parts = {index: tuple(frozenset([part]) for part in factors(pattern)) for index, pattern in wordless.items()}
    words, given = _adds(width, {index: some for index, some in sets.items() if some})
    others, also_given = _adds(width, parts)
    try:  # of nothing to look for, Hyperscan makes no database
        shares = [
            _Share(_database([*map(write, some)]), tuple(some.values()), in_ascii)
            for some, write, in_ascii in _shared(words, others)
            if some
        ]
    except hyperscan.error as error:
        raise Unscannable(list(_reasons(wordless)) or [(0, str(error))]) from error
    return _Plan(tuple(shares), width, given | also_given)


def _shared(words: Bits, parts: Bits) -> Iterator[tuple[Bits, Callable[[str], str], bool]]:
    """What each database looks for, how it is written there, and whether it can be in ASCII."""
    yield words, re.escape, True
    yield {part: bits for part, bits in parts.items() if not beyond_ascii(part)}, uncounted, True
    yield {part: bits for part, bits in parts.items() if beyond_ascii(part)}, uncounted, False


def _adds(width: int, needs: Mapping[int, tuple[Words, ...]]) -> tuple[Bits, int]:
    """The bits that everything sought adds, in order of the alphabet, and those given where a pattern needs fewer than `SETS`."""
    adds, given = dict.fromkeys(sorted({one for sets in needs.values() for some in sets for one in some}), 0), 0
    for index, sets in needs.items():
        for row in range(SETS):
            bit = 1 << index + row * width
            for one in sets[row] if row < len(sets) else ():
                adds[one] |= bit
            given |= bit if row >= len(sets) else 0
    return adds, given


def _reasons(patterns: Mapping[int, str]) -> Iterator[tuple[int, str]]:
    for index, pattern in patterns.items():
        try:
            _database([uncounted(pattern)])
        except hyperscan.error as error:
            yield index, str(error)


def _database(expressions: Sequence[str]) -> hyperscan.Database:
    flags = [_FLAGS if expression.isascii() else _FLAGS | hyperscan.HS_FLAG_UTF8 for expression in expressions]
    return compiled.database([expression.encode() for expression in expressions], flags)


def uncounted(pattern: str) -> str:
    """The pattern with `{0,40}` as `*` and `{1,40}` as `+`: it matches wherever the pattern does."""
    return _COUNTED.sub(lambda bounds: "*" if bounds[1] == "0" else "+", pattern)
