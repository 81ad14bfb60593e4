"""Killed under load: every acknowledged record is there, and every exchange has an end. Long runs are in benchmarks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from gateway.audit import canonical, frames
from gateway.audit.journal import Journal
from gateway.audit.record import Closed, Opened, Record
from gateway.audit.seal import FileSigner, generate_key
from gateway.audit.segment import Sizes
from gateway.audit.verify import verify

SIZES = Sizes(segment=1 << 18, step=1 << 16, ballast=0, reserve=0)
WRITER = """
import asyncio, os, sys
from pathlib import Path
from gateway.audit.journal import Journal
from gateway.audit.seal import FileSigner
from tests.audit.examples import an_opened
from tests.faults.test_audit_kill import SIZES

async def caller(journal, name):
    for n in range(1 << 20):
        receipt = await journal.append(an_opened(f"{name}-{n}"))
        os.write(1, f"{receipt.seq} {name}-{n}\\n".encode())

async def main():
    journal = Journal.open(Path(sys.argv[1]), sizes=SIZES, signer=FileSigner.load(Path(sys.argv[2])))
    await asyncio.gather(*[caller(journal, f"{sys.argv[3]}-{n}") for n in range(32)])

asyncio.run(main())
"""


def acknowledged_until_killed(directory: Path, key: Path, run: int, enough: int) -> set[tuple[int, str]]:
    """Read receipts from a writing process until there are enough, kill it, and read what was still in the pipe."""
    command = [sys.executable, "-c", WRITER, str(directory), str(key), str(run)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(enough)]
    os.kill(process.pid, signal.SIGKILL)
    lines += process.stdout.read().splitlines(keepends=True)
    process.stdout.close()
    process.wait()
    told = [line.split() for line in lines if line.endswith(b"\n")]
    return {(int(seq), name.decode()) for seq, name in told}


def everything(directory: Path) -> list[tuple[int, Record]]:
    listed = frames.segments(directory, "w0")
    stops = [first for first, _ in listed[1:]] + [None]
    read = [frame for (_, path), stop in zip(listed, stops, strict=True) for frame in frames.read(path, stop)]
    return [(frame.seq, canonical.decode(frame.kind, frame.head, frame.body)) for frame in read]


async def test_no_acknowledged_record_is_lost_and_no_exchange_stays_without_an_end(tmp_path: Path) -> None:
    directory, key = tmp_path / "audit", tmp_path / "key"
    key.write_bytes(generate_key()[0])
    signer = FileSigner.load(key)
    acknowledged: set[tuple[int, str]] = set()
    for run, enough in enumerate((1, 200, 1000)):
        acknowledged |= acknowledged_until_killed(directory, key, run, enough)
    async with Journal.open(directory, sizes=SIZES, signer=signer):
        pass
    read = everything(directory)
    opened = {(seq, record.id) for seq, record in read if isinstance(record, Opened)}
    assert acknowledged <= opened
    assert len(acknowledged) >= 1201
    assert {record.id for _, record in read if isinstance(record, Closed)} == {id_ for _, id_ in opened}
    assert verify(directory, signer.public).problems == ()
