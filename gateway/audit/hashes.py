"""Leaf hashes and the roots of full 256-leaf subtrees, level on level, in flat files: what proofs are made of. A cache.

Everything here can be made again from the segments, and is when it does not fit them. Nothing trusts it: a proof made
from wrong hashes does not verify.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from gateway.audit import canonical, frames
from gateway.audit.merkle import Frontier, leaf_hash, node_hash, root_of

HASH_BYTES = 32
STEP = 8  # levels from one file to the next: 256 hashes, as C2SP tiles have
LEVELS = (0, 8, 16, 24)  # 2**32 records an origin


class Hashes:
    """One origin's hashes, appended by one writer, read by anyone."""

    def __init__(self, directory: Path, origin: str, *, writable: bool = False) -> None:
        flags = os.O_RDWR | os.O_CREAT if writable else os.O_RDONLY
        self._fds = [os.open(hashes_path(directory, origin, level), flags | os.O_CLOEXEC, 0o600) for level in LEVELS]

    def close(self) -> None:
        for fd in self._fds:
            os.close(fd)
        self._fds = []

    @property
    def size(self) -> int:
        return os.fstat(self._fds[0]).st_size // HASH_BYTES

    def append(self, first: int, hashes: Iterable[bytes]) -> None:
        """Leaf hashes from number `first`, which must be the next."""
        data = b"".join(hashes)
        os.pwrite(self._fds[0], data, first * HASH_BYTES)
        self._raise(0, first, first + len(data) // HASH_BYTES)

    def cut(self, size: int) -> None:
        """Forget all but the first `size` leaves."""
        for n, fd in enumerate(self._fds):
            os.ftruncate(fd, (size >> STEP * n) * HASH_BYTES)

    def read(self, level: int, begin: int, count: int) -> bytes:
        """Hashes of a stored level. Short when there are not so many."""
        return os.pread(self._fds[level // STEP], count * HASH_BYTES, begin * HASH_BYTES)

    def subtree(self, level: int, index: int) -> bytes:
        """The root of the full subtree of 2**level leaves that is number `index`."""
        stored = min(level - level % STEP, LEVELS[-1])
        width = 1 << level - stored
        data = self.read(stored, index * width, width)
        nodes = [data[n : n + HASH_BYTES] for n in range(0, len(data), HASH_BYTES)]
        if len(nodes) != width:
            raise IndexError(f"the hashes end before subtree {index} of level {level}")
        return fold(nodes)

    def root(self, size: int) -> bytes:
        return root_of(self.subtree, size)

    def _raise(self, n: int, old: int, new: int) -> None:
        """Full subtrees that came into being between two sizes, a level up."""
        begin, end = old >> STEP, new >> STEP
        if begin == end or n + 1 == len(LEVELS):
            return
        level = LEVELS[n]
        roots = [self._full(level, index) for index in range(begin, end)]
        os.pwrite(self._fds[n + 1], b"".join(roots), begin * HASH_BYTES)
        self._raise(n + 1, begin, end)

    def _full(self, level: int, index: int) -> bytes:
        data = self.read(level, index << STEP, 1 << STEP)
        return fold([data[n : n + HASH_BYTES] for n in range(0, len(data), HASH_BYTES)])


def hashes_path(directory: Path, origin: str, level: int) -> Path:
    return directory / f"hashes-{origin}-{level}"


def fold(nodes: list[bytes]) -> bytes:
    """The root over a power of two of neighbouring nodes."""
    while len(nodes) > 1:
        nodes = [node_hash(left, right) for left, right in zip(nodes[::2], nodes[1::2], strict=True)]
    return nodes[0]


def catch_up(directory: Path, origin: str, store: Hashes, tree: Frontier) -> None:
    """Make the store fit the segments, keeping what already does: as far back as the newest segment that it agrees with."""
    if store.size == tree.size and _agrees(store, tree):
        return
    listed = frames.segments(directory, origin)
    begin = _first_to_replay(listed, store)
    store.cut(listed[begin][0] if listed else 0)
    for n in range(begin, len(listed)):
        first, path = listed[n]
        stop = listed[n + 1][0] if n + 1 < len(listed) else tree.size
        store.append(first, [leaf_hash(canonical.leaf(frame.head)) for frame in frames.read(path, stop)])


def _first_to_replay(listed: list[tuple[int, Path]], store: Hashes) -> int:
    for n in range(len(listed) - 1, 0, -1):
        header = frames.read_segment_header(listed[n][1])
        if header.first <= store.size and _agrees(store, Frontier(header.first, header.tree)):
            return n
    return 0


def _agrees(store: Hashes, tree: Frontier) -> bool:
    try:
        return store.root(tree.size) == tree.root()
    except IndexError:
        return False
