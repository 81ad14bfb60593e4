"""Against a real Elasticsearch: templates, data streams, `create`, mapping errors, rollover, reconcile, and a search in Chinese."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.audit import install
from gateway.audit.documents import Document
from gateway.audit.elastic import Access, Busy, Cluster, connect
from gateway.audit.journal import Journal
from gateway.audit.reconcile import reconcile
from gateway.audit.segment import Sizes
from gateway.audit.shipping import Shipper
from gateway.core.errors import AuditError
from tests.audit.examples import a_closed, an_opened

pytestmark = [pytest.mark.real_server, pytest.mark.xdist_group("elasticsearch")]
SIZES = Sizes(segment=65_536, step=4096, ballast=0, reserve=0)


@pytest.fixture
async def cluster(elasticsearch: Access) -> AsyncIterator[tuple[Cluster, str]]:
    index = f"t{os.urandom(4).hex()}"
    client = Cluster.at(elasticsearch, index)
    await install.install(client, await install.abilities(client))
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
    directory: Path, cluster: tuple[Cluster, str], elasticsearch: Access, tmp_path: Path
) -> None:
    key = tmp_path / "elasticsearch.key"
    assert str(key) in await install.make_key(cluster[0], key)
    assert key.stat().st_mode & 0o777 == 0o600
    assert "is there already" in await install.make_key(cluster[0], key)
    least = Cluster.at(replace(elasticsearch, username="", password="", api_key=key.read_text()), cluster[1])
    try:
        await _least(directory, least, cluster[0], cluster[1])
    finally:
        await least.close()


async def _least(directory: Path, least: Cluster, owner: Cluster, index: str) -> None:
    await write(directory, 4)
    shipper = Shipper(directory, least, index=index)
    await shipper.catch_up()
    assert (shipper.counts.shipped, shipper.counts.quarantined) == (9, 0)
    await owner.refresh()
    assert [c.ratio for c in await reconcile(shipper)] == [1.0]
    hit = (await least.search(query={"term": {"hangu.seq": 3}}, size=1))["hits"]["hits"][0]
    where, id_ = hit["_index"], hit["_id"]
    await owner.call("PUT", f"/others-{index}")
    for method, path, body in (
        ("DELETE", f"/{where}/_doc/{id_}", None),
        ("POST", f"/{where}/_update/{id_}", {"doc": {"event": {"reason": "forged"}}}),
        (
            "PUT",
            f"/{where}/_doc/{id_}?if_seq_no={hit.get('_seq_no', 0)}&if_primary_term=1",
            {"@timestamp": "2026-01-01"},
        ),
        ("DELETE", f"/{where}", None),
        ("PUT", f"/{where}/_settings", {"index.number_of_replicas": 0}),
        ("DELETE", f"/_index_template/{index}-audit", None),
        ("PUT", "/_component_template/x", {"template": {}}),
        ("GET", f"/others-{index}/_search", {"query": {"match_all": {}}}),
        ("GET", "/_security/user", None),
        ("POST", "/_security/api_key", {"name": "another"}),
    ):
        with pytest.raises(AuditError, match="403"):
            await least.call(method, path, body)
