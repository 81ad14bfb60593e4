"""What was recorded is found in the cluster once, whatever the cluster does meanwhile; what it will not take leaves a trace."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.audit.documents import Document, Documents, stream
from gateway.audit.elastic import Access, Cluster, Verdict, connect
from gateway.audit.frames import Frame
from gateway.audit.journal import Journal, Salts
from gateway.audit.reconcile import reconcile
from gateway.audit.record import event
from gateway.audit.seal import FileSigner
from gateway.audit.segment import Sizes
from gateway.audit.shipping import Pace, Shipper
from gateway.core.errors import AuditError
from tests.audit.examples import AT, a_closed, an_opened

SIZES = Sizes(segment=65_536, step=4096, ballast=0, reserve=0)


async def no_wait(_seconds: float) -> None:
    await asyncio.sleep(0)


PACE = Pace(records=50, sleep=no_wait, jitter=lambda: 0.5)


class FakeCluster:
    """Speaks the bulk, search and refresh APIs over real HTTP, with trouble to come: each `trouble` is tried in turn."""

    def __init__(self, *, opensearch: bool = False) -> None:
        self.stored: dict[str, dict[str, Any]] = {}
        self.trouble: list[Callable[[list[tuple[str, dict[str, Any]]]], web.Response | None]] = []
        self.poison: dict[str, dict[str, Any]] = {}  # by id: the item's answer
        self.biggest = 1 << 30
        self.opensearch = opensearch

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 30, middlewares=[self.as_opensearch] if self.opensearch else [])
        app.router.add_route("*", "/_bulk", self.bulk)
        app.router.add_route("*", "/{index}/_search", self.search)
        app.router.add_route("*", "/{index}/_refresh", self.refresh)
        return app

    @web.middleware
    async def as_opensearch(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Refuses the vendor's media types, and does not call itself by the vendor's name."""
        if "vnd.elasticsearch" in request.headers.get("content-type", "") + request.headers.get("accept", ""):
            return web.json_response({"error": "unsupported media type"}, status=406)
        told: web.StreamResponse = await handler(request)
        del told.headers["x-elastic-product"]
        return told

    async def bulk(self, request: web.Request) -> web.Response:
        raw = await request.read()
        lines = [json.loads(line) for line in raw.splitlines()]
        items = [(lines[n]["create"]["_id"], lines[n + 1]) for n in range(0, len(lines), 2)]
        if len(raw) > self.biggest:
            return answer({"error": "too large"}, 413)
        while self.trouble:
            told = self.trouble.pop(0)(items)
            if told is not None:
                return told
        return answer(self.taken(items))

    def taken(self, items: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
        return {"errors": False, "took": 1, "items": [{"create": self.take(*item)} for item in items]}

    def take(self, id_: str, source: dict[str, Any]) -> dict[str, Any]:
        if id_ in self.poison:
            return self.poison[id_]
        if id_ in self.stored:
            return {
                "_id": id_,
                "status": 409,
                "error": {"type": "version_conflict_engine_exception", "reason": "exists"},
            }
        self.stored[id_] = source
        return {"_id": id_, "status": 201}

    async def search(self, request: web.Request) -> web.Response:
        query = (await request.json())["query"]
        found = [s for s in self.stored.values() if "event" in s]
        if "terms" in query:
            found = [s for s in found if s["event"]["id"] in query["terms"]["event.id"] and "hangu" in s]
        else:
            span = query["bool"]["filter"][2]["range"]["hangu.seq"]
            found = [s for s in found if span["gte"] <= s["hangu"].get("seq", -1) < span["lt"]]
        return answer({"hits": {"hits": [{"_source": source} for source in found]}, "took": 1})

    async def refresh(self, request: web.Request) -> web.Response:
        return answer({})


def answer(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.json_response(body, status=status, headers={"x-elastic-product": "Elasticsearch"})


@pytest.fixture
async def fake() -> AsyncIterator[tuple[FakeCluster, str]]:
    cluster = FakeCluster()
    server = TestServer(cluster.app())
    await server.start_server()
    yield cluster, str(server.make_url("/"))
    await server.close()


@pytest.fixture
async def written(directory: Path, signer: FileSigner) -> Path:
    async with Journal.open(directory, sizes=SIZES, signer=signer) as journal:
        for n in range(60):
            await journal.append(an_opened(f"x{n}"))
            await journal.append(a_closed(f"x{n}"))
    return directory


def ids(count: int) -> set[str]:
    return {f"hangu-w0-{n}" for n in range(count)}


async def ship(directory: Path, url: str) -> Shipper:
    cluster = Cluster(connect(Access(url)))
    shipper = Shipper(directory, cluster, pace=PACE)
    try:
        await asyncio.wait_for(shipper.catch_up(), 30)
        await shipper.ship_heads()
    finally:
        await cluster.close()
    return shipper


@pytest.mark.parametrize("spoken_to_as_such", [True, False])
async def test_opensearch_is_served_by_the_same_client(written: Path, spoken_to_as_such: bool) -> None:
    opensearch = FakeCluster(opensearch=True)
    async with TestServer(opensearch.app()) as server:
        access = Access(str(server.make_url("/")), opensearch=spoken_to_as_such)
        async with connect(access) as client:
            shipper = Shipper(written, Cluster(client), pace=PACE)
            if spoken_to_as_such:
                await shipper.catch_up()
            else:
                with pytest.raises(AuditError, match="refuses"):
                    await shipper.catch_up()
    assert (set(opensearch.stored) == ids(121)) is spoken_to_as_such


def unavailable(_items: object) -> web.Response:
    return answer({"error": {"type": "unavailable"}}, 503)


def storm(_items: object) -> web.Response:
    return answer({"error": {"type": "es_rejected_execution_exception"}}, 429)


def every_other_item_rejected(items: list[tuple[str, dict[str, Any]]]) -> web.Response:
    told = [
        {"create": {"_id": id_, "status": 429, "error": {"type": "rejected", "reason": "full"}}} for id_, _ in items
    ]
    return answer({"errors": True, "took": 1, "items": told})


@pytest.mark.parametrize(
    "trouble", [[], [unavailable] * 3, [storm] * 5, [every_other_item_rejected] * 2, [unavailable, storm, unavailable]]
)
async def test_whatever_the_cluster_does_each_record_is_there_once(
    written: Path, fake: tuple[FakeCluster, str], trouble: list[Any]
) -> None:
    cluster, url = fake
    cluster.trouble = list(trouble)
    shipper = await ship(written, url)
    assert {id_ for id_ in cluster.stored if "checkpoint" not in id_} == ids(121)
    assert shipper.counts.busy == len(trouble)
    assert shipper.counts.quarantined == 0


async def test_an_answer_that_was_lost_does_not_double_anything(written: Path, fake: tuple[FakeCluster, str]) -> None:
    cluster, url = fake

    def took_it_but_did_not_say(items: list[tuple[str, dict[str, Any]]]) -> web.Response:
        for item in items:
            cluster.take(*item)
        return answer({"error": "gateway timeout"}, 504)

    cluster.trouble = [took_it_but_did_not_say] * 2
    shipper = await ship(written, url)
    assert {id_ for id_ in cluster.stored if "checkpoint" not in id_} == ids(121)
    assert shipper.counts.quarantined == 0  # 409 with our own leaf is as good as 201


async def test_too_large_a_request_is_halved(written: Path, fake: tuple[FakeCluster, str]) -> None:
    cluster, url = fake
    cluster.biggest = 4_000
    shipper = await ship(written, url)
    assert ids(121) <= set(cluster.stored)
    assert shipper.counts.quarantined == 0


@pytest.mark.parametrize(
    "told",
    [
        {"status": 400, "error": {"type": "document_parsing_exception", "reason": "bad field"}},
        {"status": 201, "failure_store": "used"},  # says created, and nobody will find it
        {"status": 413, "error": {"type": "too_large", "reason": "no"}},
    ],
)
async def test_what_the_cluster_will_not_take_leaves_an_envelope_and_is_kept_aside(
    written: Path, fake: tuple[FakeCluster, str], told: dict[str, Any]
) -> None:
    cluster, url = fake
    cluster.poison = {"hangu-w0-7": told}
    shipper = await ship(written, url)
    assert (shipper.counts.shipped, shipper.counts.quarantined) == (120, 1)
    envelope = cluster.stored["hangu-w0-7-quarantined"]
    assert envelope["event"]["id"] == "hangu-w0-7"
    kept = [json.loads(line) for line in (written / "quarantine-w0.jsonl").read_bytes().splitlines()]
    assert [line["id"] for line in kept] == ["hangu-w0-7"]
    assert kept[0]["source"]["hangu"]["leaf"] == envelope["hangu"]["leaf"]


@pytest.mark.parametrize("kind", ["security_exception", "cluster_block_exception"])
async def test_what_is_not_permitted_is_no_fault_of_the_record(
    written: Path, fake: tuple[FakeCluster, str], kind: str
) -> None:
    cluster, url = fake
    cluster.poison = {"hangu-w0-7": {"status": 403, "error": {"type": kind, "reason": "no"}}}
    with pytest.raises(AuditError, match=f"does not permit it: 403: {kind}"):
        await ship(written, url)
    assert not list(written.glob("quarantine-*"))
    cluster.poison = {}
    await ship(written, url)
    assert ids(121) <= set(cluster.stored)


async def test_a_batch_that_a_crowded_cluster_has_no_room_for_is_sent_in_parts(
    written: Path, fake: tuple[FakeCluster, str]
) -> None:
    cluster, url = fake

    def no_room(items: list[tuple[str, dict[str, Any]]]) -> web.Response | None:
        cluster.trouble.append(no_room)
        return storm(items) if len(items) > 7 else answer(cluster.taken(items))

    cluster.trouble = [no_room]
    await ship(written, url)
    assert ids(121) <= set(cluster.stored)


async def test_an_id_taken_by_another_record_is_not_called_shipped(
    written: Path, fake: tuple[FakeCluster, str]
) -> None:
    cluster, url = fake
    forged = {"event": {"id": "hangu-w0-3"}, "hangu": {"leaf": "00" * 32, "seq": 3}}
    cluster.stored["hangu-w0-3"] = forged
    shipper = await ship(written, url)
    assert shipper.counts.quarantined == 1
    assert "another record" in (written / "quarantine-w0.jsonl").read_text()


async def test_shipping_goes_on_where_it_stopped(written: Path, fake: tuple[FakeCluster, str]) -> None:
    cluster, url = fake
    await ship(written, url)
    async with Journal.open(written, sizes=SIZES) as journal:
        await journal.append(an_opened("later"))
    assert (await ship(written, url)).counts.shipped == 2  # the start, and the new one
    (written / "shipped-w0.json").write_text("damaged")
    assert (await ship(written, url)).counts.quarantined == 0  # from the start again: nothing doubles
    assert ids(123) <= set(cluster.stored)


async def test_what_the_cluster_lost_is_found_and_shipped_again(written: Path, fake: tuple[FakeCluster, str]) -> None:
    cluster, url = fake
    await ship(written, url)
    before = {id_: dict(source) for id_, source in cluster.stored.items()}
    for n in (0, 5, 6, 119):
        del cluster.stored[f"hangu-w0-{n}"]
    client = Cluster(connect(Access(url)))
    shipper = Shipper(written, client, pace=PACE)
    found = await reconcile(shipper)
    assert [(c.produced, c.indexed, c.reshipped, c.doubled) for c in found] == [(121, 117, 4, 0)]
    assert found[0].ratio == 117 / 121
    assert cluster.stored == before  # enriched as the first time
    assert (await reconcile(shipper))[0].ratio == 1.0
    await client.close()


def frame_of(record: Any, seq: int = 0) -> Frame:
    item = Salts(lambda n: bytes(n)).item(record)
    return Frame(0, seq, item.kind, item.head, item.body, False)


def document(record: Any, **options: Any) -> Document:
    return Documents(**options).of("w0", frame_of(record))


def test_an_end_tells_what_was_asked() -> None:
    documents = Documents()
    documents.of("w0", frame_of(an_opened("x1")))
    source = documents.of("w0", frame_of(a_closed("x1"), 1)).source
    assert source["gen_ai"]["request"]["model"] == "smollm2"
    assert source["gen_ai"]["usage"] == {"input_tokens": 12, "output_tokens": 34}
    assert source["hangu"]["policy"] == "d" * 64
    assert source["event"]["outcome"] == "success"
    assert source["event"]["duration"] == 1_250_000_000
    assert source["@timestamp"] == "2023-11-14T22:13:21.250Z"


def test_texts_stay_at_home_unless_policy_sends_them() -> None:
    record = an_opened(text="请看\u200b这份合同")
    assert "合同" not in json.dumps(document(record).source, ensure_ascii=False)
    assert document(record, with_text=True).source["hangu"]["text"] == "请看这份合同"


def test_a_refusal_says_who_refused() -> None:
    record = replace(an_opened(), code="not_permitted")
    source = document(record).source
    assert (source["event"]["outcome"], source["event"]["reason"]) == ("failure", "not_permitted")


def test_an_event_goes_to_its_own_stream() -> None:
    told = document(event("policy.loaded", AT, {"digest": "d"}, actor="op"))
    assert told.stream == "logs-hangu.admin-default"
    assert told.source["hangu"]["facts"] == {"digest": "d"}


@pytest.mark.parametrize(
    ("tenant", "name"),
    [("acme", "acme"), ("ACME Corp", "acme_corp"), ("", "default"), ("财务部", "default"), ("a/../b*", "a_.._b")],
)
def test_a_tenant_makes_a_valid_stream_name(tenant: str, name: str) -> None:
    assert stream("hangu", "audit", tenant) == f"logs-hangu.audit-{name}"


class Slow:
    """A cluster in which only what was sent before a refresh is found; after the first, somebody ships more."""

    def __init__(self) -> None:
        self.sent: list[Document] = []
        self.findable = 0
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def create(self, documents: Sequence[Document]) -> list[Verdict]:
        self.sent += documents
        return [Verdict("kept")] * len(documents)

    async def leaves(self, ids: Sequence[str]) -> dict[str, str]:
        return {}

    async def numbers(self, site: str, origin: str, begin: int, end: int) -> list[int]:
        there = [document.source["hangu"]["seq"] for document in self.sent[: self.findable]]
        return [seq for seq in there if begin <= seq < end]

    async def refresh(self) -> None:
        self.findable = len(self.sent)
        if (meanwhile := self.meanwhile) is not None:
            self.meanwhile = None
            await meanwhile()


async def test_what_is_shipped_while_it_is_compared_is_no_hole(directory: Path) -> None:
    slow = Slow()
    shipper = Shipper(directory, slow, pace=PACE)
    async with Journal.open(directory, sizes=SIZES) as journal:
        await journal.append(an_opened("x1"))

        async def more() -> None:
            await journal.append(a_closed("x1"))
            await shipper.catch_up()

        slow.meanwhile = more
        assert [(c.produced, c.indexed, c.reshipped) for c in await reconcile(shipper)] == [(2, 2, 0)]
        assert [(c.produced, c.indexed, c.reshipped) for c in await reconcile(shipper)] == [(3, 3, 0)]
