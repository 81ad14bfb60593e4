"""One commit: who is let in while the disk fills up, the ballast, and who is told. Files are `segment`'s, waiting is `journal`'s."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from gateway.audit.disk import Disk
from gateway.audit.merkle import Frontier
from gateway.audit.record import Opened, Part, Record, event
from gateway.audit.segment import Full, Item, Segments, Sizes
from gateway.core.errors import AuditError


class Watcher(Protocol):
    """Told of every durable batch, in order, by the writing thread: sealing and alarms hang on here. Must be quick."""

    @property
    def fault(self) -> str:
        """Why it is behind, or nothing."""
        ...

    @property
    def sealed(self) -> int:
        """How many records are in a signed tree; 0 for those that sign nothing."""
        ...

    def begin(self, tree: Frontier) -> None:
        """Before the first batch: the tree as it was found. Raises AuditError to keep the journal from opening."""
        ...

    def written(self, first: int, items: Sequence[Item], hashes: Sequence[bytes], tree: Frontier) -> None:
        """`hashes` are the items' leaf hashes, `tree` is the tree with them in it: the watcher's to keep."""
        ...

    def close(self) -> None:
        """After the last batch. Finishes what is under way."""
        ...


class Writer:
    """Admits and writes. `low` is true while nothing new is let in. Called by one thread at a time."""

    def __init__(
        self,
        segments: Segments,
        disk: Disk,
        sizes: Sizes,
        ballast: Path,
        make: Callable[[Record], Item],
        clock: Callable[[], float],
        watchers: Sequence[Watcher] = (),
    ) -> None:
        self._segments, self._disk, self._sizes = segments, disk, sizes
        self._ballast, self._make, self._clock = ballast, make, clock
        self._directory = ballast.parent
        self._watchers = tuple(watchers)
        self.low = not self._take_ballast()

    def commit(self, items: Sequence[Item]) -> list[int | AuditError]:
        """For each record its number once durable, or why it was not kept."""
        self._look()
        try:
            return self._admitted(items)
        except Full:
            return self._without_room(items)
        except AuditError as error:
            return [error] * len(items)

    def close(self) -> None:
        self._segments.close()
        for watcher in self._watchers:
            watcher.close()
        with contextlib.suppress(OSError):
            self._ballast.unlink()

    @property
    def sealed(self) -> int:
        """How many records are in a signed tree."""
        return max((watcher.sealed for watcher in self._watchers), default=0)

    @property
    def faults(self) -> list[str]:
        """What its watchers complain of."""
        return [watcher.fault for watcher in self._watchers if watcher.fault]

    def _admitted(self, items: Sequence[Item]) -> list[int | AuditError]:
        going = [item for item in items if not self.low or _must_be_kept(item)]
        first = self._write(going) if going else 0
        numbers = iter(range(first, first + len(going)))
        if len(going) == len(items):
            return list(numbers)
        return [next(numbers) if _must_be_kept(item) else self._full() for item in items]

    def _write(self, items: Sequence[Item]) -> int:
        first = self._segments.tree.size
        hashes = self._segments.write(items)
        if self._watchers:
            tree = self._segments.tree.copy()
            for watcher in self._watchers:
                watcher.written(first, items, hashes, tree)
        return first

    def _without_room(self, items: Sequence[Item]) -> list[int | AuditError]:
        """The disk is full: give up the ballast and keep what must be kept."""
        self.low = True
        with contextlib.suppress(OSError):
            self._ballast.unlink()
        try:
            return self._admitted(items)
        except (Full, AuditError):
            return [self._full()] * len(items)

    def _look(self) -> None:
        """Is the disk filling up, or has somebody made room?"""
        free = self._disk.free(self._directory)
        if not self.low and free < self._sizes.reserve:
            self._lower()
        elif self.low and free >= self._sizes.reserve + self._missing_ballast() and self._take_ballast():
            self.low = False
            self._tell("journal.room", free)

    def _lower(self) -> None:
        self.low = True
        self._tell("journal.low", self._disk.free(self._directory))

    def _tell(self, kind: str, free: int) -> None:
        with contextlib.suppress(Full, AuditError):  # the batch that follows meets the same disk, and answers for it
            self._write([self._make(event(kind, self._clock(), {"free_bytes": free}))])

    def _missing_ballast(self) -> int:
        return 0 if self._ballast.exists() else self._sizes.ballast

    def _take_ballast(self) -> bool:
        """Hold some of the disk back, to be given up when it is full."""
        if self._sizes.ballast == 0 or self._ballast.exists():
            return True
        try:
            fd = self._disk.create(self._ballast)
        except OSError:
            return False
        try:
            self._disk.reserve(fd, 0, self._sizes.ballast)
        except OSError:
            self._ballast.unlink()
            return False
        finally:
            self._disk.close(fd)
        return True

    def _full(self) -> AuditError:
        return AuditError("the disk is nearly full", str(self._directory), "free some space: nothing is answered")


def _must_be_kept(item: Item) -> bool:
    """Ends, refusals and events still fit when new exchanges no longer do."""
    record = item.record
    return bool(record.code) if isinstance(record, Opened) else not isinstance(record, Part)
