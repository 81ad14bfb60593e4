"""Parts of a pattern that must all be in a text for it to match, where none of its words tells much. They are scanned for elsewhere.

`(?:show|print)\\b.{0,30}\\byour secret rules` begins with words of every text, and a scanner that has met one follows the gap
to the text's end: that costs three times what looking for both parts by themselves does, and finds hardly more.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from re import _constants as sre  # type: ignore[attr-defined]  # the standard library's own parser, private by name only
from re import _parser as sre_parse  # type: ignore[attr-defined]
from typing import Any

from gateway.detect.waf.atoms import SETS, tells
from gateway.detect.waf.confirm import gaps

HAN = 0x3000  # code points from here on have no other case below, and none of them is ASCII


def factors(pattern: str) -> tuple[str, ...]:
    """The pattern itself, or at most `SETS` parts of it: the first that tells something, the one before, and what follows."""
    if _ALTERS.search(pattern) is not None:
        return (pattern,)
    parts = [part for part in _parts(pattern) if _least(part) > 0]
    first = next((number for number, part in enumerate(parts) if tells(part)), 0)
    return tuple(parts[first - 1 :][:SETS]) if first else (pattern,)


_ALTERS = re.compile(r"\(\?[a-zA-Z-]+\)|\\Q")  # what stands here changes how all that follows is read


def _parts(pattern: str) -> Iterator[str]:
    last = 0
    for start, end in gaps(pattern, loops=True):
        yield pattern[last:start]
        last = end
    yield pattern[last:]


def _least(part: str) -> int:
    """Characters that it matches at least; nought where that is not known."""
    tree = _tree(part)
    return 0 if tree is None else int(tree.getwidth()[0])


def _tree(pattern: str) -> Any:
    """As Python's parser understands it, or None."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return sre_parse.parse(pattern, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError):
        return None


def beyond_ascii(pattern: str) -> bool:
    """Does every match hold a character from `HAN` on? Then a text in ASCII need not be looked at."""
    tree = _tree(pattern)
    return tree is not None and _is_beyond(tree)


def _is_beyond(items: Iterable[Any]) -> bool:
    return any(_item_is_beyond(kind, value) for kind, value in items)


def _item_is_beyond(kind: Any, value: Any) -> bool:
    if kind is sre.LITERAL:
        return bool(value >= HAN)
    if kind is sre.IN:
        return all(_lowest(of, one) >= HAN for of, one in value)
    if kind is sre.SUBPATTERN:
        return _is_beyond(value[3])
    if kind is sre.BRANCH:
        return all(map(_is_beyond, value[1]))
    return kind in (sre.MAX_REPEAT, sre.MIN_REPEAT) and value[0] >= 1 and _is_beyond(value[2])


def _lowest(kind: Any, value: Any) -> int:
    """The lowest character of a member of a class; nought where that is not plain."""
    return int(value) if kind is sre.LITERAL else int(value[0]) if kind is sre.RANGE else 0
