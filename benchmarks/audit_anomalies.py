"""How soon an anomaly is noticed and on record, at a steady hundred exchanges a second.

    python -m benchmarks.audit_anomalies [--seconds 30]

Users misbehave at random moments among ordinary traffic: the time is from the append of the record that completes the
pattern to the moment that its alarm is durable.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from dataclasses import replace
from typing import Any

from benchmarks.audit_rig import a_closed, a_directory, an_opened, report
from gateway.audit.alarms import Alarms, Sanctions
from gateway.audit.anomalies import WATCHES, Detectors, Kind, Watch
from gateway.audit.journal import Journal, Receipt
from gateway.audit.record import Event, Opened, Record

RATE = 100


class Timed:
    """A journal that notes when each alarm became durable."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.durable: dict[str, float] = {}

    async def append(self, record: Record) -> Receipt:
        receipt = await self._journal.append(record)
        if isinstance(record, Event):
            self.durable[dict(record.facts)["exchange"]] = time.perf_counter()
        return receipt


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=30)
    report(
        "audit_anomalies", asyncio.run(run(options.parse_args().seconds)), "one process, journal and detectors together"
    )


async def run(seconds: int) -> dict[str, Any]:
    watches = [watch for watch in WATCHES if watch.kind is not Kind.REFUSALS] + [Watch(Kind.REFUSALS, 5, 60.0)]
    alarms = Alarms(Detectors(watches), Sanctions())
    chance = random.Random(7)
    completed: dict[str, float] = {}
    with a_directory() as directory:
        async with Journal.open(directory, watchers=[alarms]) as journal:
            timed = Timed(journal)
            work = asyncio.ensure_future(alarms.run(timed))
            counts: dict[str, int] = {}
            began = time.perf_counter()
            for n in range(seconds * RATE):
                await asyncio.sleep(max(0.0, began + n / RATE - time.perf_counter()))
                record = exchange(n, chance)
                at = time.perf_counter()
                await journal.append(record)
                await journal.append(replace(a_closed(n), at=record.at, usage=None))
                if record.code:
                    counts[record.user] = counts.get(record.user, 0) + 1
                    if counts[record.user] == 5:
                        completed[record.id] = at
            await asyncio.sleep(1)
        await work
    took = sorted(timed.durable[id_] - at for id_, at in completed.items() if id_ in timed.durable)
    return {
        "exchanges_per_second": RATE,
        "patterns_completed": len(completed),
        "alarms_on_record": len(took),
        "detection_ms_p50": round(took[len(took) // 2] * 1e3),
        "detection_ms_p99": round(took[min(len(took) - 1, len(took) * 99 // 100)] * 1e3),
        "detection_ms_max": round(took[-1] * 1e3),
    }


def exchange(n: int, chance: random.Random) -> Opened:
    """One in ten is a refusal of one of many users: some of them reach five."""
    record = replace(an_opened(n), at=round(time.time() * 1000))
    if chance.random() < 0.1:
        return replace(record, user=f"bad{chance.randrange(40)}", code="not_permitted", rulings=())
    return replace(record, user=f"user{chance.randrange(5000)}")


if __name__ == "__main__":
    main()
