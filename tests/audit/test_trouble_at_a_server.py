"""A real Elasticsearch in trouble: no room, and documents it cannot take. Nothing is missing, nothing is there twice.

The distribution for tests has no failure store: that one is `test_shipping`'s double.

Both sides are counted by others: the segments by a reader written from the format's description, the cluster by plain HTTP.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from benchmarks.rig.segments import records
from gateway.audit import install, mapping
from gateway.audit.elastic import Access, Cluster
from gateway.audit.journal import Journal
from gateway.audit.reconcile import reconcile
from gateway.audit.segment import Sizes
from gateway.audit.shipping import Pace, Shipper
from tests.audit.examples import a_closed, an_opened
from tests.audit.server import ask

pytestmark = [pytest.mark.real_server, pytest.mark.xdist_group("elasticsearch")]
SIZES = Sizes(segment=1 << 22, step=1 << 16, ballast=0, reserve=0)
CROWD = 3  # others who index at the same time, each with a good part of the room there is


@pytest.fixture
async def cluster(elasticsearch: Access) -> AsyncIterator[Cluster]:
    client = Cluster.at(elasticsearch, f"t{os.urandom(4).hex()}")
    yield client
    await client.close()


async def write(directory: Path, count: int, *, prompt: int = 10, answers: tuple[int, ...] = (10,)) -> None:
    async with Journal.open(directory, sizes=SIZES) as journal:
        waiting = []
        for n in range(count):
            waiting.append(journal.submit(an_opened(f"x{n}", "合同" * prompt)))
            waiting.append(journal.submit(a_closed(f"x{n}", "好" * answers[n % len(answers)])))
        await journal.append(an_opened("last"))


def produced(directory: Path) -> int:
    return sum(1 for _ in records(directory))


def held(elasticsearch: Access, index: str) -> Counter[int]:
    """How often each number is there, envelopes included."""
    found: Counter[int] = Counter()
    ask(elasticsearch, "POST", f"/logs-{index}.*/_refresh")
    after: list[Any] = []
    while True:
        query = {
            "size": 1000,
            "sort": ["hangu.seq", "event.id"],
            "_source": ["hangu.seq"],
            "query": {"exists": {"field": "hangu.seq"}},
        }
        hits = ask(
            elasticsearch, "POST", f"/logs-{index}.*/_search", query | ({"search_after": after} if after else {})
        )
        rows = hits["hits"]["hits"]
        if not rows:
            return found
        found.update(row["_source"]["hangu"]["seq"] for row in rows)
        after = rows[-1]["sort"]


async def settled(directory: Path, cluster: Cluster, pace: Pace, **more: Any) -> Shipper:
    """Shipped, then compared until nothing is missing."""
    shipper = Shipper(directory, cluster, index=cluster.index, pace=pace, **more)
    await asyncio.wait_for(shipper.catch_up(), 120)
    for _ in range(5):
        if all(one.ratio == 1.0 for one in await reconcile(shipper)):
            return shipper
    raise AssertionError("holes stay")


def quick(**told: int) -> Pace:
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.05))

    return Pace(sleep=sleep, jitter=lambda: 0.5, **told)


@contextmanager
def a_crowd(elasticsearch: Access, index: str) -> Iterator[Counter[int]]:
    """Others send as much as they can; gives how often each status was answered them."""
    over, told = threading.Event(), Counter[int]()
    body = {"filler": "x" * 1_500_000}

    def push() -> None:
        while not over.is_set():
            try:
                ask(elasticsearch, "POST", f"/crowd-{index}/_doc", body)
                told[201] += 1
            except HTTPError as error:
                told[error.code] += 1

    threads = [threading.Thread(target=push) for _ in range(CROWD)]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        over.set()
        for thread in threads:
            thread.join()


async def test_a_storm_of_429_delays_records_and_loses_none(
    directory: Path, cluster: Cluster, elasticsearch: Access
) -> None:
    if "ES_URL" in os.environ:
        pytest.skip("how much room the cluster at ES_URL has is not ours to say")
    await install.install(cluster, await install.abilities(cluster))
    await write(directory, 600, prompt=3000)
    with a_crowd(elasticsearch, cluster.index) as told:
        shipper = await settled(directory, cluster, quick(records=10_000, bytes=20 << 20), with_text=True)
    assert told[201] > 0
    assert shipper.counts.busy > 0  # a batch of all was more than there was room for
    assert (shipper.counts.quarantined, produced(directory)) == (0, 1202)
    assert held(elasticsearch, cluster.index) == Counter(range(1202))


async def test_documents_it_cannot_take_leave_an_envelope_each_and_harm_no_other(
    directory: Path, cluster: Cluster, elasticsearch: Access
) -> None:
    await poisoned(cluster)
    await write(directory, 100, answers=(10, 300))
    shipper = await settled(directory, cluster, quick(records=77))
    assert shipper.counts.quarantined == 50
    _all_accounted_for(directory, elasticsearch, cluster.index, "400")


async def poisoned(cluster: Cluster) -> None:
    """As if somebody had mapped a field of ours too small: long answers are refused."""
    able = await install.abilities(cluster)
    await install.install(cluster, able)
    mappings = mapping.mappings(able)
    mappings["properties"]["hangu"]["properties"]["answer_chars"] = {"type": "byte"}
    template = {"template": {"mappings": mappings}}
    await cluster.call("PUT", f"/_component_template/{cluster.index}-audit-mappings", template)


def _all_accounted_for(directory: Path, elasticsearch: Access, index: str, why: str) -> None:
    found = held(elasticsearch, index)
    assert found == Counter(range(produced(directory)))
    kept = [json.loads(line) for line in (directory / "quarantine-w0.jsonl").read_text().splitlines()]
    assert {one["why"] for one in kept if why not in one["why"]} == set()
    query = {"size": 0, "query": {"exists": {"field": "hangu.quarantined"}}, "track_total_hits": True}
    envelopes = ask(elasticsearch, "POST", f"/logs-{index}.*/_search", query)["hits"]["total"]["value"]
    assert envelopes == len(kept) == len({one["id"] for one in kept})
