"""Nothing lost and nothing doubled on the way to a real Elasticsearch, while both ends are killed.

    python -m benchmarks.audit_shipping [--records 20000] [--kills 5] [--down 60]

A journal is written to all the while; a shipper process and the server are killed in turn, then the server stays away.
Afterwards reconcile runs, and every number of the segments is looked for in the cluster. Server: tests/servers.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.audit_rig import a_closed, a_directory, an_opened, report
from benchmarks.rig.segments import records
from gateway.audit import install
from gateway.audit.elastic import Access, Busy, Cluster, connect
from gateway.audit.journal import Journal
from gateway.audit.reconcile import reconcile
from gateway.audit.shipping import Shipper
from tests.audit.server import Server, a_server, ask


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=20_000)
    options.add_argument("--kills", type=int, default=5)
    options.add_argument("--down", type=float, default=60.0)
    options.add_argument("--ship", nargs=2, metavar=("DIR", "URL"))
    told = options.parse_args()
    if told.ship:
        asyncio.run(ship(Path(told.ship[0]), told.ship[1]))
        return
    with a_directory() as directory, a_server() as server:
        figures = asyncio.run(through_it_all(directory / "audit", server, told))
    report(
        "audit_shipping",
        figures,
        "Elasticsearch 8.19.5, one node, 512 MB heap, same machine; translog durability request",
    )


async def ship(directory: Path, url: str) -> None:
    await Shipper(directory, Cluster(connect(Access(url)))).run()


async def through_it_all(directory: Path, server: Server, told: argparse.Namespace) -> dict[str, Any]:
    cluster = Cluster(connect(Access(server.url)))
    await install.install(cluster, await install.abilities(cluster))
    began = time.perf_counter()
    async with Journal.open(directory) as journal:
        writing = asyncio.ensure_future(write(journal, told.records))
        kills = await asyncio.to_thread(kill_in_turn, directory, server, told.kills, told.down)
        await writing
    return await count(directory, server, cluster, began) | kills


async def write(journal: Journal, records: int) -> None:
    for n in range(records // 2):
        await journal.append(an_opened(n))
        await journal.append(a_closed(n))
        await asyncio.sleep(0.002)


def kill_in_turn(directory: Path, server: Server, kills: int, down: float) -> dict[str, Any]:
    shipper = start_shipper(directory, server.url)
    for _ in range(kills):
        time.sleep(2)
        stop(shipper)
        shipper = start_shipper(directory, server.url)
        time.sleep(2)
        server.kill()
        server.start()
    server.kill()
    time.sleep(down)
    server.start()
    time.sleep(5)
    stop(shipper)
    return {"shipper_kills": kills, "server_kills": kills, "then_down_seconds": down}


def start_shipper(directory: Path, url: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.audit_shipping", "--ship", str(directory), url]
    return subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)


def stop(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


async def count(directory: Path, server: Server, cluster: Cluster, began: float) -> dict[str, Any]:
    shipper = Shipper(directory, cluster)
    pending = time.perf_counter()
    while True:
        try:
            found = await reconcile(shipper)
            break
        except Busy:
            await asyncio.sleep(1)
    caught_up = time.perf_counter() - pending
    await cluster.refresh()
    await cluster.close()
    produced = set(range(sum(1 for _ in records(directory))))  # by a reader that shares no code with the writer
    there = await asyncio.to_thread(held, server, len(produced))
    return {
        "produced": len(produced),
        "missing": len(produced - set(there)),
        "doubled": sum(n - 1 for n in there.values()),
        "reshipped_by_reconcile": found[0].reshipped,
        "quarantined": shipper.counts.quarantined,
        "catch_up_and_reconcile_seconds": round(caught_up, 1),
        "caught_up_records_per_second": round(shipper.counts.shipped / caught_up),
        "all_seconds": round(time.perf_counter() - began, 1),
    }


def held(server: Server, count: int) -> Counter[int]:
    """How often each number is there, asked by plain HTTP."""
    found: Counter[int] = Counter()
    for begin in range(0, count, 5000):
        span = {"range": {"hangu.seq": {"gte": begin, "lt": begin + 5000}}}
        body = {"size": 10_000, "query": span, "_source": ["hangu.seq"]}
        hits = ask(server.access, "POST", "/logs-hangu.*/_search", body)["hits"]["hits"]
        found.update(hit["_source"]["hangu"]["seq"] for hit in hits)
    return found


if __name__ == "__main__":
    main()
