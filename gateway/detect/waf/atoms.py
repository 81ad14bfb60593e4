"""The words that must be in a text for a pattern to match it. Finding words is cheap; patterns are tried where they all are.

`(?:ignore|forget)\\s+(?:\\w+\\s+){0,8}(?:rules|instructions)` needs one of two words, and one of two others. The answer may
ask for less than the pattern does, never for more.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
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
MOST_WORDS = 200  # alternatives: beyond, a set of words is no filter any more
SETS = 3  # sets of words kept for a pattern: the first tells most, a few more rule out nearly all the rest

Words: TypeAlias = frozenset[str]


def required(pattern: str) -> tuple[Words, ...]:
    """Sets of small-letter words, the most telling first: a text that matches has at least one word of every set.

    Empty when nothing is required, or when Python's parser does not know RE2's spelling.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = sre_parse.parse(pattern, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError):
        return ()
    sets = sorted(set(_of_sequence(tree)), key=_telling, reverse=True)
    return tuple(sets[:SETS])


def _telling(words: Words) -> tuple[int, int]:
    return min(map(_size, words)), -len(words)


def _size(word: str) -> int:
    return len(word.encode())


def _of_sequence(items: Iterable[Any]) -> Iterator[Words]:
    """Runs of letters are words; everything else ends the run and may bring sets of its own."""
    run = ""
    for kind, value in items:
        if kind is sre.LITERAL:
            run += chr(value).lower()
            continue
        yield from _word(run)
        run = ""
        yield from _of_item(kind, value)
    yield from _word(run)


def _word(run: str) -> Iterator[Words]:
    if _size(run) >= SHORTEST and run.strip() not in COMMON:
        yield frozenset([run])


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
        yield frozenset(together)
