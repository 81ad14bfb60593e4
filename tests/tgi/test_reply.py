"""Laws of a reply's bytes: how they were cut must never show, whatever they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.errors import BackendError, BackendNonsense, BackendTooSlow, BackendUnavailable
from tgi.reply import MAX_BARREN_BYTES, READ_AHEAD_BYTES, USUAL, Bounds, Patience, Refused, Reply

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass
class Tap:
    """Where bytes come from; counts how often it was closed and opened."""

    pauses: int = 0
    resumptions: int = 0

    def pause_reading(self) -> None:
        self.pauses += 1

    def resume_reading(self) -> None:
        self.resumptions += 1


@dataclass(frozen=True)
class Told:
    """What a reply said: its status, as much of its body as came, how it ended, and whether its connection is of more use."""

    status: int
    body: bytes
    fault: type[BackendError] | None
    keeps: bool


def told(pieces: Iterable[bytes], closed: bool = True, bounds: Bounds = USUAL) -> Told:
    """What is heard when these pieces arrive one after the other, and then the connection ends, or is silent."""
    return asyncio.run(_told(pieces, closed, bounds))


async def _told(pieces: Iterable[bytes], closed: bool, bounds: Bounds) -> Told:
    loop = asyncio.get_running_loop()
    reply = Reply(Tap(), loop, bounds)
    useful = all(reply.feed(piece) for piece in pieces)
    if closed and useful and not reply.whole:
        reply.ended(None)
    elif not closed:
        reply.look(loop.time() + 1e6)
    body, fault = b"", None
    try:
        await reply.head()
        async for data in reply.chunks():
            body += data
    except BackendError as error:
        fault = type(error)
    return Told(reply.status, body, fault, useful and reply.keeps and reply.whole)


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[begin:end] for begin, end in pairwise(edges)]


places = st.lists(st.integers(0, 10_000), max_size=12)
bodies = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


@st.composite
def replies(draw: st.DrawFn) -> tuple[bytes, int, bytes]:
    """A well-formed reply, with what it should be heard to say."""
    parts, status = draw(bodies), draw(st.sampled_from([200, 200, 400, 422, 429, 503]))
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" * draw(st.integers(0, 2))
    head = b"%bHTTP/1.1 %d Whatever\r\nServer: x\r\nX-Compute-Time: 0.1\r\n" % (interim, status)
    body = b"".join(parts)
    match draw(st.sampled_from(["length", "chunks", "close"])):
        case "length":
            return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body), status, body
        case "chunks":
            trailer = draw(st.sampled_from([b"", b"X-Late: 1\r\n", b"Content-Encoding: gzip\r\n"]))
            chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
            return b"%btransfer-encoding: chunked\r\n\r\n%b0\r\n%b\r\n" % (head, chunks, trailer), status, body
        case _:
            return b"%b\r\n%b" % (head, body), status, body


@given(replies(), places)
@settings(max_examples=150, deadline=None)
def test_a_well_formed_reply_is_heard_whole_under_every_cut(reply: tuple[bytes, int, bytes], at: list[int]) -> None:
    data, status, body = reply
    heard = told(cut(data, at))
    assert (heard.status, heard.body, heard.fault) == (status, body, None)


@given(replies(), places, st.binary(max_size=3), st.integers(0, 400), st.integers(0, 400), st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_damaged_reply_is_heard_the_same_under_every_cut(
    reply: tuple[bytes, int, bytes], at: list[int], put: bytes, begin: int, gone: int, closed: bool
) -> None:
    data = reply[0]
    damaged = data[:begin] + put + data[begin + gone :]
    assert told(cut(damaged, at), closed) == told([damaged], closed)


@given(replies(), st.integers(0, 10_000))
@settings(max_examples=150, deadline=None)
def test_a_reply_that_says_its_length_and_breaks_off_is_never_whole(reply: tuple[bytes, int, bytes], end: int) -> None:
    data, _, body = reply
    if b"ontent-Length" not in data and b"chunked" not in data:
        return
    heard = told([data[: end % len(data)]])
    assert heard.fault in (Refused, BackendUnavailable)
    assert body.startswith(heard.body)


@given(replies(), st.binary(min_size=1, max_size=60).filter(lambda data: data.strip(b"\r\n") != b""), places)
@settings(max_examples=100, deadline=None)
def test_what_follows_a_reply_is_not_heard_and_ends_the_use_of_its_connection(
    reply: tuple[bytes, int, bytes], more: bytes, at: list[int]
) -> None:
    data, status, body = reply
    if b"ontent-Length" in data or b"chunked" in data:
        assert told(cut(data + more, at)) == Told(status, body, None, False)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"", Told(0, b"", Refused, False)),
        (b"HTTP", Told(0, b"", BackendUnavailable, False)),
        (OK, Told(0, b"", BackendUnavailable, False)),
        (b"SSH-2.0-OpenSSH\r\n", Told(0, b"", BackendNonsense, False)),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Told(204, b"", None, True)),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", Told(200, b"hi", None, False)),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", Told(200, b"hi", None, False)),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            Told(0, b"", BackendNonsense, False),
        ),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", Told(0, b"", BackendNonsense, False)),
        (b"HTTP/1.1 099 Odd\r\n\r\n", Told(0, b"", BackendNonsense, False)),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", Told(304, b"", BackendNonsense, True)),
        (OK + b"content-encoding: GZIP\r\ncontent-length: 2\r\n\r\nhi", Told(200, b"", BackendNonsense, True)),
        (OK + b"content-encoding: Identity\r\ncontent-length: 2\r\n\r\nhi", Told(200, b"hi", None, True)),
        (OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nhi!", Told(0, b"", BackendNonsense, False)),
        (OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\nhi", Told(0, b"", BackendNonsense, False)),
        (OK + b"content-length: -2\r\n\r\nhi", Told(0, b"", BackendNonsense, False)),
        (OK + b"transfer-encoding: gzip\r\n\r\nhi", Told(200, b"hi", BackendUnavailable, False)),
        (CHUNKED + b"2\r\nhi\r\nzz\r\n", Told(200, b"hi", BackendNonsense, False)),
        (CHUNKED + b"2\nhi\r\n0\r\n\r\n", Told(200, b"", BackendNonsense, False)),
        (CHUNKED + b"2\r\nhi0\r\n\r\n", Told(200, b"hi", BackendNonsense, False)),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", Told(0, b"", BackendNonsense, False)),
        (OK + b"Content-Length : 2\r\n\r\nhi", Told(0, b"", BackendNonsense, False)),
    ],
)
def test_odd_replies_have_one_meaning_each(said: bytes, expected: Told) -> None:
    assert told([said]) == expected
    assert told([said[at : at + 1] for at in range(len(said))]) == expected


@pytest.mark.parametrize(
    "again",
    [b"X-Padding: " + b"p" * 1000 + b"\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"],
    ids=["header", "interim"],
)
def test_a_head_without_end_is_nonsense(again: bytes) -> None:
    start = [OK] if again.startswith(b"X") else []
    assert told([*start, *[again] * (MAX_BARREN_BYTES // len(again) + 2)], closed=False).fault is BackendNonsense


@pytest.mark.parametrize("begun", [b"2;e", b"0\r\nx-late: "], ids=["chunk extension", "trailer"])
def test_framing_without_end_is_nonsense(begun: bytes) -> None:
    pieces = [CHUNKED, begun, *[b"x" * 1000] * (MAX_BARREN_BYTES // 1000 + 1)]
    assert told(pieces, closed=False) == Told(200, b"", BackendNonsense, False)


def test_a_body_of_more_bytes_than_allowed_is_nonsense() -> None:
    few = Bounds(body_bytes=3)
    assert told([OK + b"content-length: 3\r\n\r\nabc"], bounds=few) == Told(200, b"abc", None, True)
    assert told([CHUNKED, b"2\r\nab\r\n", b"2\r\ncd\r\n"], bounds=few) == Told(200, b"ab", BackendNonsense, False)


async def test_a_reader_that_is_behind_stops_the_flow_until_it_has_caught_up() -> None:
    tap = Tap()
    reply = Reply(tap, asyncio.get_running_loop(), USUAL)
    reply.feed(OK + b"content-length: %d\r\n\r\n" % (3 * READ_AHEAD_BYTES))
    for _ in range(2):
        reply.feed(b"x" * READ_AHEAD_BYTES)
    assert (tap.pauses, tap.resumptions) == (1, 0)
    assert len(await anext(reply.chunks())) == 2 * READ_AHEAD_BYTES
    assert (tap.pauses, tap.resumptions) == (1, 1)


async def test_silence_counts_only_while_somebody_waits_for_the_backend() -> None:
    loop = asyncio.get_running_loop()
    reply = Reply(Tap(), loop, Bounds(Patience(first_byte=20, idle=10, total=100)))
    reply.feed(CHUNKED)
    assert reply.look(loop.time() + 50)
    waiting = asyncio.ensure_future(anext(reply.chunks()))
    await asyncio.sleep(0)
    assert reply.look(loop.time() + 9)
    assert not reply.look(loop.time() + 11)
    with pytest.raises(BackendTooSlow, match="silent"):
        await waiting


async def test_a_reply_that_takes_longer_than_any_may_ends_however_it_flows() -> None:
    loop = asyncio.get_running_loop()
    reply = Reply(Tap(), loop, Bounds(Patience(total=100)))
    reply.feed(CHUNKED + b"2\r\nhi\r\n")
    assert not reply.look(loop.time() + 101)
    chunks = reply.chunks()
    assert await anext(chunks) == b"hi"
    with pytest.raises(BackendTooSlow, match="too long"):
        await anext(chunks)


async def test_a_whole_reply_is_not_taken_back() -> None:
    loop = asyncio.get_running_loop()
    reply = Reply(Tap(), loop, USUAL)
    reply.feed(OK + b"content-length: 2\r\n\r\nhi")
    assert reply.look(loop.time() + 1e6)
    assert not reply.feed(b"?")
    reply.ended(ConnectionResetError())
    assert [data async for data in reply.chunks()] == [b"hi"]
