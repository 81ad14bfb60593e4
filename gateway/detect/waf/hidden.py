"""Text that people cannot see and a model can read: found, read and taken out.

Tag characters spell ASCII invisibly; variation selectors spell bytes; runs of zero-width characters spell bits. The
flags of England, Scotland and Wales, one variation selector after a character and single joiners are ordinary writing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TAGS = "\U000e0000-\U000e007f"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_ZERO_WIDTH = "\u200b-\u200d\u2060-\u2064\ufeff\u180e"
_FLAG = "\U0001f3f4[\U000e0061-\U000e007a]{2,6}\U000e007f"
_ODD = re.compile(f"[{_TAGS}{_SELECTORS}\u200b-\u200d\u202a-\u202e\u2060-\u206f\ufeff\u180e\u3164\uffa0\u115f\u1160]")
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


def smuggled(text: str) -> list[Smuggled]:
    """Every hidden run in a text, in order."""
    if text.isascii() or _ODD.search(text) is None:
        return []
    return [found for run in _RUNS.finditer(text) if (found := _smuggled(run)) is not None]


def _smuggled(run: re.Match[str]) -> Smuggled | None:
    kind, hidden = str(run.lastgroup), run[0]
    if kind == "flag" or (kind == "order" and not ORDER_CHANGES & set(hidden)):
        return None
    if kind == "tags":
        return Smuggled(kind, *run.span(), "".join(chr(ord(tag) - 0xE0000) for tag in hidden).strip("\0"))
    if kind == "selectors":
        return Smuggled(kind, *run.span(), bytes(map(_byte, hidden)).decode("utf-8", "replace"))
    return Smuggled(kind, *run.span())


def _byte(selector: str) -> int:
    code = ord(selector)
    return code - 0xFE00 if code < 0xE0100 else code - 0xE0100 + 16


def without(text: str, runs: list[Smuggled]) -> str:
    """The text with these runs taken out."""
    pieces, last = [], 0
    for run in runs:
        pieces.append(text[last : run.start])
        last = run.end
    return "".join([*pieces, text[last:]])


def letters(read: str) -> int:
    """How many letters and digits a hidden text spells."""
    return sum(letter.isalnum() for letter in read)
