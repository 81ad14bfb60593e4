"""Text that people cannot see and a model can read: found, read and taken out.

Tag characters spell ASCII invisibly; variation selectors spell bytes; runs of zero-width characters spell bits. The
flags of England, Scotland and Wales, one variation selector after a character and single joiners are ordinary writing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_TAGS = "\U000e0000-\U000e007f"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_ZERO_WIDTH = "\u200b-\u200d\u2060-\u2064\ufeff\u180e"
_FLAG = "\U0001f3f4[\U000e0061-\U000e007a]{2,6}\U000e007f"
_ODD = f"[{_TAGS}{_SELECTORS}\u200b-\u200d\u202a-\u202e\u2060-\u206f\ufeff\u180e\u3164\uffa0\u115f\u1160]"
# Where a run may be: several odd characters, or one that means something alone. Begins with a class, which `re` finds fast.
_MAY_BE = re.compile(f"{_ODD}(?:{_ODD}+|(?<=[{_TAGS}\u202a\u202b\u202d\u202e\u2066-\u2069]))")
_BLACK_FLAG = "\U0001f3f4"
_RUNS = re.compile(
    f"(?P<flag>{_FLAG})|(?P<tags>[{_TAGS}]+)|(?P<selectors>[{_SELECTORS}]{{2,}})|(?P<bits>[{_ZERO_WIDTH}]{{4,}})"
    "|(?P<order>[\u202a\u202b\u202d\u202e\u2066-\u2069]+)|(?P<filler>[\u3164\uffa0\u115f\u1160]{4,})"
)
ORDER_CHANGES = frozenset("\u202d\u202e")  # overrides; embeddings and isolates are how right-to-left text is written


@dataclass(frozen=True, slots=True)
class Smuggled:
    """One run of hidden characters. `read` is what it spells, where that is known."""

    kind: str
    start: int
    end: int
    read: str = ""


def smuggled(text: str) -> Iterator[Smuggled]:
    """Every hidden run in a text, in order, as it is asked for."""
    for place in () if text.isascii() else _MAY_BE.finditer(text):
        start, end = place.span()
        for run in _RUNS.finditer(text, start - (text[start - 1 : start] == _BLACK_FLAG), end):
            found = _smuggled(run)
            if found is not None:
                yield found


def _smuggled(run: re.Match[str]) -> Smuggled | None:
    kind, hidden = str(run.lastgroup), run[0]
    if kind == "flag" or (kind == "order" and not ORDER_CHANGES & set(hidden)):
        return None
    if kind == "tags":
        return Smuggled(kind, *run.span(), hidden.translate(_TAGGED).strip("\0"))
    if kind == "selectors":
        return Smuggled(kind, *run.span(), hidden.translate(_BYTES).encode("latin-1").decode("utf-8", "replace"))
    return Smuggled(kind, *run.span())


_TAGGED = {0xE0000 + code: code for code in range(128)}


_BYTES = {code: code - 0xFE00 for code in range(0xFE00, 0xFE10)} | {
    code: code - 0xE0100 + 16 for code in range(0xE0100, 0xE01F0)
}


def without(text: str, runs: Iterable[Smuggled]) -> str:
    """The text with these runs taken out."""
    pieces, last = [], 0
    for run in runs:
        pieces.append(text[last : run.start])
        last = run.end
    return "".join([*pieces, text[last:]])


def spelt(text: str) -> int:
    """How many letters and digits the hidden characters of a text spell, all runs together."""
    if text.isascii() or _ODD_ONE.search(text) is None:
        return 0
    plain = _FLAGS.sub(" ", text)
    selectors = " ".join(_SELECTOR_RUNS.findall(plain)).translate(_BYTES).encode("latin-1")
    return len(_TAG_LETTERS.findall(plain)) + sum(map(str.isalnum, selectors.decode("utf-8", "replace")))


_FLAGS = re.compile(_FLAG)
_ODD_ONE = re.compile(_ODD)
_SELECTOR_RUNS = re.compile(f"[{_SELECTORS}]{{2,}}")
_TAG_LETTERS = re.compile("[\U000e0030-\U000e0039\U000e0041-\U000e005a\U000e0061-\U000e007a]")
