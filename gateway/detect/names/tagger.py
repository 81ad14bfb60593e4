"""English people and places by a small network made for this gateway: words in, how likely each is part of a name out.

A kilobyte of text costs some forty million multiplications, so it may look at every sentence. What its figures mean for a span is
`english`'s matter; how it was made: `benchmarks/training/train_people.py`. Runs in a worker process.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

DATA = Path(__file__).parent / "data"
FEATURES = 6  # of each word
STEPS = (1, 1, 2, 4)  # how far to each side each layer looks: eight words together
GAP = max(STEPS)  # empty places between two texts, so that neither looks at the other
GOES_ON = 0.15  # likelihood that a word goes on with the name before it: less than it takes to begin one
LABELS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
_LETTER = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
TOKEN = re.compile(
    rf"[{_LETTER}]+(?:['’\-](?![sS](?![{_LETTER}]))[{_LETTER}]+)*|[0-9]+|\n|[\u3400-\u9fff]+|[^\s0-9{_LETTER}\u3400-\u9fff]"
)
_CACHED = 16_384  # words whose features are remembered


class Token(NamedTuple):
    """A word, number or sign and its place in the text."""

    start: int
    end: int
    text: str


def tokens(text: str) -> list[Token]:
    return [Token(found.start(), found.end(), found.group()) for found in TOKEN.finditer(text)]


@cache
def listed(name: str) -> frozenset[str]:
    """A list of words in `data`, as written there."""
    lines = (DATA / f"{name}.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def features(word: str) -> tuple[int, ...]:
    """What stands for a word, as hashes: itself, its beginning, its two ends, its shape, the lists it is in."""
    low = word.lower()
    if low[0].isdigit():
        low = "0" * min(len(low), 6)
    parts = ("w" + low, "p" + low[:3], "s" + low[-3:], "q" + low[-4:], "h" + shape(word), "g" + in_lists(word))
    return tuple(zlib.crc32(part.encode()) for part in parts)


def shape(word: str) -> str:
    """How a word is written: its capitals and its length, roughly."""
    if not word[0].isalpha():
        return word[0] if not word[0].isdigit() else f"d{min(len(word), 6)}"
    if word.islower():
        return "x" if len(word) > 1 else "x1"
    if word.isupper():
        return f"X{min(len(word), 4)}"
    return "Xx" if word[1:].islower() else "Xx-Xx" if word.istitle() else "xX"


def in_lists(word: str) -> str:
    """Which lists of names hold the word or the first of its parts, however it is written."""
    for form in (word, re.split("['’-]", word)[0]):
        name = form if not form.isupper() and not form.islower() else form.capitalize()
        kinds = ("g" if name in listed("given") else "") + ("f" if name in listed("family") else "")
        if kinds:
            return kinds
    return "-" if word[0].isalpha() else ""


class Tagger:
    """The network, loaded once: six megabytes, a tenth of a second, some forty megabytes of memory."""

    def __init__(self, path: Path = DATA / "people.npz") -> None:
        with np.load(path) as stored:
            self._table = stored["table"].astype(np.float32) * stored["scale"].astype(np.float32)
            self._row = {int(key): at for at, key in enumerate(stored["keys"], 1)}  # row 0 is of what was never seen
            self._layers = [
                (stored[f"w{at}"].astype(np.float32), stored[f"b{at}"].astype(np.float32))
                for at in range(len(STEPS) + 1)
            ]
        self._rows = lru_cache(maxsize=_CACHED)(self._rows_of)

    def knows(self, word: str) -> bool:
        """Was the word common where the network was made?"""
        return self._rows(word)[0] > 0

    def _rows_of(self, word: str) -> tuple[int, ...]:
        return tuple([self._row.get(key, 0) for key in features(word)])

    def likelihoods(self, texts: Sequence[Sequence[Token]]) -> list[Any]:
        """For each text, one row a word with one figure a label of `LABELS`, each row's sum 1."""
        rows: list[tuple[int, ...]] = []
        gap = [(0,) * FEATURES] * GAP
        for words in texts:
            rows += gap if rows else []
            rows += [self._rows(word.text) for word in words]
        scores = self._scores(np.array(rows, dtype=np.int32).reshape(-1, FEATURES))
        at, found = 0, []
        for words in texts:
            at += GAP if at else 0
            found.append(scores[at : at + len(words)])
            at += len(words)
        return found

    def _scores(self, rows: Any) -> Any:
        there = (rows.max(axis=1, keepdims=True) > 0).astype(np.float32)  # between texts nothing is carried over
        signal = self._table[rows].sum(axis=1)
        for (weights, bias), step in zip(self._layers[:-1], STEPS, strict=True):
            new = np.maximum(_beside(signal, step) @ weights + bias, 0.0) * there
            signal = new if signal.shape[1] != new.shape[1] else signal + new
        weights, bias = self._layers[-1]
        raw = signal @ weights + bias
        raw = np.exp(raw - raw.max(axis=1, keepdims=True))
        return raw / raw.sum(axis=1, keepdims=True)


def _beside(signal: Any, step: int) -> Any:
    """Each row with the ones `step` before and behind it."""
    before = np.zeros_like(signal)
    behind = np.zeros_like(signal)
    before[step:], behind[:-step] = signal[:-step], signal[step:]
    return np.concatenate((before, signal, behind), axis=1)


def rows_of(likely: Any, least: float, kind: str) -> Iterator[tuple[int, int, float]]:
    """Rows of words that are likely part of a name of one kind: first word, one behind the last, the best figure.

    A name may go on with words that are less likely by themselves, as rare family names are.
    """
    columns = [at for at, label in enumerate(LABELS) if label.endswith(kind)]
    figures = likely[:, columns].sum(axis=1).tolist()
    begins = likely[:, columns[0]].tolist()
    start, best = -1, 0.0
    for at, figure in enumerate(figures):
        if start >= 0 and (figure < min(least, GOES_ON) or begins[at] > 0.5):
            yield start, at, best
            start = -1
        if start >= 0:
            best = max(best, figure)
        elif figure >= least:
            start, best = at, figure
    if start >= 0:
        yield start, len(figures), best
