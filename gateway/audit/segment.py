"""Writes frames so that they survive: one segment at a time, synced before it says so. Sync; one thread at a time.

What happens when the disk will not: a failed *write* is undone and may be tried again; after a failed *sync* nobody knows
what the disk holds, so that file is never synced again: its unsaid tail goes, and the batch into a new segment.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.audit import canonical
from gateway.audit.disk import Disk
from gateway.audit.frames import Header, pack, pack_header, segment_name
from gateway.audit.merkle import Frontier, leaf_hash
from gateway.audit.record import Closed, Opened, Record, millis
from gateway.core.errors import AuditError
from gateway.core.facts import fact

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

Open = dict[str, tuple[str, str]]  # exchange id → tenant and user, while no Closed was written


@fact(frozen=True, slots=True)
class Sizes:
    """Limits of the files, in bytes and seconds."""

    segment: int = 64 << 20  # small enough to copy, large enough that a busy day is some hundred files
    step: int = 4 << 20  # reserved at a time: a sync that need not change the file's length costs half
    age: float = 3600.0  # an idle site still hands over its hour to whoever copies whole segments
    ballast: int = 64 << 20  # given up on a full disk: ten thousands of refusals still fit
    reserve: int = 256 << 20  # free space under which nothing new is let in, before the cliff


@fact(frozen=True, slots=True)
class Item:
    """A record ready to be written."""

    record: Record
    kind: int
    head: bytes
    body: bytes


class Full(Exception):
    """There is no room on the disk. Nothing of the batch was kept."""


class Segments:
    """The end of one origin's journal. `tree` and `open` are the state after the last durable record."""

    def __init__(
        self,
        directory: Path,
        origin: str,
        disk: Disk,
        sizes: Sizes,
        clock: Callable[[], float],
        tree: Frontier,
        left: Open,
    ) -> None:
        self._directory, self._origin = directory, origin
        self._disk, self._sizes, self._clock = disk, sizes, clock
        self.tree, self.open = tree, left
        self._fd = -1
        self._end = self._reserved = 0
        self._begun = 0.0
        self._reason = "start"

    def write(self, items: Sequence[Item]) -> list[bytes]:
        """Make these durable; gives their leaf hashes. Raises `Full`, or AuditError when no file takes them."""
        first = self.tree.size
        data = b"".join([pack(first + n, item.kind, item.head, item.body) for n, item in enumerate(items)])
        self._roll(len(data))
        try:
            self._durably(data)
        except OSError as error:
            raise AuditError(f"the disk does not take the record: {error.strerror}", str(self._directory)) from error
        return self._count(items)

    def close(self) -> None:
        """Give back what was reserved and close the file."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):  # the records are durable already: only their reserve is not returned
                self._disk.truncate(self._fd, self._end)
            self._drop()

    def _durably(self, data: bytes) -> None:
        try:
            self._put(data)
        except OSError as error:
            if error.errno in NO_SPACE:
                raise Full from error
            self._reason = "io_error"
            self._begin(len(data))
            self._put(data)

    def _put(self, data: bytes) -> None:
        end = self._end + len(data)
        try:
            if end > self._reserved:
                self._reserve(end)
            self._disk.write(self._fd, data, self._end)
        except OSError:
            self._undo()
            raise
        try:
            self._disk.sync(self._fd)
        except OSError as error:
            self._abandon()
            raise OSError(errno.EIO, f"sync failed: {error.strerror}") from error
        self._end = end

    def _reserve(self, end: int) -> None:
        wanted = end + self._sizes.step
        with contextlib.suppress(OSError):  # no room to reserve is no reason not to write: the write itself tells
            self._disk.reserve(self._fd, self._reserved, wanted - self._reserved)
            self._reserved = wanted

    def _undo(self) -> None:
        """After a write that failed or came up short: back to the last good byte, or else away from this file."""
        try:
            self._disk.truncate(self._fd, self._end)
            self._reserved = self._end
        except OSError:
            self._abandon()

    def _abandon(self) -> None:
        with contextlib.suppress(OSError):  # readers stop where the next segment begins, whatever stays behind here
            self._disk.truncate(self._fd, self._end)
        self._drop()

    def _drop(self) -> None:
        fd, self._fd = self._fd, -1
        with contextlib.suppress(OSError):
            self._disk.close(fd)

    def _roll(self, coming: int) -> None:
        if self._fd >= 0 and self._end + coming > self._sizes.segment:
            self._reason = "size"
        elif self._fd >= 0 and self._clock() - self._begun > self._sizes.age:
            self._reason = "age"
        elif self._fd >= 0:
            return
        self.close()
        try:
            self._begin(coming)
        except OSError as error:
            if error.errno in NO_SPACE:
                raise Full from error
            raise AuditError(f"no new segment can be made: {error.strerror}", str(self._directory)) from error

    def _begin(self, coming: int) -> None:
        """A new segment: readers see it once it has its header, which becomes durable with its first records."""
        self._begun = self._clock()
        path = self._directory / segment_name(self._origin, self.tree.size)
        made = path.with_name(f"new-{path.name}")
        made.unlink(missing_ok=True)  # one that was begun and never became a segment
        left = tuple((id_, *who) for id_, who in self.open.items())
        header = Header(self._origin, self.tree.size, millis(self._begun), self._reason, tuple(self.tree.stack), left)
        data = pack_header(header)
        self._fd = self._disk.create(made)
        self._end = self._reserved = 0
        try:
            self._reserve(len(data) + coming)
            self._disk.write(self._fd, data, 0)
            self._disk.publish(made, path)  # over one that holds no acknowledged record, if there is one
        except OSError:
            self._drop()
            raise
        self._end = len(data)
        self._reason = "start"

    def _count(self, items: Sequence[Item]) -> list[bytes]:
        hashes = [leaf_hash(canonical.leaf(item.head)) for item in items]
        for item, hashed in zip(items, hashes, strict=True):
            self.tree.add(hashed)
            track(self.open, item.record)
        return hashes


def track(left: Open, record: Record) -> None:
    """Keep count of the exchanges that were let in and have not ended."""
    if isinstance(record, Opened):
        if not record.code:
            left[record.id] = (record.tenant, record.user)
    elif isinstance(record, Closed):
        left.pop(record.id, None)
