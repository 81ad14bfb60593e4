"""A real, full disk: 4 MB of memory file system. Refusals are clear, nothing is answered unrecorded, and it recovers without help."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit import canonical, frames
from gateway.audit.journal import Journal
from gateway.audit.projection import Projection
from gateway.audit.query import Filter
from gateway.audit.record import Opened, opened
from gateway.audit.seal import FileSigner, generate_key
from gateway.audit.segment import Sizes
from gateway.audit.verify import verify
from gateway.core.errors import AuditError
from gateway.core.verdict import Code
from tests.audit.examples import AT, DIGEST, a_closed, an_exchange, an_opened, turned_away

KIB = 1024


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"NO SMALL DISK CAN BE MOUNTED HERE: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def ids(directory: Path) -> list[str]:
    listed = frames.segments(directory, "w0")
    stops = [first for first, _ in listed[1:]] + [None]
    read = [frame for (_, path), stop in zip(listed, stops, strict=True) for frame in frames.read(path, stop)]
    told = [canonical.decode(frame.kind, frame.head, frame.body) for frame in read]
    return [record.id for record in told if isinstance(record, Opened)]


@pytest.mark.parametrize("reserve", [0, 256 * KIB], ids=["over the cliff", "before the cliff"])
async def test_a_full_disk_refuses_clearly_and_recovers_without_help(tiny_disk: Path, reserve: int) -> None:
    directory = tiny_disk / "audit"
    sizes = Sizes(segment=1024 * KIB, step=64 * KIB, ballast=512 * KIB, reserve=reserve)
    signer = FileSigner.parse(generate_key()[0])
    journal = Journal.open(directory, sizes=sizes, signer=signer)
    answered: list[str] = []
    refused: list[str] = []

    async def caller(number: int) -> None:
        for n in range(400):
            name = f"{number}-{n}"
            try:
                await journal.append(an_opened(name, "这份文件" * 50))
            except AuditError as error:
                assert "nearly full" in str(error)
                refused.append(name)
                exchange = an_exchange(name)
                told = opened(exchange, turned_away(exchange, Code.AUDIT_UNAVAILABLE), DIGEST, AT)
                await journal.append(told)  # the refusal itself still fits
                return
            answered.append(name)
            await journal.append(a_closed(name))

    await asyncio.gather(*[caller(n) for n in range(16)])
    assert len(refused) == 16
    assert journal.low
    assert set(answered) <= set(ids(directory))
    assert set(refused) <= set(ids(directory))
    (tiny_disk / "filler").write_bytes(b"")
    freed = frames.segments(directory, "w0")[0][1]  # an operator moves the oldest segment away
    kept = freed.read_bytes()
    freed.unlink()
    await journal.append(an_opened("again"))
    assert not journal.low
    await journal.close()
    os.truncate(tiny_disk / "filler", 0)
    freed.write_bytes(kept)
    report = verify(directory, signer.public)
    assert report.problems == ()


async def test_a_disk_that_others_filled_is_noticed_before_anything_is_lost(tiny_disk: Path) -> None:
    directory = tiny_disk / "audit"
    sizes = Sizes(segment=1024 * KIB, step=64 * KIB, ballast=256 * KIB, reserve=512 * KIB)
    journal = Journal.open(directory, sizes=sizes)
    await journal.append(an_opened("before"))
    filler = tiny_disk / "filler"
    filler.write_bytes(bytes(3400 * KIB))
    with pytest.raises(AuditError, match="nearly full"):
        await journal.append(an_opened("during"))
    await journal.append(a_closed("before"))
    filler.unlink()
    deadline = time.monotonic() + 5
    while journal.low and time.monotonic() < deadline:
        await journal.append(a_closed("before"))
    await journal.append(an_opened("after"))
    await journal.close()
    assert ids(directory) == ["before", "after"]
    with Projection.open(directory) as record:
        words = [getattr(entry.record, "kind", "") for entry in record.find(Filter(kinds=("event",)))]
    assert words == ["journal.started", "journal.low", "journal.room"]
