"""Finding bursts in a leaked text: the runs of mark characters, and the letters that stand before each.

Not here: what the runs say (`watermark.decoder`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from watermark.burst import BURST_SYMBOLS, WINDOW_CHARS, letters_before, read_joiners, read_selectors

MIN_SYMBOLS = 6  # shorter runs carry under 42 bits: nothing to name anybody by
_RUN = re.compile("[\U000e0100-\U000e017f]{2,}|[\u200b\u200c\u200d\u2060]{8,}")


@dataclass(frozen=True, slots=True)
class Run:
    """A burst as found: `text[start:end]`, its symbols, and up to sixteen letters before it."""

    start: int
    end: int
    symbols: tuple[int, ...]
    letters: str


def find(text: str) -> tuple[str, list[Run]]:
    """The text without mark runs, and the runs that are long enough to say something."""
    visible, found, at = "", [], 0
    for match in _RUN.finditer(text):
        visible += text[at : match.start()]
        at = match.end()
        run = match[0]
        values = read_selectors(run) if run[0] >= "\U000e0100" else read_joiners(run)
        if len(values) >= MIN_SYMBOLS:
            found += _parts(match.start(), at, values, letters_before(visible[-WINDOW_CHARS:]))
    return visible + text[at:], found


def _parts(start: int, end: int, values: list[int], letters: str) -> list[Run]:
    """Two bursts may have run together when what stood between them was cut: each end may be whole."""
    if len(values) <= BURST_SYMBOLS:
        return [Run(start, end, tuple(values), letters)]
    return [
        Run(start, end, tuple(values[:BURST_SYMBOLS]), letters),
        Run(start, end, tuple(values[-BURST_SYMBOLS:]), letters),
    ]
