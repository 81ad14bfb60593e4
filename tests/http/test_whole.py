"""A whole reply as one write reads as any other reply does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp.web import BaseRequest, StreamResponse
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.whole import Whole
from tests.http.sockets import Papers, an_authority, connected, listening, on_both_loops


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    directory: Path = tmp_path_factory.mktemp("whole")
    return an_authority(directory)


async def replies(request: BaseRequest) -> StreamResponse:
    size = int(await request.read() or b"0")
    return Whole({"x-request-id": "7", "content-type": "text/plain"}, b"x" * size)


def asks(body: bytes, more: bytes = b"") -> bytes:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\n%bContent-Length: %d\r\n\r\n" % (more, len(body))
    return head + body


@pytest.mark.parametrize("size", [0, 2, 3_000_000])
@on_both_loops
async def test_its_body_comes_whole_and_its_connection_is_kept(papers: Papers, size: int) -> None:
    async with listening(papers, replies) as at, connected(at.port, papers.client("a")) as client:
        for _ in range(2):
            await client.send(asks(b"%d" % size))
            assert await client.reply() == (200, b"x" * size)


@on_both_loops
async def test_its_head_has_our_headers_and_what_http_asks_for(papers: Papers) -> None:
    async with listening(papers, replies) as at, connected(at.port, papers.client("a")) as client:
        await client.send(asks(b"2"))
        head = (await client.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    assert head[0] == "HTTP/1.1 200 OK"
    assert [line.partition(":")[0] for line in head[1:-2]] == ["x-request-id", "content-type", "content-length", "date"]


@on_both_loops
async def test_a_caller_that_wants_no_more_is_told_so_and_let_go(papers: Papers) -> None:
    async with listening(papers, replies) as at, connected(at.port, papers.client("a")) as client:
        await client.send(asks(b"2", b"Connection: close\r\n"))
        assert b"\r\nconnection: close\r\n" in await client.reader.readuntil(b"\r\n\r\n")
        assert await client.is_closed()


@on_both_loops
async def test_replies_do_not_pile_up_for_a_caller_that_does_not_read(papers: Papers) -> None:
    size, asked, answered = 8_000_000, 5, 0  # a first or second may still lie in the system's buffers

    async def counted(request: BaseRequest) -> StreamResponse:
        nonlocal answered
        answered += 1
        return await replies(request)

    async with listening(papers, counted) as at, connected(at.port, papers.client("a")) as client:
        await client.send(asks(b"%d" % size) * asked)
        await asyncio.sleep(0.5)
        assert answered < asked - 1
        assert [await client.reply() for _ in range(asked)] == [(200, b"x" * size)] * asked


@on_both_loops
async def test_a_caller_that_has_left_gets_nothing_and_breaks_nothing(papers: Papers) -> None:
    gone = asyncio.Event()

    async def late(request: BaseRequest) -> StreamResponse:
        try:
            await asyncio.sleep(5)
        finally:
            gone.set()
        return Whole({}, b"hi")

    async with listening(papers, late) as at:
        async with connected(at.port, papers.client("a")) as client:
            await client.send(asks(b""))
        await gone.wait()
        async with connected(at.port, papers.client("a")) as other:
            await other.send(asks(b""))


@given(st.text(max_size=8), st.sampled_from(["\r", "\n", "\0", "\r\n", "\r\nset-cookie: a=b"]), st.text(max_size=8))
def test_a_header_of_more_than_one_line_is_not_sent(before: str, line: str, after: str) -> None:
    with pytest.raises(ValueError, match="header"):
        Whole({"x-request-id": before + line + after}, b"")
