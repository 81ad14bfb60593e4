"""The client against servers that are slow, rude or gone: an answer or a named failure, and the line closed at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from gateway.core.errors import BackendError, BackendNonsense, BackendTooSlow, BackendUnavailable
from gateway.core.ports import BackendRequest
from gateway.core.verdict import Code
from tgi.client import HttpBackend
from tgi.pool import Health, State, Watched, after
from tgi.reply import Bounds, Patience, Refused

ASK = BackendRequest("POST", "/generate", b'{"inputs":"a"}')
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Listen = Callable[[Talk], Awaitable[str]]


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """`await listen(talk)` is the URL of a server that treats each connection so."""
    async with AsyncExitStack() as stack:

        async def start(talk: Talk) -> str:
            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                try:
                    await talk(reader, writer)
                except (ConnectionError, asyncio.IncompleteReadError):
                    pass
                finally:
                    writer.close()

            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            stack.callback(server.close)
            return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

        yield start


@asynccontextmanager
async def backend(url: str, **options: object) -> AsyncIterator[HttpBackend]:
    async with HttpBackend("b", url, **options) as one:  # type: ignore[arg-type]
        yield one


async def heard(reader: asyncio.StreamReader) -> bytes:
    """One request, head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.split(b":")[1]))
    return head


async def answer(backend: HttpBackend | Watched, request: BackendRequest = ASK) -> tuple[int, bytes]:
    async with backend.ask(request) as reply:
        return reply.status, b"".join([data async for data in reply.chunks()])


