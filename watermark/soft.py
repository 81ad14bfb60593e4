"""Holding damaged bursts against issued codewords: all of them, or those of the answers that a leak resembles.

For each run the number of symbols that fit a codeword under some shift is counted for all ids at once; the few best
are then aligned exactly. The chance figure is Bonferroni-corrected over all ids and all alignments.
Not here: bursts that can be read without the registry (`watermark.decoder`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from watermark import chance, rs
from watermark.burst import BURST_SYMBOLS, CONTEXT_LETTERS, DATA_SYMBOLS, Plan, plan
from watermark.codebook import Codebook
from watermark.keys import EpochKeys
from watermark.payload import codeword
from watermark.runs import Run

MAX_RUNS = 64  # more than enough to name one text; bounds the work at 1e6 ids to some 0.3 s
_FINALISTS = 8
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Match:
    mark_id: int
    p: float
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Readable:
    run: Run
    layout: Plan

    @property
    def lost(self) -> int:
        return BURST_SYMBOLS - len(self.run.symbols)


def best_match(found: list[Run], keys: EpochKeys, book: Codebook) -> Match | None:
    """The issued id that fits best, if chance explains the fit with less than 5e-10; ties name nobody."""
    ids, columns = book.of(keys.epoch)
    readable = [
        _Readable(run, plan(keys.context, run.letters[-CONTEXT_LETTERS:]))
        for run in found[:MAX_RUNS]
        if len(run.letters) >= CONTEXT_LETTERS
    ]
    if not len(ids) or not readable:
        return None
    scores = _loose_scores(readable, columns)
    few = min(_FINALISTS, len(ids))
    finalists = np.argpartition(scores, len(ids) - few)[len(ids) - few :]
    ranked = sorted(((_exact(readable, columns[:, i].tolist()), int(i)) for i in finalists), reverse=True)
    (fits, winner), runner_up = ranked[0], ranked[1][0] if len(ranked) > 1 else []
    total = sum(fits)
    p = _chance(total, readable) * len(ids)
    if p > chance.PROVEN / 2 or total <= sum(runner_up) + 2:
        return None
    spans = tuple((r.run.start, r.run.end) for r, fit in zip(readable, fits, strict=True) if fit >= 3)
    return Match(int(ids[winner]), p, spans)


def confirm(found: list[Run], keys: EpochKeys, mark_id: int) -> tuple[float, tuple[tuple[int, int], ...]]:
    """Chance's share in how well the bursts fit one given id, and the bursts that fit.

    Knowing what to look for, a burst can be tried under every context that one changed letter may have hidden.
    """
    word = list(codeword(mark_id, keys))
    shape, total, spans = [], 0, []
    for run in found[:MAX_RUNS]:
        contexts = _contexts(run.letters[-CONTEXT_LETTERS:])
        readable = [_Readable(run, plan(keys.context, context)) for context in contexts]
        fit = max(_aligned(item, word) for item in readable)
        total += fit
        shape.append((min(len(run.symbols), DATA_SYMBOLS), len(contexts) * comb(BURST_SYMBOLS, readable[0].lost)))
        spans += [(run.start, run.end)] if fit >= 5 else []
    return chance.total_at_least(total, tuple(shape)), tuple(spans)


def _contexts(seen: str) -> list[str]:
    """The context as found, and every one it may have been before a Latin letter was lost or changed."""
    if not seen.isascii():
        return [seen]
    last = seen[-1:]
    hidden = [context for letter in _LETTERS for context in (letter + last, last + letter, seen[:1] + letter)]
    return list(dict.fromkeys([seen, *hidden]))


def _loose_scores(readable: list[_Readable], columns: rs.Symbols) -> NDArray[np.uint16]:
    """For every id: symbols that fit under any shift the lost symbols allow. Never below the exact count."""
    scores = np.zeros(columns.shape[1], dtype=np.uint16)
    for item in readable:
        for place, symbol in enumerate(item.run.symbols):
            fits = np.zeros(columns.shape[1], dtype=bool)
            for wire in range(place, min(place + item.lost, DATA_SYMBOLS - 1) + 1):
                if wire < DATA_SYMBOLS:
                    fits |= columns[item.layout.positions[wire]] == (symbol ^ item.layout.pads[wire])
            scores += fits
    return scores


def _exact(readable: list[_Readable], word: list[int]) -> list[int]:
    return [_aligned(item, word) for item in readable]


def _aligned(item: _Readable, word: list[int]) -> int:
    """Most symbols that fit in order: the longest path over (place, symbols lost so far)."""
    best = [0] * (item.lost + 1)
    for place, symbol in enumerate(item.run.symbols):
        for shift in range(item.lost + 1):
            wire = place + shift
            here = max(best[: shift + 1])
            if wire < DATA_SYMBOLS and word[item.layout.positions[wire]] ^ item.layout.pads[wire] == symbol:
                here += 1
            best[shift] = here
    return max(best)


def _chance(total: int, readable: list[_Readable]) -> float:
    shape = tuple((min(len(r.run.symbols), DATA_SYMBOLS), comb(BURST_SYMBOLS, r.lost)) for r in readable)
    return chance.total_at_least(total, shape)
