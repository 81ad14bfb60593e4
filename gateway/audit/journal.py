"""The journal: `await append(record)` returns once the record is durable, or raises. Files are `segment`'s matter, trees `seal`'s.

Group commit without a timer: while one batch is being synced, the next gathers. One thread writes; the event loop only
encodes. Nothing here retries on a caller's behalf: no receipt means not recorded, and not recorded means not answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.audit import canonical, frames, recovery
from gateway.audit.commit import Watcher, Writer
from gateway.audit.disk import Disk, RealDisk
from gateway.audit.record import Closed, Outcome, Record, event, millis
from gateway.audit.scribe import Scribe
from gateway.audit.seal import Sealer, Signer
from gateway.audit.segment import Item, Open, Segments, Sizes
from gateway.core.errors import AuditError
from gateway.core.facts import fact

MAX_BATCH = 512  # records a commit: a longer batch no longer saves syncs, but everyone in it waits for it
MAX_QUEUE = 16_384  # records waiting: at 10,000/s more than a second behind, and time to say no
SALT_DIGITS = 4 * canonical.SALT_BYTES  # two salts, in hexadecimal
SALT_POOL = 256  # records' worth of randomness asked for at once: one system call instead of 256


@fact(frozen=True, slots=True)
class Receipt:
    """Where a durable record is: its number in its origin's log, which is also its leaf in the tree."""

    origin: str
    seq: int


INTERRUPTED = "interrupted"  # the fault of an exchange whose worker did not live to give it an end

SIZES = Sizes()

Results = list[int | AuditError]  # each record's number, or why it was not kept
Waiting = tuple[Item, "asyncio.Future[Receipt]"]


