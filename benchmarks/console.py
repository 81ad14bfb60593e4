"""What the console's pages cost over a long record, and how long the event loop waits while one is made.

    python -m benchmarks.console [--records 200000]

Records are those of `audit_query`, one a second, so the last day holds 86,400. A page is everything from the question to
the bytes. `loop_waits_ms` is the longest that a task which sleeps 1 ms at a time was late while pages were made.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.audit_query import write
from benchmarks.audit_rig import AT, a_directory, report
from gateway import app
from gateway import site as sites
from gateway.console.asked import Asked
from gateway.console.console import Console
from gateway.console.reading import Archive
from gateway.console.rendering import Page
from gateway.console.standing import Standing
from gateway.core.exchange import Principal

ROUNDS = 7
WHO = Principal("aude", "acme", ("auditor",))
PROMPT = "请把这份合同发给 13812345678，抄送 li@example.org。" * 10

View = Callable[[Asked], Awaitable[Page]]


@dataclass(frozen=True)
class Up:
    state: str = "up"
    fault: str = ""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=200_000)
    records = options.parse_args().records
    with a_directory() as directory, tempfile.TemporaryDirectory() as place:
        asyncio.run(write(directory, records))
        console = a_console(Path(place) / "site", directory, AT + records)
        figures = asyncio.run(measured(console, records))
    report("console", {"records": records, **figures}, f"one process; the median of {ROUNDS}, the first visit once")


def a_console(directory: Path, record: Path, now: float) -> Console:
    sites.create(directory, datetime.now(UTC))
    site = app.open_site(directory)
    bundle = app.load_bundle(site)
    gate = app.build_gate(bundle, site.settings, app.lasting(site))

    async def append(event: object) -> None:
        """Nothing is written: the journal's own cost is `audit_journal`'s."""

    return Console(
        Archive(record),
        lambda: Standing(gate, bundle, 1),
        lambda default: app.wire(site.settings, default),
        lambda: ("embedded", Up()),
        dict,
        site.settings.tls,
        append,
        lambda: now,
    )


async def measured(console: Console, records: int) -> dict[str, float]:
    pages: dict[str, tuple[View, Asked]] = {
        "overview": (console.overview, Asked("/console", WHO)),
        "list": (console.exchanges, Asked("/console/exchanges", WHO)),
        "list_of_a_user": (console.exchanges, Asked("/console/exchanges", WHO, query={"user": "user7"})),
        "list_nothing_fits": (console.exchanges, Asked("/console/exchanges", WHO, query={"code": "draining"})),
        "exchange": (console.exchange, Asked(f"/console/exchanges/x{records // 4}", WHO)),
        "policies": (console.policies, Asked("/console/policies", WHO)),
        "playground": (
            console.playground,
            Asked("/console/playground", WHO, fields={"text": PROMPT, "tenant": "acme"}),
        ),
    }
    figures = {"first_visit_s": round((await timed(*pages["list"]))[0], 2)}
    for name, (view, asked) in pages.items():
        took = [await timed(view, asked) for _ in range(ROUNDS)]
        figures[f"{name}_ms"] = round(statistics.median(seconds for seconds, _ in took) * 1000, 1)
        figures[f"{name}_loop_waits_ms"] = round(statistics.median(late for _, late in took) * 1000, 1)
    return figures


async def timed(view: View, asked: Asked) -> tuple[float, float]:
    """Seconds for one page, and the longest that the loop was late meanwhile."""
    late = [0.0]
    async with asyncio.TaskGroup() as tasks:
        beating = tasks.create_task(beat(late))
        began = time.perf_counter()
        page = await view(asked)
        took = time.perf_counter() - began
        beating.cancel()
    assert page.status == 200, page.status
    return took, max(late)


async def beat(late: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        late.append(time.perf_counter() - began - 0.001)


if __name__ == "__main__":
    main()
