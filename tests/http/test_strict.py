"""What is refused before a body is read: as bytes over a real connection, and as the law of the pure check."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest
from aiohttp.web import BaseRequest, RequestPayloadError, Response, StreamResponse
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.verdict import Code, Refuse
from gateway.http.listener import Listening
from gateway.http.strict import Head, Strictness, check, head_of, hosts
from tests.http.framings import CONTROLS, HOSTILE, PATH, Framing
from tests.http.sockets import Papers, Seen, an_authority, connected, listening

STRICT = Strictness(hosts(("localhost", "127.0.0.1", "[::1]", "llm.example:443"), 8443))
GOOD = Head(
    "POST",
    PATH,
    (1, 1),
    (
        (b"Host", b"localhost"),
        (b"Content-Type", b"application/json"),
        (b"Content-Length", b"2"),
        (b"Authorization", b"Bearer x"),
    ),
)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return an_authority(tmp_path_factory.mktemp("pki"))


class Gate:
    """A handler that checks heads and counts what it lets through."""

    def __init__(self) -> None:
        self.passed: list[bytes] = []

    async def __call__(self, request: BaseRequest) -> StreamResponse:
        refusal = check(head_of(request), STRICT)
        if refusal is not None:
            return await self.refuse(request, refusal)
        try:
            self.passed.append(await request.read())
        except RequestPayloadError:
            return await self.refuse(request, Refuse(Code.REQUEST_MALFORMED))
        return Response(text="passed")

    async def refuse(self, request: BaseRequest, refusal: Refuse) -> StreamResponse:
        response = Response(status=400, text=refusal.code)
        response.force_close()
        return response


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def at(papers: Papers, gate: Gate) -> AsyncIterator[Listening]:
    seen = Seen()
    seen.refuse = gate.refuse  # type: ignore[method-assign]
    async with listening(papers, gate, seen=seen) as at:
        yield at


@pytest.mark.parametrize("framing", HOSTILE, ids=lambda framing: framing.name)
async def test_an_ambiguous_request_is_refused_once_and_nothing_of_it_passes(
    papers: Papers, at: Listening, gate: Gate, framing: Framing
) -> None:
    async with asyncio.timeout(5), connected(at.port, papers.client("ana")) as client:
        await client.send(framing.raw)
        status, body = await client.reply()
        assert (status, body) == (400, str(framing.code).encode())
        assert await client.is_closed()
    assert gate.passed == []


@pytest.mark.parametrize("framing", HOSTILE, ids=lambda framing: framing.name)
async def test_it_is_refused_just_so_when_its_body_comes_later(
    papers: Papers, at: Listening, gate: Gate, framing: Framing
) -> None:
    head, end, body = framing.raw.partition(b"\r\n\r\n")
    async with asyncio.timeout(5), connected(at.port, papers.client("ana")) as client:
        await client.send(head + end)
        await asyncio.sleep(0.005)
        with suppress(ConnectionError, ssl.SSLError):  # most are refused before their body is asked for
            await client.send(body)
        assert await client.reply() == (400, str(framing.code).encode())
        assert await client.is_closed()
    assert gate.passed == []


@pytest.mark.parametrize("framing", CONTROLS, ids=lambda framing: framing.name)
async def test_its_well_formed_neighbour_passes(papers: Papers, at: Listening, gate: Gate, framing: Framing) -> None:
    async with asyncio.timeout(5), connected(at.port, papers.client("ana")) as client:
        await client.send(framing.raw)
        assert await client.reply() == (200, b"passed")
    assert len(gate.passed) == 1


def test_a_name_stands_for_itself_alone_and_with_the_listening_port() -> None:
    assert STRICT.hosts == {
        "localhost", "localhost:8443", "127.0.0.1", "127.0.0.1:8443", "[::1]", "[::1]:8443", "llm.example:443",
    }  # fmt: skip


def test_query_strings_are_taken_only_where_routes_have_them() -> None:
    head = replace(GOOD, method="GET", raw_path="/console?page=2&q=a%20b", headers=GOOD.headers[:1])
    assert check(head, STRICT) is not None
    assert check(head, replace(STRICT, queries=True)) is None
    assert check(replace(head, raw_path="/console?<script>"), replace(STRICT, queries=True)) is not None


@given(st.text(alphabet=st.characters(max_codepoint=0x2FF), max_size=40))
def test_a_path_that_passes_has_one_reading(path: str) -> None:
    if check(replace(GOOD, raw_path=path), STRICT) is None:
        assert path.startswith("/")
        assert not set(path) & set("%?#\\; \t\r\n")
        assert not {"", ".", ".."} & set(path.strip("/").split("/")) or path == "/"
        assert path.isascii()


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_any_header_is_taken_or_refused_and_never_an_accident(name: bytes, value: bytes) -> None:
    refusal = check(replace(GOOD, headers=(*GOOD.headers, (name, value))), STRICT)
    assert refusal is None or refusal.code in (Code.REQUEST_MALFORMED, Code.MEDIA_TYPE_UNSUPPORTED)
    if refusal is None:
        assert name.decode("ascii").replace("-", "").isalnum() or set(name) == {ord("-")}


@given(st.sampled_from(GOOD.headers))
def test_each_header_that_decides_something_may_be_there_once(header: tuple[bytes, bytes]) -> None:
    repeated = (header[0].swapcase(), header[1])
    assert check(replace(GOOD, headers=(*GOOD.headers, repeated)), STRICT) is not None


def test_no_refusal_quotes_a_value() -> None:
    for position in range(len(GOOD.headers)):
        headers = list(GOOD.headers)
        headers[position] = (headers[position][0], b"canary")
        refusal = check(replace(GOOD, headers=tuple(headers)), STRICT)
        assert refusal is None or "canary" not in refusal.detail
