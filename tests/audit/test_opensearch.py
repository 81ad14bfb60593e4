"""Against a real OpenSearch with its security plugin: what is installed, shipped, found, lost and shipped again, and by whose right.

Its index state management is on no registry that we can reach: the policy is put to a double that answers as its documentation
says (`test_install`), and nothing here says that it was carried out.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import pytest

from gateway.audit import install
from gateway.audit.elastic import Access, Busy, Cluster
from gateway.audit.reconcile import reconcile
from gateway.audit.shipping import Shipper
from gateway.cli.main import main
from gateway.core.errors import AuditError
from tests.audit.conftest import started
from tests.audit.server import ask, secured_opensearch
from tests.audit.test_elasticsearch import write

pytestmark = [pytest.mark.real_server, pytest.mark.xdist_group("opensearch")]


@pytest.fixture(scope="module")
def opensearch() -> Iterator[Access]:
    """As the owner of the cluster, by its certificate."""
    yield from started(secured_opensearch({"security/README": "laid over the plugin's own"}))


@pytest.fixture
async def cluster(opensearch: Access) -> AsyncIterator[Cluster]:
    client = Cluster.at(opensearch, f"t{os.urandom(4).hex()}")
    yield client
    await client.close()


@pytest.fixture
async def least(cluster: Cluster, opensearch: Access, tmp_path: Path) -> AsyncIterator[Cluster]:
    """The shipper's own user, over the shipper's own certificate."""
    await install.install(cluster, await install.abilities(cluster))
    assert "user" in await install.make_key(cluster, tmp_path / "password")
    mine = replace(
        opensearch,
        username=f"{cluster.index}-shipper",
        password=(tmp_path / "password").read_text(),
        certificate=opensearch.certificate.replace("owner", "shipper"),
        key=opensearch.key.replace("owner", "shipper"),
    )
    client = Cluster.at(mine, cluster.index)
    yield client
    await client.close()


async def shipped(directory: Path, cluster: Cluster, *, with_text: bool = False) -> Shipper:
    shipper = Shipper(directory, cluster, index=cluster.index, with_text=with_text)
    await shipper.catch_up()
    await cluster.refresh()
    return shipper


async def test_it_is_asked_what_it_has(cluster: Cluster) -> None:
    able = await install.abilities(cluster)
    assert (able.cjk, able.lifecycle, able.opensearch, able.replicas) == (True, "", True, 0)


async def test_the_templates_are_taken_and_taken_again(cluster: Cluster) -> None:
    first = await install.install(cluster, await install.abilities(cluster))
    assert first == await install.install(cluster, await install.abilities(cluster))
    assert f"template {cluster.index}-audit" in first


async def test_every_record_is_in_a_data_stream_of_its_tenant(directory: Path, least: Cluster) -> None:
    await write(directory)
    shipper = await shipped(directory, least)
    assert (shipper.counts.shipped, shipper.counts.quarantined) == (61, 0)
    hits = await least.search(query={"term": {"organization.id": "acme"}}, size=1, track_total_hits=True)
    assert hits["hits"]["total"]["value"] == 30
    assert hits["hits"]["hits"][0]["_index"].startswith(f".ds-logs-{least.index}.audit-acme-")


async def test_an_event_s_facts_can_be_searched(directory: Path, least: Cluster) -> None:
    await write(directory, 1)
    await shipped(directory, least)
    found = await least.search(query={"exists": {"field": "hangu.facts"}}, size=10)
    assert [hit["_source"]["event"]["action"] for hit in found["hits"]["hits"]] == ["journal.started"]


async def test_sending_twice_doubles_nothing(directory: Path, least: Cluster) -> None:
    await write(directory)
    await shipped(directory, least)
    (directory / "shipped-w0.json").unlink()
    again = await shipped(directory, least)
    assert (again.counts.shipped, again.counts.quarantined) == (61, 0)
    assert [c.doubled for c in await reconcile(again)] == [0]


async def test_what_was_deleted_comes_back(directory: Path, least: Cluster, opensearch: Access) -> None:
    await write(directory)
    shipper = await shipped(directory, least)
    query = {"query": {"terms": {"hangu.seq": [3, 4, 40]}}}
    ask(opensearch, "POST", f"/logs-{least.index}.*/_delete_by_query?refresh=true", query)
    assert [(c.indexed, c.reshipped) for c in await reconcile(shipper)] == [(58, 3)]
    assert [c.ratio for c in await reconcile(shipper)] == [1.0]


async def test_two_characters_of_chinese_are_found(directory: Path, least: Cluster) -> None:
    await write(directory, 4)
    await shipped(directory, least, with_text=True)
    for words, count in (("合同", 4), ("同合", 0), ("翻译", 4)):
        told = await least.search(query={"match_phrase": {"hangu.text": words}}, size=0, track_total_hits=True)
        assert told["hits"]["total"]["value"] == count, words


async def test_the_shipper_may_add_and_nothing_else(directory: Path, least: Cluster, cluster: Cluster) -> None:
    await write(directory, 4)
    await shipped(directory, least)
    hit = (await least.search(query={"term": {"hangu.seq": 3}}, size=1))["hits"]["hits"][0]
    where, id_ = hit["_index"], hit["_id"]
    await cluster.call("PUT", f"/others-{cluster.index}")
    for method, path, body in (
        ("DELETE", f"/{where}/_doc/{id_}", None),
        ("POST", f"/{where}/_update/{id_}", {"doc": {"event": {"reason": "forged"}}}),
        ("POST", f"/logs-{cluster.index}.*/_delete_by_query", {"query": {"match_all": {}}}),
        ("POST", f"/logs-{cluster.index}.*/_update_by_query", {"query": {"match_all": {}}}),
        ("DELETE", f"/{where}", None),
        ("DELETE", f"/_data_stream/logs-{cluster.index}.audit-acme", None),
        ("PUT", f"/{where}/_settings", {"index.number_of_replicas": 0}),
        ("DELETE", f"/_index_template/{cluster.index}-audit", None),
        ("GET", f"/others-{cluster.index}/_search", None),
        ("GET", "/_plugins/_security/api/internalusers", None),
    ):
        with pytest.raises(AuditError, match="403"):
            await least.call(method, path, body)


async def test_a_data_stream_takes_nothing_but_new_documents(directory: Path, least: Cluster) -> None:
    """The plugin has one right to write, new or not; the stream itself refuses to overwrite."""
    await write(directory, 1)
    await shipped(directory, least)
    with pytest.raises(AuditError, match="400"):
        await least.call("PUT", f"/logs-{least.index}.audit-acme/_doc/hangu-w0-1", {"@timestamp": "2026-01-01"})


@pytest.mark.parametrize("who", ["", "stranger"])
async def test_without_a_certificate_of_its_authority_it_does_not_answer(opensearch: Access, who: str) -> None:
    papers = {name: getattr(opensearch, name).replace("owner", who) if who else "" for name in ("certificate", "key")}
    stranger = Cluster.at(replace(opensearch, **papers))
    with pytest.raises(Busy, match="does not answer"):
        await stranger.refresh()
    await stranger.close()


def test_deploy_installs_it_all_and_does_no_harm_again(
    opensearch: Access, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["deploy", "elastic", "--opensearch", "--url", opensearch.url, "--index", f"t{os.urandom(4).hex()}"]
    command += ["--ca", opensearch.ca, "--certificate", opensearch.certificate, "--certificate-key", opensearch.key]
    command += ["--make-key", str(tmp_path / "password")]
    assert main(command) == 0
    told = capsys.readouterr().out
    assert "indices:data/write/bulk" in told
    assert "its password in" in told
    assert main(command) == 0
    assert "is there already" in capsys.readouterr().out


def test_a_client_that_speaks_plainly_to_it_is_not_heard(opensearch: Access) -> None:
    with pytest.raises((URLError, OSError)):
        ask(replace(opensearch, url=opensearch.url.replace("https", "http")), "GET", "/")
