"""Chinese people, places and addresses by a small network made for this gateway: clauses in, how likely each sign is part of a name out.

A sign is seen as itself, with either neighbour, as part of the segmenter's word, and by the part it plays in names.
What its figures mean for a span is `chinese`'s matter; how it was made: `benchmarks/training/train_han.py`. Runs in a worker process.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

import numpy as np
import rjieba

DATA = Path(__file__).parent / "data"
LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-ADR", "I-ADR")
FEATURES = (
    6  # of each sign: itself, with the one before, with the one behind, its word, its place in it, its part in names
)
STEPS = (1, 1, 2, 4)  # how far each layer looks to both sides
GAP = max(STEPS)  # empty rows between clauses: no layer looks across them
_CACHED = 32_768  # words whose features are remembered
_PLANE = 1 << 16  # signs beyond it are one
_FIRST, _SECOND, _PAIR = np.uint32(0x9E3779B1), np.uint32(0x85EBCA77), np.uint32(0x1B873593)


@cache
def _plain() -> Any:
    """What a sign is taken for: full-width as ASCII, digits and letters as one of their kind, blanks as one."""
    table = np.arange(_PLANE, dtype=np.uint32)
    table[0xFF01:0xFF5F] = np.arange(0x21, 0x7F)
    for code in range(_PLANE):
        sign = chr(int(table[code]))
        if sign.isdigit() and not "\u3400" <= sign <= "\u9fff":
            table[code] = ord("0")
        elif sign.isascii() and sign.isalpha():
            table[code] = ord("a" if sign.islower() else "A")
        elif sign.isspace() and sign != "\n":
            table[code] = ord(" ")
    return table


@cache
def _parts() -> Any:
    """The part each sign plays in names: digits of surname, given name and transcription, as a number."""
    table = np.zeros(_PLANE, dtype=np.uint32)
    weight = 1
    for line in (DATA / "han.txt").read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        for sign in line:
            table[ord(sign)] += weight
        weight *= 2
    return table


@cache
def _seldom_as_tagged() -> dict[int, str]:
    """Words of the segmenter's dictionary that are less, or more, often somebody's name than it says: "0", "1" or "2"."""
    with np.load(DATA / "han_words.npz") as stored:
        return dict(zip(stored["keys"].tolist(), stored["classes"].astype(str).tolist(), strict=True))


@cache
def surnames() -> frozenset[str]:
    """Surnames of one sign, the commonest and the others."""
    lines = [one for one in (DATA / "han.txt").read_text("utf-8").splitlines() if not one.startswith("#")]
    return frozenset(lines[0] + lines[1])


def keys(clauses: Sequence[str]) -> Any:
    """What stands for each sign of clauses set `GAP` apart, one row a sign: `FEATURES` hashes, 0 for none."""
    text = ("\0" * GAP).join(clauses)
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32)
    codes = _plain()[np.minimum(codes, _PLANE - 1)]
    found = np.zeros((len(codes), FEATURES), dtype=np.uint32)
    found[:, 0] = codes * _FIRST
    pair = (codes[:-1] * _FIRST) ^ (codes[1:] * _SECOND + _PAIR)
    found[1:, 1] = pair
    found[:-1, 2] = pair * np.uint32(3) + _PAIR
    found[:, 3:5] = list(_words(clauses))
    found[:, 5] = _parts()[codes] * _PAIR + np.uint32(77)
    found[codes == 0] = 0
    return found


def _words(clauses: Sequence[str]) -> Any:
    """The segmenter's word and the place in it, sign by sign."""
    gap = ((0, 0),) * GAP
    rows = [_word(word, tag) for clause in clauses for word, tag in (*rjieba.tag(clause), ("", ""))]
    rows[-1:] = []
    return chain.from_iterable(row if row else gap for row in rows)


@lru_cache(maxsize=_CACHED)
def _word(word: str, tag: str) -> tuple[tuple[int, int], ...]:
    own = zlib.crc32(word.encode("utf-8", "replace")) if len(word) > 1 and not word.isascii() else 0
    last = len(word) - 1
    kind = (tag if tag[:1] in ("n", "e") else tag[:1]) + _seldom_as_tagged().get(own, "")
    return tuple(
        (
            own,
            zlib.crc32(
                f"{kind}{'S' if not last else 'B' if not at else 'E' if at == last else 'M'}{min(last, 4)}".encode()
            ),
        )
        for at in range(last + 1)
    )


class Reader:
    """The network, loaded once."""

    def __init__(self, path: Path = DATA / "han.npz") -> None:
        with np.load(path) as stored:
            table = stored["table"].astype(np.float32) * stored["scale"].astype(np.float32)
            self._keys = stored["keys"]
            self._table = np.concatenate((np.zeros_like(table[:1]), table))  # row 0 is of what was never seen
            self._layers = [
                (stored[f"w{at}"].astype(np.float32), stored[f"b{at}"].astype(np.float32))
                for at in range(len(STEPS) + 1)
            ]

    def likelihoods(self, clauses: Sequence[str]) -> list[Any]:
        """For each clause one row a sign with one figure a label of `LABELS`, each row's sum 1."""
        scores, places = self.together(clauses)
        return [scores[low:high] for low, high in places]

    def together(self, clauses: Sequence[str]) -> tuple[Any, list[tuple[int, int]]]:
        """The same in one array, with empty rows between the clauses, and where in it each clause is."""
        ends = accumulate(len(clause) + GAP for clause in clauses)
        places = [(end - GAP - len(clause), end - GAP) for end, clause in zip(ends, clauses, strict=True)]
        return self._scores(keys(clauses)), places

    def _scores(self, hashes: Any) -> Any:
        at = np.minimum(np.searchsorted(self._keys, hashes), len(self._keys) - 1)
        rows = np.where(self._keys[at] == hashes, at + 1, 0)
        there = (hashes[:, :1] > 0).astype(np.float32)
        signal = self._table[rows].sum(axis=1)
        for (weights, bias), step in zip(self._layers, STEPS, strict=False):
            new = np.maximum(_beside(signal, step) @ weights + bias, 0.0) * there
            signal = new if signal.shape[1] != new.shape[1] else signal + new
        weights, bias = self._layers[-1]
        raw = signal @ weights + bias
        raw = np.exp(raw - raw.max(axis=1, keepdims=True))
        return raw / raw.sum(axis=1, keepdims=True)


def _beside(signal: Any, step: int) -> Any:
    """Each row with the ones `step` before and behind it."""
    rows, width = signal.shape
    found = np.zeros((rows, 3 * width), dtype=np.float32)
    found[step:, :width] = signal[:-step]
    found[:, width : 2 * width] = signal
    found[:-step, 2 * width :] = signal[step:]
    return found