class Journal:
    """One origin's journal, open for writing. Make it with `Journal.open`; one event loop uses it."""

    def __init__(self, origin: str, writer: Writer, salts: Salts, lock: int, sealer: Sealer | None = None) -> None:
        self.origin = origin
        self._sealer = sealer
        self._writer, self._salts, self._lock = writer, salts, lock
        self._scribe: Scribe[list[Item], Results] = Scribe(writer.commit, f"journal-{origin}")
        self._queue: list[Waiting] = []
        self._busy = self._closed = False
        self._idle: asyncio.Event | None = None

    @classmethod
    def open(
        cls,
        directory: Path,
        origin: str = "w0",
        *,
        clock: Callable[[], float] = time.time,
        disk: Disk | None = None,
        sizes: Sizes = SIZES,
        signer: Signer | None = None,
        copies: Sequence[Path] = (),
        retired: Sequence[bytes] = (),
        heads_kept: int = 0,
        watchers: Sequence[Watcher] = (),
        entropy: Callable[[int], bytes] = os.urandom,
        actor: str = "",
    ) -> Journal:
        """Take the origin for this process, mend what a crash left, and record that. Reads one segment at most.

        `directory` is `DIR/audit`; `copies` are further places that keep every checkpoint, `retired` the keys that signed
        before this one, `heads_kept` how many of the newest checkpoints stay (0: all), `actor` who opens a log that is
        not its own. Raises AuditError when another
        process has the origin, nothing can be written, or the record is not the one that was sealed.
        """
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = _take(directory, f"lock-{origin}", f"origin {origin}")
        sealer = Sealer(directory, origin, signer, copies, retired, heads_kept) if signer else None
        told = [*watchers, *([sealer] if sealer else [])]
        try:
            found = recovery.find(directory, origin)
            for watcher in told:
                watcher.begin(found.tree)
            disk = disk or RealDisk()
            segments = Segments(directory, origin, disk, sizes, clock, found.tree, dict(found.open))
            salts, its_own = Salts(entropy), Salts(entropy)  # a pool for each thread
            writer = Writer(segments, disk, sizes, directory / f"ballast-{origin}", its_own.item, clock, told)
            _begin(writer, salts, found, clock, (origin, directory, actor))
        except BaseException:
            for watcher in told:
                watcher.close()
            os.close(lock)
            raise
        return cls(origin, writer, salts, lock, sealer)

    @property
    def low(self) -> bool:
        """True while the disk is nearly full and new exchanges are turned away."""
        return self._writer.low

    @property
    def waiting(self) -> int:
        """Records not yet handed to the disk."""
        return len(self._queue)

    @property
    def fault(self) -> str:
        """Why checkpoints are behind, or nothing."""
        return "; ".join(self._writer.faults)

    @property
    def sealed(self) -> int:
        """How many records are in a signed tree so far."""
        return self._writer.sealed

    @property
    def public(self) -> bytes:
        """The key that seals it, or nothing."""
        return self._sealer.public if self._sealer else b""

    async def sign_with(self, signer: Signer, retired: Sequence[bytes], at: float) -> Receipt:
        """Another key signs from now on: on the record, so that a checkpoint of its own follows within a second."""
        if self._sealer is not None:
            self._sealer.take(signer, retired)
        return await self.append(event("key.taken", at, {"public": signer.public.hex()}, subject=self.origin))

    async def append(self, record: Record) -> Receipt:
        """Durable when this returns. Raises AuditError when it is not, and then nobody may be answered."""
        return await self.submit(record)

    def note(self, record: Record) -> None:
        """As `append`, for a record that nobody waits for: a stream's parts. Its loss shows in nothing but itself."""
        with contextlib.suppress(AuditError):
            self.submit(record).add_done_callback(_heard)

    def submit(self, record: Record) -> asyncio.Future[Receipt]:
        """As `append`, for a caller who awaits later. Order of submission is order in the log."""
        if self._closed:
            raise AuditError("the journal is closed")
        if len(self._queue) >= MAX_QUEUE:
            raise AuditError(f"{MAX_QUEUE} records wait for the disk", hint="the disk is too slow, or has stopped")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Receipt] = loop.create_future()
        self._queue.append((self._salts.item(record), future))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._commit, loop)  # whoever else is ready in this turn of the loop comes along
        return future

    async def close(self) -> None:
        """Wait for what is under way, give back the ballast and the origin. May be called twice."""
        if self._closed:
            return
        self._closed = True
        if self._busy:
            self._idle = asyncio.Event()
            await self._idle.wait()
        self._scribe.close()
        self._writer.close()
        os.close(self._lock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _commit(self, loop: asyncio.AbstractEventLoop) -> None:
        batch, self._queue = self._queue[:MAX_BATCH], self._queue[MAX_BATCH:]
        tell = partial(_when_done, loop, partial(self._settle, loop, batch))
        self._scribe.give([item for item, _ in batch], tell)

    def _settle(self, loop: asyncio.AbstractEventLoop, batch: list[Waiting], done: Results | BaseException) -> None:
        if self._queue:
            self._commit(loop)
        else:
            self._busy = False
            if self._idle is not None:
                self._idle.set()
        if isinstance(done, BaseException):  # not a disk's refusal but a defect: everyone who waits must hear of it
            done = [AuditError(f"the journal failed: {done!r}")] * len(batch)
        for (_, future), result in zip(batch, done, strict=True):
            if future.done():  # whoever waited has gone; the record stays
                continue
            if isinstance(result, AuditError):
                future.set_exception(result)
            else:
                future.set_result(Receipt(self.origin, result))


class Salts:
    """Turns records into items, each with fresh salts out of a pool."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._pool, self._at = "", 0

    def item(self, record: Record) -> Item:
        if self._at == len(self._pool):
            self._pool, self._at = self._entropy(SALT_POOL * SALT_DIGITS // 2).hex(), 0
        begin, self._at = self._at, self._at + SALT_DIGITS
        kind, head, body = canonical.encode(record, self._pool[begin : self._at])
        return Item(record, kind, head, body)


def _heard(future: asyncio.Future[Receipt]) -> None:
    """Look at the outcome, so that asyncio does not complain that nobody did."""
    if not future.cancelled():
        future.exception()


def _when_done(
    loop: asyncio.AbstractEventLoop, then: Callable[[Results | BaseException], None], done: Results | BaseException
) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more, and the records are there
        loop.call_soon_threadsafe(then, done)


def _take(directory: Path, name: str, what: str) -> int:
    """The lock that makes this its only writer. Held until closed, or until the process ends."""
    path = directory / name
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise AuditError(f"{what} is being written by another process", str(path)) from error
    return fd


def _begin(
    writer: Writer, salts: Salts, found: recovery.Found, clock: Callable[[], float], place: tuple[str, Path, str]
) -> None:
    """The first records of a run: that it began, what was cut, and an end for each exchange that never got one."""
    now, (origin, directory, actor) = clock(), place
    others = ",".join(sorted({origin, *frames.origins(directory)}))
    facts = {"first": found.tree.size, "origins": others}
    told: list[Record] = [event("journal.started", now, facts, actor=actor, subject=origin)]
    if found.torn:
        told.append(event("journal.recovered", now, found.torn, subject=origin))
    told += _unknown(found.open, now)
    results = writer.commit([salts.item(record) for record in told])
    failed = [result for result in results if isinstance(result, AuditError)]
    if failed:
        raise failed[0]


def _unknown(left: Open, now: float) -> list[Record]:
    return [
        Closed(id_, millis(now), tenant, user, Outcome.UNKNOWN, "", (), (), None, (), 0, INTERRUPTED)
        for id_, (tenant, user) in left.items()
    ]
