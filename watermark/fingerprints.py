"""The fingerprint of a text: keyed hashes of overlapping stretches, thinned so that every shared passage shares some.

Stretches are 12 Latin letters or 5 Han characters long (mixed texts: by weight), taken from the folded skeleton, so
case, punctuation, spacing, width and traditional forms do not count. Winnowing (Schleimer, Wilkerson, Aiken 2003)
keeps the smallest of every six. Alone this says "the same text as", never "leaked by". Not here: the index.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from watermark.skeleton import folded

WINDOW = 6  # consecutive stretches; a shared run of six stretches is always found
HASH_BITS = 40  # 1e9 stretches in the index: a random one meets another with chance 1e-3, many never
_STRETCH_WEIGHT = 60
_LATIN_WEIGHT, _HAN_WEIGHT = 5, 12
_MULTIPLIER = 0x9E3779B97F4A7C15  # odd, so invertible modulo 2^64
_HAN_FROM = 0x2E80

Words = NDArray[np.uint64]


def fingerprint(text: str, key: bytes) -> list[int]:
    """Distinct 40-bit hashes in order of appearance; [] for texts shorter than one stretch."""
    return list(dict.fromkeys(value for value, _ in located(folded(text), key)))


def located(bare: str, key: bytes) -> list[tuple[int, int]]:
    """(hash, place in the folded skeleton) of every kept stretch."""
    starts, ends = stretches(bare)
    if not len(starts):
        return []
    kept = _winnow(_order(bare, starts, ends, key))
    return [(_hash(bare[starts[i] : ends[i]], key), int(starts[i])) for i in kept.tolist()]


def stretches(bare: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start and end of every stretch: from each letter to where the weights reach 60."""
    points = _points(bare)
    weights = np.where(points >= _HAN_FROM, _HAN_WEIGHT, _LATIN_WEIGHT)
    total = np.concatenate(([0], np.cumsum(weights)))
    ends = np.searchsorted(total, total[:-1] + _STRETCH_WEIGHT, side="left")
    starts = np.flatnonzero(ends <= len(bare))
    return starts, ends[starts]


def _points(bare: str) -> NDArray[np.uint32]:
    return np.frombuffer(bare.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _order(bare: str, starts: NDArray[np.int64], ends: NDArray[np.int64], key: bytes) -> Words:
    """A keyed pseudo-random order of the stretches, by a rolling polynomial: decides which to keep, no more."""
    powers, inverse = _powers(1 << max(10, len(bare).bit_length()))
    points = _points(bare).astype(np.uint64)
    prefix = np.concatenate((np.zeros(1, np.uint64), np.cumsum(points * powers[: len(points)], dtype=np.uint64)))
    value = (prefix[ends] - prefix[starts]) * inverse[starts]
    value ^= np.uint64(int.from_bytes(key[:8]))
    value *= np.uint64(0xBF58476D1CE4E5B9)
    value ^= value >> np.uint64(29)
    return value * np.uint64(0x94D049BB133111EB)


@lru_cache(maxsize=4)
def _powers(size: int) -> tuple[Words, Words]:
    """Powers of the multiplier and of its inverse, modulo 2^64."""
    base = np.full(size, _MULTIPLIER, np.uint64)
    back = np.full(size, pow(_MULTIPLIER, -1, 1 << 64), np.uint64)
    base[0] = back[0] = 1
    return np.cumprod(base, dtype=np.uint64), np.cumprod(back, dtype=np.uint64)


def _winnow(values: Words) -> NDArray[np.int64]:
    if len(values) <= WINDOW:
        return np.array([int(values.argmin())])
    windows = np.lib.stride_tricks.sliding_window_view(values, WINDOW)
    # The rightmost minimum, so that a repeated passage keeps one choice for as long as possible.
    least = WINDOW - 1 - windows[:, ::-1].argmin(axis=1)
    return np.unique(least + np.arange(len(windows)))


def _hash(stretch: str, key: bytes) -> int:
    return int.from_bytes(
        blake2b(stretch.encode("utf-8", "surrogatepass"), key=key, digest_size=HASH_BITS // 8).digest()
    )


def containment(part: Iterable[int], whole: Iterable[int]) -> float:
    """Share of `part`'s fingerprints that `whole` has too; 0.0 for an empty part."""
    wanted = set(part)
    return len(wanted.intersection(whole)) / len(wanted) if wanted else 0.0
