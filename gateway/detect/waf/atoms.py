"""The words that must be in a text for a pattern to match it. Finding words is cheap; patterns are tried where they all are.

`(?:ignore|forget)\\s+(?:\\w+\\s+){0,8}(?:rules|instructions)` needs one of two words, and one of two others. The answer may
ask for less than the pattern does, never for more.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from re import _constants as sre  # type: ignore[attr-defined]  # the standard library's own parser, private by name only
from re import _parser as sre_parse  # type: ignore[attr-defined]
from typing import Any, TypeAlias

SHORTEST = 4  # bytes: shorter words are in every text, and tell nothing
COMMON = frozenset(  # words of nearly every text: a set with one of them rules nothing out
    [
        "about",
        "above",
        "after",
        "also",
        "always",
        "and",
        "any",
        "are",
        "code",
        "first",
        "following",
        "from",
        "have",
        "imagine",
        "just",
        "like",
        "list",
        "must",
        "now",
        "only",
        "please",
        "should",
        "that",
        "the",
        "then",
        "this",
        "use",
        "using",
        "want",
        "what",
        "when",
        "will",
        "with",
        "write",
        "you",
        "your",
        "answer",
        "end",
        "make",
    ]
) | {"you are", "the following", "at the", "of the", "in the", "to the"}
# Words of every tenth prompt: where all that a pattern requires is one of these, Hyperscan looks for the whole pattern, since
# that costs it a hundredth of a microsecond a character, and RE2 a hundred times as much.
PROMPTS = frozenset(["system", "admin", "root", "instruction", "ignore", "forget", "policy"])
MOST_WORDS = 200  # alternatives: beyond, a set of words is no filter any more
MOST_SPELT = (
    64  # words that neighbouring alternatives are spelt out to: longer words tell more, and cost a scan nothing
)
SETS = 3  # sets of words kept for a pattern: the first tells most, a few more rule out nearly all the rest

Words: TypeAlias = frozenset[str]
_NOTHING: Words = frozenset([""])


@lru_cache(maxsize=4096)  # a reload changes a few patterns, and some are looked for in two scans
def required(pattern: str) -> tuple[Words, ...]:
    """Sets of small-letter words, the most telling first: a text that matches has at least one word of every set.

    Empty when nothing is required that would tell much, or when Python's parser does not know RE2's spelling.
    """
    sets = sorted(_sets(pattern), key=_telling, reverse=True)[:SETS]
    return () if all(words & PROMPTS for words in sets) else tuple(sets)


def tells(pattern: str) -> bool:
    """Does it require any word that is not in nearly every text?"""
    return bool(_sets(pattern))


def _sets(pattern: str) -> set[Words]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return set(_of_sequence(sre_parse.parse(pattern, re.IGNORECASE)))
    except (re.error, OverflowError, RecursionError):
        return set()


def _telling(words: Words) -> tuple[int, int]:
    return min(map(_size, words)), -len(words)


def _size(word: str) -> int:
    return len(word.encode())


def _of_sequence(items: Iterable[Any]) -> Iterator[Words]:
    """What can be spelt out in a row makes words; everything else ends the row and may bring sets of its own."""
    row = _NOTHING
    for kind, value in items:
        spelt = _spelt(kind, value)
        longer = None if spelt is None else _joined(row, spelt)
        if longer is not None:
            row = longer
            continue
        yield from _words(row)
        row = spelt or _NOTHING
        if spelt is None:
            yield from _of_item(kind, value)
    yield from _words(row)


def _words(row: Words) -> Iterator[Words]:
    if min(map(_size, row)) >= SHORTEST and COMMON.isdisjoint(map(str.strip, row)):
        yield _least(row)


def _least(words: Iterable[str]) -> Words:
    """Without those that hold another: where they are, it is."""
    kept = frozenset(words)
    return frozenset(word for word in kept if not any(other in word for other in kept if other != word))


def _joined(row: Words, further: Words) -> Words | None:
    return frozenset(a + b for a in row for b in further) if len(row) * len(further) <= MOST_SPELT else None


def _spelt(kind: Any, value: Any) -> Words | None:
    """All that an item can be, where that is a few words."""
    if kind is sre.LITERAL:
        return frozenset([chr(value).lower()])
    if kind is sre.AT:
        return _NOTHING
    if kind is sre.IN:
        return frozenset(chr(one).lower() for _, one in value) if all(of is sre.LITERAL for of, _ in value) else None
    if kind is sre.SUBPATTERN:
        return _spelt_row(value[3])
    if kind is sre.BRANCH:
        return _spelt_branch(value[1])
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT) and value[:2] == (0, 1):
        once = _spelt_row(value[2])
        return None if once is None else once | _NOTHING
    return None


def _spelt_row(items: Iterable[Any]) -> Words | None:
    row: Words | None = _NOTHING
    for kind, value in items:
        spelt = _spelt(kind, value)
        row = None if spelt is None or row is None else _joined(row, spelt)
        if row is None:
            return None
    return row


def _spelt_branch(branches: Iterable[Iterable[Any]]) -> Words | None:
    together: set[str] = set()
    for branch in branches:
        spelt = _spelt_row(branch)
        if spelt is None or len(together) > MOST_SPELT:
            return None
        together |= spelt
    return frozenset(together)


def _of_item(kind: Any, value: Any) -> Iterator[Words]:
    if kind is sre.SUBPATTERN:
        yield from _of_sequence(value[3])
    elif kind is sre.BRANCH:
        yield from _of_branch(value[1])
    elif kind in (sre.MAX_REPEAT, sre.MIN_REPEAT) and value[0] >= 1:
        yield from _of_sequence(value[2])


def _of_branch(branches: Iterable[Iterable[Any]]) -> Iterator[Words]:
    """One set: the most telling of each branch. A branch that requires nothing leaves nothing required."""
    together: set[str] = set()
    for branch in branches:
        best = max(_of_sequence(branch), key=_telling, default=None)
        if best is None:
            return
        together |= best
    if len(together) <= MOST_WORDS:
        yield _least(together)
