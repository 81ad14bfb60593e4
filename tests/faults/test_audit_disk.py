"""A disk that fills up, writes short, or cannot sync: nothing is acknowledged that is not there, and it recovers without help."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit import canonical, frames
from gateway.audit.disk import RealDisk
from gateway.audit.journal import Journal
from gateway.audit.record import Opened, Record, opened
from gateway.audit.seal import FileSigner
from gateway.audit.segment import Sizes
from gateway.audit.verify import verify
from gateway.core.errors import AuditError
from gateway.core.verdict import Code
from tests.audit.examples import AT, DIGEST, a_closed, an_exchange, an_opened, turned_away


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "audit"


@pytest.fixture
def signer() -> FileSigner:
    return FileSigner(Ed25519PrivateKey.from_private_bytes(b"k" * 32), "hangu.test")


KIB = 1024
SIZES = Sizes(segment=64 * KIB, step=8 * KIB, ballast=16 * KIB, reserve=8 * KIB)


class BadDisk(RealDisk):
    """A disk with a capacity, and with failures to come."""

    def __init__(self, capacity: int = 1 << 30) -> None:
        self.capacity = capacity
        self.failing_syncs = 0
        self.failing_writes = 0
        self.synced_after_failure: list[int] = []
        self._failed: set[int] = set()

    def free(self, directory: Path) -> int:
        used = sum(path.stat().st_blocks * 512 for path in directory.iterdir() if path.suffix != ".bin")
        return max(0, self.capacity - used)

    def create(self, path: Path) -> int:
        self._directory = path.parent
        fd = super().create(path)
        self._failed.discard(fd)
        return fd

    def reserve(self, fd: int, offset: int, length: int) -> None:
        if length > self.free(self._directory):
            raise OSError(errno.ENOSPC, "no space left")
        super().reserve(fd, offset, length)

    def write(self, fd: int, data: bytes, offset: int) -> None:
        if self.failing_writes:
            self.failing_writes -= 1
            raise OSError(errno.EIO, "input/output error")
        grows = offset + len(data) - os.fstat(fd).st_blocks * 512
        if grows > self.free(self._directory):
            super().write(fd, data[: len(data) // 2], offset)  # as a real one does: a part, then the error
            raise OSError(errno.ENOSPC, "no space left")
        super().write(fd, data, offset)

    def sync(self, fd: int) -> None:
        if fd in self._failed:
            self.synced_after_failure.append(fd)
        if self.failing_syncs:
            self.failing_syncs -= 1
            self._failed.add(fd)
            raise OSError(errno.EIO, "input/output error")
        super().sync(fd)


def everything(directory: Path) -> list[Record]:
    listed = frames.segments(directory, "w0")
    stops = [first for first, _ in listed[1:]] + [None]
    read = [frame for (_, path), stop in zip(listed, stops, strict=True) for frame in frames.read(path, stop)]
    return [canonical.decode(frame.kind, frame.head, frame.body) for frame in read]


def ids(directory: Path) -> list[str]:
    return [record.id for record in everything(directory) if isinstance(record, Opened)]


def a_refusal(id_: str) -> Opened:
    exchange = an_exchange(id_)
    return opened(exchange, turned_away(exchange, Code.AUDIT_UNAVAILABLE), DIGEST, AT)


async def fill(journal: Journal) -> list[str]:
    """Append until turned away; gives the acknowledged ones."""
    kept = []
    for n in range(10_000):
        try:
            await journal.append(an_opened(f"x{n}"))
        except AuditError as error:
            assert "nearly full" in str(error)
            return kept
        kept.append(f"x{n}")
    raise AssertionError("the disk never filled up")


@pytest.mark.parametrize("reserve", [0, 8 * KIB])  # over the cliff, and before it
async def test_on_a_full_disk_the_new_are_turned_away_and_the_rest_is_kept(directory: Path, reserve: int) -> None:
    disk = BadDisk(capacity=128 * KIB)
    sizes = Sizes(segment=64 * KIB, step=8 * KIB, ballast=16 * KIB, reserve=reserve)
    async with Journal.open(directory, disk=disk, sizes=sizes) as journal:
        kept = await fill(journal)
        assert journal.low
        await journal.append(a_closed(kept[-1]))
        await journal.append(a_refusal("refused"))
        with pytest.raises(AuditError, match="nearly full"):
            await journal.append(an_opened("new"))
        assert ids(directory) == [*kept, "refused"]


async def test_when_room_is_made_the_journal_goes_on_by_itself(directory: Path) -> None:
    disk = BadDisk(capacity=128 * KIB)
    async with Journal.open(directory, disk=disk, sizes=SIZES) as journal:
        kept = await fill(journal)
        disk.capacity *= 2
        await journal.append(an_opened("again"))
        assert not journal.low
        assert ids(directory) == [*kept, "again"]
    kinds = [getattr(record, "kind", "") for record in everything(directory)]
    assert kinds.count("journal.low") <= kinds.count("journal.room") == 1


async def test_after_a_failed_sync_the_file_is_never_synced_again(directory: Path, signer: FileSigner) -> None:
    disk = BadDisk()
    async with Journal.open(directory, disk=disk, sizes=SIZES, signer=signer) as journal:
        await journal.append(an_opened("before"))
        disk.failing_syncs = 1
        receipt = await journal.append(an_opened("during"))
        await journal.append(an_opened("after"))
    assert disk.synced_after_failure == []
    assert ids(directory) == ["before", "during", "after"]
    header = frames.read_segment_header(frames.segments(directory, "w0")[-1][1])
    assert (header.first, header.reason) == (receipt.seq, "io_error")
    assert verify(directory, signer.public).problems == ()


@pytest.mark.parametrize("kind", ["failing_syncs", "failing_writes"])
async def test_a_dead_disk_refuses_and_a_mended_one_is_used_again(directory: Path, kind: str) -> None:
    disk = BadDisk()
    async with Journal.open(directory, disk=disk, sizes=SIZES) as journal:
        await journal.append(an_opened("before"))
        setattr(disk, kind, 1_000)
        for n in range(3):
            with pytest.raises(AuditError, match=r"does not take the record|no new segment"):
                await journal.append(an_opened(f"lost{n}"))
        setattr(disk, kind, 0)
        await journal.append(an_opened("after"))
    assert ids(directory) == ["before", "after"]
    async with Journal.open(directory, sizes=SIZES) as journal:  # and what is there can be gone on from
        await journal.append(an_opened("next"))
    assert ids(directory) == ["before", "after", "next"]


@contextmanager
def tiny_file_limit(limit: int) -> Iterator[None]:
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


async def test_a_short_write_of_the_real_system_is_undone(directory: Path) -> None:
    sizes = Sizes(segment=1 << 20, step=0, ballast=0, reserve=0)
    async with Journal.open(directory, sizes=sizes) as journal:
        with tiny_file_limit(10_000):
            kept = await fill(journal)
        assert kept
        assert ids(directory) == kept
        await journal.append(an_opened("again"))
    assert ids(directory) == [*kept, "again"]
