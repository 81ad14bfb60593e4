"""Connections to a backend that behaves badly: each is closed when it must be, kept when it may be, and never answers for another."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.core.errors import BackendError, BackendNonsense, BackendOverloaded, BackendTooSlow, BackendUnavailable
from gateway.core.ports import BackendRequest
from tests.http.sockets import Papers, an_authority, on_both_loops
from tgi.client import HttpBackend
from tgi.line import KEEP_ALIVE_S, Lines, Place
from tgi.pool import Watched
from tgi.reply import READ_AHEAD_BYTES, USUAL, Bounds, Patience, Refused

ASK = BackendRequest("POST", "/generate", b'{"inputs":"a"}')
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]


@asynccontextmanager
async def serving(talk: Talk, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """The port of a server that treats its connections so; each is told its number, from 1."""
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        try:
            await talk(reader, writer, count)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, host, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def heard(reader: asyncio.StreamReader) -> bytes:
    """The body of one request."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((line for line in head.split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    return await reader.readexactly(int(length.split(b":")[1]))


async def say(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def answer(backend: HttpBackend | Watched, request: BackendRequest = ASK) -> bytes:
    async with backend.ask(request) as reply:
        return b"".join([data async for data in reply.chunks()])


@asynccontextmanager
async def client(port: int, bounds: Bounds = USUAL, connections: int = 8) -> AsyncIterator[HttpBackend]:
    async with HttpBackend("b", f"http://127.0.0.1:{port}", bounds, connections=connections) as one:
        yield one


@pytest.mark.parametrize(
    "said",
    [
        OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"),
        OK.replace(b"1.1", b"1.0"),
        OK + OK,
        OK + b"and more",
    ],
    ids=["says close", "HTTP/1.0", "a second reply", "more than it said"],
)
@on_both_loops
async def test_a_connection_that_may_not_be_kept_is_not(said: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            await heard(reader)
            await say(writer, said if number == 1 else OK.replace(b"hi", b"no"))

    async with serving(talk) as port, client(port) as backend:
        assert [await answer(backend), await answer(backend)] == [b"hi", b"no"]


@on_both_loops
async def test_what_a_backend_says_unasked_answers_nobody() -> None:
    said = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            await heard(reader)
            await say(writer, OK)
            if number == 1:
                await asyncio.sleep(0.02)
                await say(writer, OK.replace(b"hi", b"!!"))
                await asyncio.sleep(0.02)
                said.set()

    async with serving(talk) as port, client(port) as backend:
        assert await answer(backend) == b"hi"
        await said.wait()
        assert await answer(backend) == b"hi"


@on_both_loops
async def test_a_kept_connection_that_was_closed_meanwhile_costs_nobody_an_answer() -> None:
    requests = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        nonlocal requests
        await heard(reader)
        requests += 1
        await say(writer, OK)
        if number == 1:
            await heard(reader)  # and leaves without a word, as a server does whose idle time was over just then

    async with serving(talk) as port, client(port) as backend:
        assert await answer(backend) == b"hi"
        assert await answer(Watched(backend, clock=lambda: 0.0)) == b"hi"
    assert requests == 2


@on_both_loops
async def test_a_request_whose_reply_had_begun_is_never_sent_again() -> None:
    requests = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        nonlocal requests
        await heard(reader)
        requests += 1
        await say(writer, b"HTTP/1.1 200")

    async with serving(talk) as port, client(port) as backend:
        with pytest.raises(BackendUnavailable) as caught:
            await answer(Watched(backend, clock=lambda: 0.0, retries=3))
    assert (requests, type(caught.value)) == (1, BackendUnavailable)


@on_both_loops
async def test_a_request_nobody_took_is_sent_as_often_as_the_settings_say() -> None:
    requests = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        nonlocal requests
        await heard(reader)
        requests += 1

    async with serving(talk) as port, client(port) as backend:
        with pytest.raises(Refused):
            await answer(Watched(backend, clock=lambda: 0.0, retries=2))
    assert requests == 3


@on_both_loops
async def test_a_reply_that_comes_before_the_request_has_left_is_the_last_on_its_connection() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await say(writer, OK.replace(b"hi", b"%2d" % number))
        await asyncio.sleep(0.05)  # unread: the rest of a long request stays in the gate

    long = BackendRequest("POST", "/generate", b"x" * (32 << 20))
    async with serving(talk) as port, client(port) as backend:
        assert [await answer(backend, long), await answer(backend, long)] == [b" 1", b" 2"]


@on_both_loops
async def test_cancelling_a_caller_closes_the_line_to_the_model_before_it_has_said_anything() -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await heard(reader)
        asked.set()
        await reader.read()
        left.set()

    async with serving(talk) as port, client(port) as backend:
        asking = asyncio.ensure_future(answer(backend))
        await asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await left.wait()


@on_both_loops
async def test_a_reply_left_early_says_nothing_more_and_its_line_serves_nobody() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await heard(reader)
        await say(writer, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n%2d\r\n" % number)
        await asyncio.sleep(0.05)
        await say(writer, b"2\r\n!!\r\n0\r\n\r\n")

    async with serving(talk) as port, client(port) as backend:
        async with backend.ask(ASK) as early:
            chunks = early.chunks()
            assert await anext(chunks) == b" 1"
        assert await answer(backend) == b" 2!!"
        with pytest.raises(BackendError):
            await anext(chunks)


@on_both_loops
async def test_a_reader_that_is_behind_holds_the_backend_up_and_loses_nothing() -> None:
    whole, sent = 64 << 20, 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        nonlocal sent
        await heard(reader)
        await say(writer, b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % whole)
        for _ in range(whole >> 16):
            await say(writer, b"x" * (1 << 16))
            sent += 1 << 16

    async with serving(talk) as port, client(port, Bounds(body_bytes=whole)) as backend, backend.ask(ASK) as reply:
        last = -1
        while sent != last:
            last = sent
            await asyncio.sleep(0.1)
        assert sent < READ_AHEAD_BYTES + (32 << 20)  # what is over is in the kernel's buffers
        assert sum([len(data) async for data in reply.chunks()]) == whole


@on_both_loops
async def test_one_more_than_the_connections_there_may_be_is_told_to_come_back() -> None:
    go = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            await heard(reader)
            await go.wait()
            await say(writer, OK)

    async with serving(talk) as port, client(port, connections=2) as backend:
        asking = [asyncio.ensure_future(answer(backend)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(BackendOverloaded):
            await answer(backend)
        go.set()
        assert await asyncio.gather(*asking) == [b"hi", b"hi"]
        assert await asyncio.gather(answer(backend), answer(backend)) == [b"hi", b"hi"]


@on_both_loops
async def test_connections_that_break_at_once_are_not_counted_among_those_in_use() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        writer.transport.abort()

    async with serving(talk) as port, client(port, connections=2) as backend:
        for _ in range(5):
            with pytest.raises(Refused):
                await answer(backend)


@on_both_loops
async def test_a_connection_that_is_not_made_in_time_is_too_slow(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await reader.read()  # and never shakes hands

    papers = an_authority(tmp_path)
    async with serving(talk) as port:
        bounds = Bounds(Patience(connect=0.1))
        async with HttpBackend("b", f"https://127.0.0.1:{port}", bounds, tls=papers.context(None)) as backend:
            with pytest.raises(BackendTooSlow):
                await answer(backend)


@on_both_loops
async def test_a_connection_nobody_needs_is_closed_in_time() -> None:
    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await heard(reader)
        await say(writer, OK)
        await reader.read()
        ended.set()

    async with serving(talk) as port:
        lines = Lines(Place("127.0.0.1", port), USUAL, 1)
        line, reply = await lines.ask(b"GET / HTTP/1.1\r\n\r\n")
        assert [data async for data in reply.chunks()] == [b"hi"]
        line.leave()
        now = asyncio.get_running_loop().time()
        line.look(now + KEEP_ALIVE_S - 1)
        assert line.is_open
        line.look(now + KEEP_ALIVE_S + 1)
        await ended.wait()
        lines.close()


@on_both_loops
async def test_closing_a_backend_ends_what_is_under_way() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await heard(reader)
        await reader.read()

    async with serving(talk) as port:
        async with client(port) as backend:
            asking = asyncio.ensure_future(answer(backend))
            await asyncio.sleep(0.05)
        with pytest.raises(BackendUnavailable):
            await asking


@on_both_loops
async def test_many_at_once_each_get_their_own_answer_whoever_leaves() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            body = await heard(reader)
            await say(writer, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            for at in range(0, len(body), 3):
                piece = body[at : at + 3]
                await say(writer, b"%x\r\n%b\r\n" % (len(piece), piece))
                await asyncio.sleep(0)
            await say(writer, b"0\r\n\r\n")

    async def one(number: int) -> bool:
        body = b"mine is %d" % number
        async with backend.ask(BackendRequest("POST", "/", body)) as reply:
            got = b""
            async for data in reply.chunks():
                got += data
                if number % 5 == 0:
                    break
        return body.startswith(got) and (got == body or number % 5 == 0)

    async with serving(talk) as port, client(port, connections=200) as backend:
        for _ in range(3):
            assert all(await asyncio.gather(*[one(number) for number in range(100)]))


# over TLS


def _server(papers: Papers) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(papers.files.client_ca))
    context.load_cert_chain(papers.files.certificate, papers.files.key)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
    while True:
        await heard(reader)
        await say(writer, OK)


@on_both_loops
async def test_a_backend_that_asks_for_a_certificate_gets_it(tmp_path: Path) -> None:
    papers = an_authority(tmp_path)
    async with serving(_answers, _server(papers)) as port:
        url = f"https://127.0.0.1:{port}"
        async with HttpBackend("b", url, tls=papers.client("gate")) as backend:
            assert [await answer(backend), await answer(backend)] == [b"hi", b"hi"]
        async with HttpBackend("b", url, tls=papers.context(None)) as nobody:
            with pytest.raises(BackendUnavailable):
                await answer(nobody)


@on_both_loops
async def test_a_certificate_of_another_authority_or_for_another_host_is_not_accepted(tmp_path: Path) -> None:
    papers, others = an_authority(tmp_path / "ours"), an_authority(tmp_path / "theirs")
    for host, tls in (("127.0.0.1", None), ("127.0.0.1", others.context(None)), ("127.0.0.2", papers.client("gate"))):
        async with (
            serving(_answers, _server(papers), host) as port,
            HttpBackend("b", f"https://{host}:{port}", tls=tls) as backend,
        ):
            with pytest.raises(BackendUnavailable, match="TLS") as caught:
                await answer(backend)
            assert not isinstance(caught.value, Refused)


@on_both_loops
async def test_a_reply_that_is_none_is_nonsense_over_tls_too(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await heard(reader)
        await say(writer, b"hello\r\n")

    papers = an_authority(tmp_path)
    async with (
        serving(talk, _server(papers)) as port,
        HttpBackend("b", f"https://localhost:{port}", tls=papers.client("gate")) as backend,
    ):
        with pytest.raises(BackendNonsense):
            await answer(backend)
