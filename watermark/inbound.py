"""Marks of ours in what comes in: a prompt that quotes an answer, or a conversation that repeats it. Somebody waits for it.

A few whole bursts of a text, spread over it, are decoded, each alone. Not here: taking them out (`watermark.ignorables`),
whose they are (`watermark.registry`), and what a leak is traced with (`watermark.decoder`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from operator import xor

import numpy as np

from watermark import rs
from watermark.burst import (
    BURST_SYMBOLS,
    CONTEXT_LETTERS,
    JOINERS_PER_SYMBOL,
    letters_before,
    plan,
    read_joiners,
    read_selectors,
)
from watermark.keys import EpochKeys, Keys
from watermark.payload import from_symbols, unseal

MOST_BURSTS = (
    2  # of a text, first and last: one names an answer, and each takes a sixth of a millisecond the first time
)
MAX_REMEMBERED = 4096  # bursts
_BEFORE_CHARS = 192  # in which the letters before a burst are looked for: 48 visible ones and the bursts between them
_RUNS = re.compile("[\u200b\u200c\u200d\u2060\U000e0100-\U000e017f]{6,}")
_WHOLE = (BURST_SYMBOLS, BURST_SYMBOLS * JOINERS_PER_SYMBOL)


@dataclass(frozen=True, slots=True)
class Own:
    """Ids found, and where runs stand that may be their bursts, whole or damaged: spans of the text given."""

    ids: tuple[int, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()


NONE = Own()


class Inbound:
    """Reads with one set of keys. What was read lately is remembered: a conversation brings its answers along at every turn."""

    def __init__(self, keys: Keys) -> None:
        self._epochs = keys.epochs
        self._decoded = lru_cache(MAX_REMEMBERED)(self._decode)

    def own(self, text: str, most: int = MOST_BURSTS) -> Own:
        """The ids of ours that `most` whole bursts of a text name, and the spans of all its runs when there are any."""
        found = [match.span() for match in _RUNS.finditer(text)]
        whole = [span for span in found if span[1] - span[0] in _WHOLE]
        ids: dict[int, None] = {}
        for start, end in _spread(whole, most):
            letters = letters_before(_RUNS.sub("", text[max(0, start - _BEFORE_CHARS) : start]))
            mark_id = self._decoded(text[start:end], letters)
            if mark_id is not None:
                ids[mark_id] = None
        return Own(tuple(ids), tuple([span for span in found if _may_be_burst(text, span)])) if ids else NONE

    def _decode(self, run: str, letters: str) -> int | None:
        symbols = read_selectors(run) if run[0] >= "\U000e0100" else read_joiners(run)
        if len(letters) < CONTEXT_LETTERS or len(symbols) != BURST_SYMBOLS:
            return None
        for epoch in self._epochs:
            mark_id = _opened(symbols, letters, epoch)
            if mark_id is not None:
                return mark_id
        return None


def _may_be_burst(text: str, span: tuple[int, int]) -> bool:
    """Is a run no longer than a burst, as a burst that lost some symbols is too?"""
    return span[1] - span[0] <= _WHOLE[text[span[0]] < "\U000e0100"]


def _spread(spans: list[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """First, last, and some between."""
    if len(spans) <= most:
        return spans
    return [spans[round(number * (len(spans) - 1) / (most - 1))] for number in range(most)]


def _opened(symbols: list[int], letters: str, keys: EpochKeys) -> int | None:
    layout = plan(keys.context, letters[-CONTEXT_LETTERS:])
    known = sorted(zip(layout.positions, map(xor, symbols, layout.pads), strict=False))
    values = np.array([[value for _, value in known]], dtype=np.uint8)
    message = rs.solve(tuple([position for position, _ in known]), values)[0]
    return unseal(from_symbols(message), keys)
