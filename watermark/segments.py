"""Sorted runs of postings, in memory or memory-mapped: four arrays of one length, searched by bisection.

A hash is split into its high 32 and low 8 bits, so a posting is 4 + 1 + 4 bytes. Not here: names of texts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

POSTING_BYTES = 9
_LOW_BITS = np.uint64(8)

Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Postings:
    """Parallel arrays sorted by hash: high part, low part, text number."""

    high: NDArray[np.uint32]
    low: NDArray[np.uint8]
    numbers: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.high)

    @staticmethod
    def of(texts: Mapping[int, Hashes]) -> Postings:
        if not texts:
            return Postings(np.empty(0, np.uint32), np.empty(0, np.uint8), np.empty(0, np.uint32))
        hashes = np.concatenate(list(texts.values()))
        numbers = np.repeat(np.fromiter(texts, np.uint32), [len(values) for values in texts.values()])
        return _sorted(hashes, numbers)

    def hashes(self) -> Hashes:
        return self.high.astype(np.uint64) << _LOW_BITS | self.low.astype(np.uint64)


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    name: str
    postings: Postings

    @staticmethod
    def of(postings: Postings) -> Segment:
        return Segment(f"memory-{id(postings):x}", postings)

    def find(self, wanted: Hashes) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """For every posting of a wanted hash: which of the wanted, and the text's number."""
        high = (wanted >> _LOW_BITS).astype(np.uint32)
        first = np.searchsorted(self.postings.high, high, side="left")
        counts = np.searchsorted(self.postings.high, high, side="right") - first
        which = np.repeat(np.arange(len(wanted)), counts)
        within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        places = np.repeat(first, counts) + within
        fits = self.postings.low[places] == (wanted[which] & np.uint64(0xFF)).astype(np.uint8)
        return which[fits], self.postings.numbers[places[fits]]


def _sorted(hashes: Hashes, numbers: NDArray[np.uint32]) -> Postings:
    order = np.argsort(hashes, kind="stable")
    ranked = hashes[order]
    return Postings(
        (ranked >> _LOW_BITS).astype(np.uint32), (ranked & np.uint64(0xFF)).astype(np.uint8), numbers[order]
    )


def merge(parts: list[Postings], gone: Iterable[int]) -> Postings:
    """One run of several, without the postings of texts that are gone."""
    hashes = np.concatenate([part.hashes() for part in parts])
    numbers = np.concatenate([part.numbers for part in parts])
    alive = ~np.isin(numbers, np.fromiter(gone, np.uint32))
    return _sorted(hashes[alive], numbers[alive])


def write(folder: Path, segment: Segment) -> Segment:
    """Write a segment's file, synced and under its content's name, and read it back as a memory map."""
    postings = segment.postings
    body = len(postings).to_bytes(8) + postings.high.tobytes() + postings.numbers.tobytes() + postings.low.tobytes()
    name = f"segment-{sha256(body).hexdigest()[:24]}"
    path = folder / f"{name}.new"
    with path.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    path.replace(folder / name)
    return read(folder, name)


def read(folder: Path, name: str) -> Segment:
    path = folder / name
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8))
    if not size:  # an empty file cannot be mapped
        return Segment(name, Postings.of({}))
    high = np.memmap(path, np.uint32, "r", 8, (size,))
    numbers = np.memmap(path, np.uint32, "r", 8 + 4 * size, (size,))
    low = np.memmap(path, np.uint8, "r", 8 + 8 * size, (size,))
    return Segment(name, Postings(high, low, numbers))


def delete(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
