"""Durable records a second, and what recording adds to an exchange.

    python -m benchmarks.audit_journal [--records 40000]

Each record is a 4.1 KB `Opened` (a 2.5 KB chat in Chinese), acknowledged after fdatasync; checkpoints are signed meanwhile.
"Added p50" is the median time of one append at that many concurrent appends.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.audit_rig import a_closed, a_directory, an_opened, report
from gateway.audit.journal import Journal
from gateway.audit.seal import FileSigner, generate_key

CONCURRENCY = (1, 8, 32, 128, 512)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=40_000)
    records = options.parse_args().records
    figures: dict[str, Any] = {"raw_fdatasync_ms_p50": raw_sync()}
    for concurrency in CONCURRENCY:
        count = min(records, 400 * concurrency)
        with a_directory() as directory:
            figures[f"concurrent_{concurrency}"] = uvloop.run(load(directory, concurrency, count))
    report(
        "audit_journal",
        figures,
        "one process, one disk shared with the system; uvloop; sealing on; 3 runs, the median by rate",
    )


async def load(directory: Path, concurrency: int, count: int) -> dict[str, Any]:
    """Three rounds at this concurrency; the one with the middle rate."""
    rounds = [await one_round(directory / str(n), concurrency, count) for n in range(3)]
    return sorted(rounds, key=lambda told: float(told["records_per_second"]))[1]


async def one_round(directory: Path, concurrency: int, count: int) -> dict[str, Any]:
    signer = FileSigner.parse(generate_key()[0])
    took: list[float] = []
    async with Journal.open(directory, signer=signer) as journal:

        async def caller(first: int) -> None:
            for n in range(first, count, concurrency):
                record = an_opened(n) if n % 2 == 0 else a_closed(n)
                began = time.perf_counter()
                await journal.append(record)
                took.append(time.perf_counter() - began)

        began, cpu, mine = time.perf_counter(), time.process_time(), time.thread_time()
        await asyncio.gather(*[caller(n) for n in range(concurrency)])
        seconds = time.perf_counter() - began
        cpu, mine = time.process_time() - cpu, time.thread_time() - mine
    took.sort()
    return {
        "records_per_second": round(count / seconds),
        "append_ms_p50": round(took[len(took) // 2] * 1e3, 2),
        "append_ms_p99": round(took[len(took) * 99 // 100] * 1e3, 2),
        "cpu_us_per_record": round(cpu / count * 1e6, 1),
        "of_it_on_the_event_loop_us": round(mine / count * 1e6, 1),
    }


def raw_sync() -> float:
    """What the disk alone takes: 4 KB written and synced, the median of 100."""
    with a_directory() as directory:
        fd = os.open(directory / "raw", os.O_RDWR | os.O_CREAT)
        os.posix_fallocate(fd, 0, 1 << 20)
        took = []
        for n in range(100):
            began = time.perf_counter()
            os.pwrite(fd, b"x" * 4096, 4096 * n)
            os.fdatasync(fd)
            took.append(time.perf_counter() - began)
        os.close(fd)
    return round(sorted(took)[50] * 1e3, 3)


if __name__ == "__main__":
    main()
