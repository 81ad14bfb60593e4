"""The codewords of issued ids, one column per symbol, so that a damaged burst can be held against all of them at once.

20 bytes per id in memory. Not here: whom an id was issued to (`watermark.registry`).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from watermark import rs
from watermark.keys import EpochKeys, Keys
from watermark.payload import codeword

_GROW = 1024


class Codebook:
    """Issued ids of one or more epochs. Adding is amortised O(1) per id (about 20 µs of hashing and coding)."""

    def __init__(self) -> None:
        self._ids: dict[int, NDArray[np.uint64]] = {}
        self._columns: dict[int, rs.Symbols] = {}
        self._sizes: dict[int, int] = {}

    def __len__(self) -> int:
        return sum(self._sizes.values())

    def add(self, mark_id: int, keys: EpochKeys, word: bytes | None = None) -> None:
        """Remember an id; `word` is its codeword where the caller has it already."""
        size = self._reserve(keys.epoch, 1)
        self._ids[keys.epoch][size] = mark_id
        self._columns[keys.epoch][:, size] = np.frombuffer(word or codeword(mark_id, keys), dtype=np.uint8)
        self._sizes[keys.epoch] = size + 1

    def of(self, epoch: int) -> tuple[NDArray[np.uint64], rs.Symbols]:
        """Ids (n) and codeword columns (18 × n) of an epoch."""
        size = self._sizes.get(epoch, 0)
        if not size:
            return np.empty(0, np.uint64), np.empty((rs.LENGTH, 0), np.uint8)
        return self._ids[epoch][:size], self._columns[epoch][:, :size]

    def _reserve(self, epoch: int, more: int) -> int:
        size = self._sizes.get(epoch, 0)
        old = self._ids.get(epoch)
        if old is None or size + more > len(old):
            room = max(_GROW, 2 * (size + more))
            ids, columns = np.empty(room, np.uint64), np.empty((rs.LENGTH, room), np.uint8)
            ids[:size], columns[:, :size] = self.of(epoch)
            self._ids[epoch], self._columns[epoch] = ids, columns
        return size


def codebook(issued: Iterable[tuple[int, int]], keys: Keys) -> Codebook:
    """A codebook of (mark id, epoch) pairs; epochs no longer live are left out."""
    book = Codebook()
    for mark_id, epoch in issued:
        if (epoch_keys := keys.of(epoch)) is not None:
            book.add(mark_id, epoch_keys)
    return book