async def test_the_request_carries_our_headers_and_no_others(listen: Listen) -> None:
    requests: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await heard(reader))
        writer.write(OK)
        await writer.drain()

    async with backend(await listen(talk), key="sesame") as client:
        assert await answer(client) == (200, b"hi")
    head, body = requests[0].split(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "post /generate http/1.1"
    assert sorted(line.split(":")[0] for line in lines[1:]) == [
        "accept",
        "accept-encoding",
        "authorization",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    ]
    assert "authorization: bearer sesame" in lines
    assert "accept-encoding: identity" in lines
    assert body == ASK.body


async def test_the_key_is_not_shown() -> None:
    assert "sesame" not in repr(HttpBackend("b", "http://127.0.0.1:1", key="sesame"))


async def test_cookies_are_not_kept(listen: Listen) -> None:
    requests: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            requests.append(await heard(reader))
            writer.write(OK.replace(b"\r\n\r\n", b"\r\nset-cookie: a=b\r\n\r\n"))
            await writer.drain()

    async with backend((await listen(talk)).replace("127.0.0.1", "localhost")) as client:
        for _ in range(2):
            assert await answer(client) == (200, b"hi")
    assert b"cookie" not in requests[1].lower()


async def test_proxies_and_redirects_are_not_followed(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    requests: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await heard(reader))
        writer.write(b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\nconnection: close\r\n\r\n")
        await writer.drain()

    async with backend(await listen(talk)) as client:
        for _ in range(2):
            with pytest.raises(BackendNonsense):
                await answer(client)
    assert len(requests) == 2


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"", Refused),
        (b"SSH-2.0-OpenSSH\r\n", BackendNonsense),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nhi", BackendNonsense),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi", BackendUnavailable),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n", BackendUnavailable),
    ],
)
async def test_a_reply_that_is_none_or_breaks_off_is_a_named_failure(
    listen: Listen, said: bytes, error: type[BackendError]
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(said)
        await writer.drain()

    async with backend(await listen(talk)) as client:
        with pytest.raises(error):
            await answer(client)


async def test_nobody_at_the_door_is_unavailable() -> None:
    async with backend("http://127.0.0.1:9") as client:
        with pytest.raises(Refused) as caught:
            await answer(client)
    assert caught.value.code is Code.BACKEND_UNAVAILABLE


async def test_a_line_that_speaks_no_tls_is_unavailable_and_not_tried_again(listen: Listen) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()

    url = await listen(talk)
    async with backend(url.replace("http:", "https:")) as client:
        with pytest.raises(BackendUnavailable) as caught:
            await answer(client)
    assert not isinstance(caught.value, Refused)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi"])
async def test_a_backend_that_falls_silent_is_too_slow(listen: Listen, said: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(said)
        await writer.drain()
        await reader.read()  # until the client leaves

    short = Bounds(Patience(first_byte=0.05, idle=0.05))
    async with backend(await listen(talk), bounds=short) as client:
        with pytest.raises(BackendTooSlow) as caught:
            await answer(client)
    assert caught.value.code is Code.BACKEND_TIMEOUT


async def test_leaving_early_closes_the_line_to_the_model_at_once(listen: Listen) -> None:
    left = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n")
        await writer.drain()
        if await reader.read() == b"":
            left.set()

    async with backend(await listen(talk)) as client:
        async with client.ask(ASK) as reply:
            assert await anext(aiter(reply.chunks())) == b"hi"
        await asyncio.wait_for(left.wait(), 2)


async def test_a_reply_read_to_its_end_leaves_the_line_for_the_next(listen: Listen) -> None:
    lines = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal lines
        lines += 1
        while True:
            await heard(reader)
            writer.write(OK)
            await writer.drain()

    async with backend(await listen(talk)) as client:
        for _ in range(3):
            assert await answer(client) == (200, b"hi")
    assert lines == 1


async def test_a_slow_reader_is_no_silence_of_the_backends(listen: Listen) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhi")
        await writer.drain()
        await asyncio.sleep(0.15)
        writer.write(b"ho")
        await writer.drain()

    patient = Bounds(Patience(idle=0.1))
    async with backend(await listen(talk), bounds=patient) as client, client.ask(ASK) as reply:
        parts = []
        async for data in reply.chunks():
            parts.append(data)
            await asyncio.sleep(0.2)
    assert parts == [b"hi", b"ho"]


class Fails:
    """A backend that fails so many times and then answers."""

    name = "b"

    def __init__(self, *faults: BackendError) -> None:
        self.faults = list(faults)
        self.asked = 0

    @asynccontextmanager
    async def ask(self, request: BackendRequest) -> AsyncIterator[Fails]:
        self.asked += 1
        if self.faults:
            raise self.faults.pop(0)
        yield self

    status = 200

    async def chunks(self) -> AsyncIterator[bytes]:
        yield b"hi"


@pytest.mark.parametrize(
    ("faults", "repeatable", "asked", "answered"),
    [
        ([], True, 1, True),
        ([Refused("x")], True, 2, True),
        ([Refused("x"), Refused("x")], True, 2, False),
        ([Refused("x")], False, 1, False),
        ([BackendTooSlow("x")], True, 1, False),
        ([BackendUnavailable("x")], True, 1, False),
    ],
)
async def test_only_a_request_nobody_took_is_offered_once_more(
    faults: list[BackendError], repeatable: bool, asked: int, answered: bool
) -> None:
    fails = Fails(*faults)
    watched = Watched(fails, clock=lambda: 0.0)
    request = BackendRequest("POST", "/generate", b"{}", repeatable=repeatable)
    if answered:
        async with watched.ask(request) as reply:
            assert [data async for data in reply.chunks()] == [b"hi"]
    else:
        with pytest.raises(BackendError):
            async with watched.ask(request):
                pass
    assert fails.asked == asked


async def test_a_failure_after_the_first_byte_is_never_repeated() -> None:
    fails = Fails()
    with pytest.raises(Refused):
        async with Watched(fails, clock=lambda: 0.0).ask(ASK):
            raise Refused("later")
    assert fails.asked == 1


def test_health_goes_down_after_two_lost_probes_and_up_after_one_good() -> None:
    health = Health()
    seen = []
    for now, fault in enumerate(["", "", "lost", "", "lost", "lost", "lost", ""]):
        health = after(health, fault, float(now))
        seen.append((health.state.value, health.since))
    assert seen == [
        *(("up", 0.0), ("up", 0.0), ("up", 0.0), ("up", 0.0), ("up", 0.0)),
        *(("down", 5.0), ("down", 5.0), ("up", 7.0)),
    ]


async def test_a_backend_known_to_be_down_is_not_asked_until_a_probe_succeeds() -> None:
    fails = Fails(BackendUnavailable("gone"), BackendUnavailable("gone"))
    watched = Watched(fails, clock=lambda: 1.0)
    for _ in range(2):
        await watched.probe()
    assert watched.health == Health(State.DOWN, 1.0, 2, "gone")
    with pytest.raises(BackendUnavailable, match="health"):
        async with watched.ask(ASK):
            pass
    assert fails.asked == 2
    await watched.probe()
    async with watched.ask(ASK) as reply:
        assert reply.status == 200


async def test_watching_probes_until_it_is_cancelled() -> None:
    fails = Fails(BackendUnavailable("gone"))
    watched = Watched(fails, clock=lambda: 1.0)
    task = asyncio.ensure_future(watched.watch(interval=0.001))
    while watched.health.state is not State.UP:
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert fails.asked >= 2


async def test_a_probe_that_is_answered_with_anything_but_200_has_failed(listen: Listen) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()

    async with backend(await listen(talk)) as client:
        health = await Watched(client, clock=lambda: 0.0).probe()
    assert (health.state, health.fault) == (State.UNKNOWN, "status 503")


async def test_a_probe_that_takes_too_long_has_failed(listen: Listen) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        await reader.read()

    async with backend(await listen(talk)) as client:
        health = await Watched(client, clock=lambda: 0.0, probe_seconds=0.05).probe()
    assert health.fault == "no answer in 0.05 s"
