"""Patterns that can be followed while a text arrives: how long they may get, and what their beginnings look like.

Python's own parser reads the pattern; what comes out is written for RE2, so that no text takes more than linear time.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from re import _constants as sre  # type: ignore[attr-defined]  # the standard library's own parser, private by name only
from re import _parser as sre_parse  # type: ignore[attr-defined]
from typing import Any, TypeAlias

Items: TypeAlias = Sequence[tuple[Any, Any]]


class Unbounded(Exception):
    """A pattern has no longest match, or uses what cannot be followed."""


def longest(pattern: str) -> int:
    """The most characters a match can have. Raises `Unbounded` for patterns without such a number."""
    tree = _tree(pattern)
    written(tree)
    _, most = tree.getwidth()
    if most >= sre.MAXREPEAT or most > 1 << 20:
        raise Unbounded("the pattern has no longest match: write `{1,200}` for `+`")
    return int(most)


def rewritten(pattern: str) -> str:
    """The same pattern for RE2, without capturing groups."""
    return written(list(_tree(pattern)))


def beginning(pattern: str) -> str:
    """A pattern for everything that a match may begin with, the empty text included."""
    return _begun(list(_tree(pattern)))


def head(pattern: str, characters: int) -> str:
    """A pattern for the first few characters of a match: what a fast look-out watches for."""
    return _headed(list(_tree(pattern)), characters)


@lru_cache(maxsize=4096)
def _tree(pattern: str) -> Any:
    try:
        return sre_parse.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise Unbounded(f"the pattern does not compile: {error}") from error


def written(items: Items) -> str:
    """Parsed items as a pattern again, without capturing groups."""
    return "".join(_one(kind, value) for kind, value in items)


def _one(kind: Any, value: Any) -> str:
    if kind is sre.LITERAL:
        return re.escape(chr(value))
    if kind is sre.NOT_LITERAL:
        return f"[^{_in_class(value)}]"
    if kind is sre.ANY:
        return r"[^\n]"
    if kind is sre.IN:
        return _class(value)
    if kind is sre.SUBPATTERN:
        return f"(?:{written(value[3])})"
    if kind is sre.BRANCH:
        return "(?:" + "|".join(written(branch) for branch in value[1]) + ")"
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        return _repeat(value) + ("?" if kind is sre.MIN_REPEAT else "")
    if kind is sre.AT and value in _PLACES:
        return _PLACES[value]
    raise Unbounded("the pattern uses look-around, back-references or `$`, which cannot be followed")


_PLACES = {sre.AT_BOUNDARY: r"\b", sre.AT_NON_BOUNDARY: r"\B"}
_CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}


def _class(members: Items) -> str:
    negated = bool(members) and members[0][0] is sre.NEGATE
    inside = "".join(_member(kind, value) for kind, value in members[negated:])
    return f"[{'^' if negated else ''}{inside}]"


def _member(kind: Any, value: Any) -> str:
    if kind is sre.LITERAL:
        return _in_class(value)
    if kind is sre.RANGE:
        return f"{_in_class(value[0])}-{_in_class(value[1])}"
    return _CATEGORIES[value]


def _in_class(code: int) -> str:
    letter = chr(code)
    return letter if letter.isalnum() or code > 0x7F else f"\\x{code:02x}"


def _repeat(value: Any, most: int | None = None) -> str:
    least, limit, inner = value
    if limit is sre.MAXREPEAT:
        raise Unbounded("the pattern has no longest match: write `{1,200}` for `+`")
    body = written(inner)
    top = limit if most is None else most
    return f"(?:{body}){{{min(least, top) if most is None else 0},{top}}}"


def _begun(items: Items) -> str:
    """Beginnings of a sequence: of its first item, or all of that and beginnings of the rest."""
    if not items:
        return ""
    (kind, value), rest = items[0], items[1:]
    if kind is sre.AT:  # whether a word ends here is not known before the next character is
        return f"(?:{_one(kind, value)}{_begun(rest)})?"
    further = _begun(rest)
    if kind in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
        return f"(?:{_one(kind, value)}{further})?"
    return f"(?:{_one(kind, value)}{further}|{_begun_item(kind, value)})"


def _begun_item(kind: Any, value: Any) -> str:
    if kind is sre.SUBPATTERN:
        return _begun(list(value[3]))
    if kind is sre.BRANCH:
        return "(?:" + "|".join(_begun(list(branch)) for branch in value[1]) + ")"
    inner = list(value[2])
    if len(inner) == 1 and inner[0][0] in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
        return _repeat(value, value[1])
    return _repeat(value, max(value[1] - 1, 0)) + _begun(inner)


def _headed(items: list[tuple[Any, Any]], left: int) -> str:
    """The pattern of the first `left` characters, or of fewer where the match may be over by then."""
    if not items or left <= 0:
        return ""
    (kind, value), rest = items[0], items[1:]
    if kind is sre.AT:
        return _one(kind, value) + _headed(rest, left)
    if kind in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
        return _one(kind, value) + _headed(rest, left - 1)
    if kind is sre.SUBPATTERN:
        return _headed([*value[3], *rest], left)
    if kind is sre.BRANCH:
        return "(?:" + "|".join(_headed([*branch, *rest], left) for branch in value[1]) + ")"
    once = _headed(
        [*value[2]], left
    )  # what follows a repeat may be the repeat again: its first round is enough to watch for
    return once if value[0] else f"(?:{once}|{_headed(rest, left)})"


def entropy(text: str) -> float:
    """Bits a character, after Shannon: about 3.5 to 4.5 for keys, below 3.5 for words."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values()) if text else 0.0
