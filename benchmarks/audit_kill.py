"""kill -9 under load: is every acknowledged record there? Counted by the reader printed in the reference, not by our own.

    python -m benchmarks.audit_kill [--rounds 20]

Each round a process appends from 64 callers and tells each receipt through a pipe; it is killed at a random moment, and
the next round starts on what it left.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.audit_rig import a_directory, an_opened, report
from gateway.audit.journal import Journal
from gateway.audit.seal import FileSigner
from gateway.audit.verify import verify

CALLERS = 64
PAGE = Path(__file__).parents[1] / "docs" / "reference" / "audit-format.md"
KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIGtra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr\n-----END PRIVATE KEY-----\n"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--append-into", type=Path)
    told = options.parse_args()
    if told.append_into:
        asyncio.run(append_for_ever(told.append_into))
    else:
        report(
            "audit_kill",
            rounds(told.rounds),
            "SIGKILL after 0.3 to 1.5 s; receipts read from a pipe; one directory throughout",
        )


def rounds(count: int) -> dict[str, Any]:
    chance = random.Random(20261124)
    acknowledged: set[tuple[int, str]] = set()
    with a_directory() as directory:
        for _ in range(count):
            acknowledged |= one_round(directory / "audit", chance.uniform(0.3, 1.5))
        kept = read_by_others(directory)
        sealed = verify(directory / "audit", FileSigner.parse(KEY.encode()).public)
    opened = {(r["seq"], r["id"]) for r in kept if r["type"] == "opened"}
    ends = [r["id"] for r in kept if r["type"] == "closed"]
    return {
        "rounds": count,
        "acknowledged": len(acknowledged),
        "acknowledged_and_missing": len(acknowledged - opened),
        "records_kept": len(kept),
        "opened_without_end_after_next_start": len({id_ for _, id_ in opened} - set(ends)),
        "outcome_unknown_written": sum(1 for r in kept if r.get("outcome") == "unknown"),
        "verifies": sealed.ok,
        "first_problem": str(sealed.problems[0]) if sealed.problems else "",
    }


def one_round(directory: Path, seconds: float) -> set[tuple[int, str]]:
    command = [sys.executable, "-m", "benchmarks.audit_kill", "--append-into", str(directory)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    first = process.stdout.readline()  # it is at work
    killer = subprocess.Popen(["sleep", str(seconds)])
    killer.wait()
    os.killpg(process.pid, signal.SIGKILL)
    lines = (first + process.stdout.read()).split(b"\n")[:-1]
    process.wait()
    return {(int(seq), id_.decode()) for seq, id_ in (line.split(b" ") for line in lines)}


async def append_for_ever(directory: Path) -> None:
    run = time.time_ns()
    async with Journal.open(directory, signer=FileSigner.parse(KEY.encode())) as journal:

        async def caller(number: int) -> None:
            for n in range(1 << 30):
                record = an_opened(n)
                name = f"{run}-{number}-{n}"
                receipt = await journal.append(
                    type(record)(**{f: getattr(record, f) for f in record.__slots__} | {"id": name})
                )
                os.write(1, f"{receipt.seq} {name}\n".encode())

        await asyncio.gather(*[caller(n) for n in range(CALLERS)])


def read_by_others(directory: Path) -> list[dict[str, Any]]:
    """Close what the last kill left open, as the next start does, then read with the reference's own reader."""

    async def start_once_more() -> None:
        async with Journal.open(directory / "audit", signer=FileSigner.parse(KEY.encode())):
            pass

    asyncio.run(start_once_more())
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    reader = directory / "reader.py"
    reader.write_text(code)
    told = subprocess.run(
        [sys.executable, "-I", str(reader), str(directory / "audit")], capture_output=True, check=True
    )
    return [json.loads(line) for line in told.stdout.splitlines()]


if __name__ == "__main__":
    main()
