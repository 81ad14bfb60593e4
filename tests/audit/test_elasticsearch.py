"""Against a real Elasticsearch: templates, data streams, `create`, mapping errors, rollover, reconcile, and a search in Chinese."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from elasticsearch import ApiError

from gateway.audit.documents import Document
from gateway.audit.elastic import Access, Busy, Cluster, connect
from gateway.audit.journal import Journal
from gateway.audit.reconcile import reconcile
from gateway.audit.segment import Sizes
from gateway.audit.shipping import Shipper
from tests.audit.examples import a_closed, an_opened

pytestmark = [pytest.mark.real_server, pytest.mark.xdist_group("elasticsearch")]
SIZES = Sizes(segment=65_536, step=4096, ballast=0, reserve=0)


@pytest.fixture
async def cluster(elasticsearch: Access) -> AsyncIterator[tuple[Cluster, str]]:
    index = f"t{os.urandom(4).hex()}"
    client = Cluster(connect(elasticsearch), index)
    await client.install(await client.abilities())
    yield client, index
    await client.close()


async def write(directory: Path, count: int = 30) -> None:
    async with Journal.open(directory, sizes=SIZES) as journal:
        for n in range(count):
            await journal.append(an_opened(f"x{n}", text=f"请翻译第{n}份合同", tenant=("acme", "other")[n % 2]))
            await journal.append(a_closed(f"x{n}", tenant=("acme", "other")[n % 2]))


async def shipped(directory: Path, cluster: tuple[Cluster, str], *, with_text: bool = False) -> Shipper:
    client, index = cluster
    shipper = Shipper(directory, client, index=index, with_text=with_text)
    await shipper.catch_up()
    await client.refresh()
    return shipper


async def test_every_record_is_in_a_data_stream_of_its_tenant(directory: Path, cluster: tuple[Cluster, str]) -> None:
    await write(directory)
    shipper = await shipped(directory, cluster)
    assert (shipper.counts.shipped, shipper.counts.quarantined) == (61, 0)
    told = await cluster[0].search(
        size=0, aggs={"tenant": {"terms": {"field": "organization.id"}}}, track_total_hits=True
    )
    assert told["hits"]["total"]["value"] == 61
    counts = {b["key"]: b["doc_count"] for b in told["aggregations"]["tenant"]["buckets"]}
    assert (counts["acme"], counts["other"]) == (30, 30)
    hit = (await cluster[0].search(query={"term": {"organization.id": "acme"}}, size=1))["hits"]["hits"][0]
    assert hit["_index"].startswith(f".ds-logs-{cluster[1]}.audit-acme-")


async def test_sending_twice_doubles_nothing(directory: Path, cluster: tuple[Cluster, str]) -> None:
    await write(directory)
    await shipped(directory, cluster)
    (directory / "shipped-w0.json").unlink()
    again = await shipped(directory, cluster)
    assert (again.counts.shipped, again.counts.quarantined) == (61, 0)
    assert [c.doubled for c in await reconcile(again)] == [0]


async def test_a_poisoned_document_is_quarantined_and_the_rest_arrives(
    directory: Path, cluster: tuple[Cluster, str]
) -> None:
    client, index = cluster
    good, bad = (
        Document(f"logs-{index}.audit-acme", f"p{n}", {"@timestamp": "2026-01-01T00:00:00Z", "hangu": {"seq": n}})
        for n in range(2)
    )
    bad.source["hangu"]["seq"] = "not a number"
    verdicts = await client.create([good, bad, good])
    assert [verdict.fate for verdict in verdicts] == ["kept", "refused", "present"]
    assert "document_parsing_exception" in verdicts[1].why


async def test_what_was_deleted_in_the_cluster_comes_back(directory: Path, cluster: tuple[Cluster, str]) -> None:
    await write(directory)
    shipper = await shipped(directory, cluster)
    client, index = cluster
    raw = client._client  # the test plays the hand that deletes
    await raw.indices.refresh(index=f"logs-{index}.*")
    hits = (await client.search(query={"terms": {"hangu.seq": [3, 4, 40]}}, size=10))["hits"]["hits"]
    for hit in hits:
        await raw.delete(index=hit["_index"], id=hit["_id"])
    assert len(hits) == 3
    assert [(c.indexed, c.reshipped) for c in await reconcile(shipper)] == [(58, 3)]
    assert [c.ratio for c in await reconcile(shipper)] == [1.0]


async def test_a_retry_across_a_rollover_is_seen_as_a_double(directory: Path, cluster: tuple[Cluster, str]) -> None:
    await write(directory, 4)
    await shipped(directory, cluster)
    client, index = cluster
    await client._client.indices.rollover(alias=f"logs-{index}.audit-acme")
    (
        directory / "shipped-w0.json"
    ).unlink()  # ids are unique in one backing index only: this is what counts must survive
    again = await shipped(directory, cluster)
    found = await reconcile(again)
    assert found[0].ratio == 1.0
    assert found[0].doubled == 4
    told = await client.search(size=0, aggs={"distinct": {"cardinality": {"field": "event.id"}}})
    assert told["aggregations"]["distinct"]["value"] == 9


async def test_two_characters_of_chinese_are_found_where_texts_are_indexed(
    directory: Path, cluster: tuple[Cluster, str]
) -> None:
    await write(directory, 4)
    await shipped(directory, cluster, with_text=True)
    for words, count in (("合同", 4), ("同合", 0), ("翻译", 4)):
        told = await cluster[0].search(query={"match_phrase": {"hangu.text": words}}, size=0, track_total_hits=True)
        assert told["hits"]["total"]["value"] == count, words


async def test_a_cluster_that_is_not_there_is_busy_not_broken() -> None:
    client = Cluster(connect(Access("http://127.0.0.1:9", timeout=2)))
    with pytest.raises(Busy, match="does not answer"):
        await client.create([Document("logs-x", "1", {})])
    await client.close()


async def test_the_printed_privileges_are_enough_to_ship_and_not_to_change_anything(
    directory: Path, cluster: tuple[Cluster, str], elasticsearch: Access
) -> None:
    if elasticsearch.username != "elastic" or os.environ.get("ES_SHIPPER", "yes") == "no":
        pytest.skip("the cluster at ES_URL has no user `shipper`")
    index = cluster[1]
    async with connect(replace(elasticsearch, username="shipper")) as raw:
        await _least(directory, Cluster(raw, index), cluster[0], index)


async def _least(directory: Path, least: Cluster, owner: Cluster, index: str) -> None:
    await write(directory, 4)
    shipper = Shipper(directory, least, index=index)
    await shipper.catch_up()
    assert (shipper.counts.shipped, shipper.counts.quarantined) == (9, 0)
    await owner.refresh()
    assert [c.ratio for c in await reconcile(shipper)] == [1.0]
    hit = (await least.search(query={"term": {"hangu.seq": 3}}, size=1))["hits"]["hits"][0]
    raw = least._client
    for forbidden in (
        lambda: raw.delete(index=hit["_index"], id=hit["_id"]),
        lambda: raw.update(index=hit["_index"], id=hit["_id"], doc={"event": {"reason": "forged"}}),
        lambda: raw.indices.delete(index=hit["_index"]),
        lambda: raw.indices.delete_index_template(name=f"{index}-audit"),
    ):
        with pytest.raises(ApiError) as told:
            await forbidden()
        assert told.value.status_code == 403
