"""Which of many patterns may match a text: one pass of Hyperscan over their words. The answer is confirmed by RE2 elsewhere.

A pattern that needs no word is scanned for as it stands, with counted gaps as gaps of any width: that compiles fifty
times faster, and can only find too much.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import hyperscan

from gateway.detect import compiled
from gateway.detect.waf.atoms import Words, required

_FLAGS = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_SINGLEMATCH
_COUNTED = re.compile(r"(?<!\\)\{(\d+),(\d*)\}")


class Unscannable(Exception):
    """Patterns that Hyperscan does not take: (index, reason)."""

    def __init__(self, reasons: Sequence[tuple[int, str]]) -> None:
        super().__init__(reasons)
        self.reasons = tuple(reasons)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The one database, and what each of its numbers leads to: patterns at once, or patterns that need more words."""

    database: hyperscan.Database
    at_once: dict[int, int]
    by_word: dict[int, tuple[tuple[int, tuple[frozenset[int], ...]], ...]]


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
        seen: set[int] = set()
        data = text.encode("utf-8", "replace") + _END
        self._database.scan(data, _note, context=seen, scratch=self._own.scratch)
        return bool(seen)


class Scanner:
    """One database. Scanning is safe from several threads: each takes a scratch space of its own."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._plan = _planned(tuple(patterns))
        self._own = _Own(self._plan.database)

    def hits(self, data: bytes) -> set[int]:
        """The indices of the patterns that may match in this UTF-8."""
        seen: set[int] = set()
        plan = self._plan
        plan.database.scan(data, match_event_handler=_note, context=seen, scratch=self._own.scratch)
        found: set[int] = set()
        for number in seen:
            pattern = plan.at_once.get(number)
            if pattern is not None:
                found.add(pattern)
                continue
            for pattern, more in plan.by_word.get(number, ()):
                if not any(words.isdisjoint(seen) for words in more):
                    found.add(pattern)
        return found


def _note(index: int, start: int, end: int, flags: int, seen: object) -> None:
    seen.add(index)  # type: ignore[attr-defined]  # the set that `hits` hands over as context


@lru_cache(maxsize=8)  # a reload that leaves the patterns alone costs nothing
def _planned(patterns: tuple[str, ...]) -> _Plan:
    needs = [required(pattern) for pattern in patterns]
    words = sorted({word for sets in needs for one in sets for word in one})
    numbers = {word: number for number, word in enumerate(words)}
    wordless = [index for index, sets in enumerate(needs) if not sets]
    expressions = [re.escape(word) for word in words] + [uncounted(patterns[index]) for index in wordless]
    try:
        database = _database(expressions)
    except hyperscan.error as error:
        raise Unscannable(list(_reasons(patterns, wordless)) or [(0, str(error))]) from error
    at_once = {len(words) + position: index for position, index in enumerate(wordless)}
    return _Plan(database, at_once, _by_word(needs, numbers))


def _by_word(
    needs: Sequence[tuple[Words, ...]], numbers: dict[str, int]
) -> dict[int, tuple[tuple[int, tuple[frozenset[int], ...]], ...]]:
    """Each word of a pattern's most telling set leads to the pattern, if the other sets have been met too."""
    leads: dict[int, list[tuple[int, tuple[frozenset[int], ...]]]] = {}
    for index, sets in enumerate(needs):
        more = tuple(frozenset(numbers[word] for word in words) for words in sets[1:])
        for word in sets[0] if sets else ():
            leads.setdefault(numbers[word], []).append((index, more))
    return {number: tuple(to) for number, to in leads.items()}


def _reasons(patterns: Sequence[str], indices: Sequence[int]) -> Iterator[tuple[int, str]]:
    for index in indices:
        try:
            _database([uncounted(patterns[index])])
        except hyperscan.error as error:
            yield index, str(error)


def _database(expressions: Sequence[str]) -> hyperscan.Database:
    flags = [_FLAGS if expression.isascii() else _FLAGS | hyperscan.HS_FLAG_UTF8 for expression in expressions]
    return compiled.database([expression.encode() for expression in expressions], flags)


def uncounted(pattern: str) -> str:
    """The pattern with `{0,40}` as `*` and `{1,40}` as `+`: it matches wherever the pattern does."""
    return _COUNTED.sub(lambda bounds: "*" if bounds[1] == "0" else "+", pattern)
