"""The listener over real TLS: who gets in, what slow and greedy clients get, and how it stops."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp.web import BaseRequest, Response, StreamResponse

from gateway.core.errors import SettingsError
from gateway.core.exchange import Peer
from gateway.core.verdict import Code
from gateway.http import listener, tls
from gateway.http.body import invite_body
from gateway.http.door import peer_of
from gateway.http.house import Notice
from gateway.http.listener import Address
from gateway.settings.outside import Limits
from tests.http.sockets import Papers, Seen, an_authority, connected, echo, is_turned_away, listening, on_both_loops

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return an_authority(tmp_path_factory.mktemp("pki"))


@on_both_loops
async def test_a_handler_learns_who_is_at_the_other_end(papers: Papers) -> None:
    peers: list[Peer] = []

    async def handler(request: BaseRequest) -> StreamResponse:
        peers.append(peer_of(request))
        return Response()

    async with listening(papers, handler) as at, connected(at.port, papers.client("ana")) as client:
        assert await client.get() == (200, b"")
        assert await client.get() == (200, b"")
    certificate = peers[0].certificate
    assert certificate is not None
    assert certificate.uris == ("spiffe://hangu.local/client/ana",)
    assert (certificate.common_name, certificate.dns) == ("ana", ("ana.client.hangu.local",))
    assert peers[0].address == "127.0.0.1"
    assert peers[0] is peers[1]


@on_both_loops
async def test_a_client_that_stops_in_its_header_is_cut_off(papers: Papers) -> None:
    seen = Seen()
    limits = Limits(header_seconds=0.2)
    async with listening(papers, limits=limits, seen=seen) as at, connected(at.port, papers.client("ana")) as client:
        await client.send(HEAD)
        assert await client.is_closed()
    assert seen.notices == {Notice.HEADER_TIMEOUT: 1}


@on_both_loops
async def test_a_header_sent_byte_by_byte_gets_no_more_time(papers: Papers) -> None:
    seen = Seen()
    limits = Limits(header_seconds=0.3)
    async with listening(papers, limits=limits, seen=seen) as at, connected(at.port, papers.client("ana")) as client:
        with pytest.raises((ConnectionError, ssl.SSLError)):
            for byte in HEAD + b"X: " + b"y" * 8000:
                await client.send(bytes([byte]))
                await asyncio.sleep(0.02)
    assert seen.notices == {Notice.HEADER_TIMEOUT: 1}


@on_both_loops
async def test_a_body_that_does_not_arrive_is_answered_and_the_connection_ends(papers: Papers) -> None:
    seen = Seen()
    limits = Limits(body_seconds=0.2)
    async with listening(papers, limits=limits, seen=seen) as at, connected(at.port, papers.client("ana")) as client:
        await client.send(HEAD + b"Content-Length: 10\r\n\r\nabc")
        assert await client.reply() == (408, b"too slow")
        assert await client.is_closed()
    assert seen.notices[Notice.BODY_TIMEOUT] == 1


@on_both_loops
@pytest.mark.parametrize("rest", [b"1\r\n{}\r\n0\r\n\r\n", b"zz\r\n", b"2\r\n{}\n0\n\n"])
async def test_a_body_whose_framing_breaks_later_is_refused_and_nobody_waits(papers: Papers, rest: bytes) -> None:
    seen, ended = Seen(), asyncio.Event()

    async def reads(request: BaseRequest) -> StreamResponse:
        try:
            return Response(body=await request.read())
        finally:
            ended.set()

    async with listening(papers, reads, seen=seen) as at, connected(at.port, papers.client("ana")) as client:
        await client.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        await asyncio.sleep(0.05)
        await client.send(rest)
        assert await client.reply() == (400, b"request_malformed")
        assert await client.is_closed()
        await ended.wait()
    assert seen.refusals[0].code is Code.REQUEST_MALFORMED


@on_both_loops
async def test_a_handler_that_knows_nothing_of_slow_bodies_still_gets_them_refused(papers: Papers) -> None:
    async def reads(request: BaseRequest) -> StreamResponse:
        return Response(body=await request.read())

    seen = Seen()
    limits = Limits(body_seconds=0.1)
    async with listening(papers, reads, limits, seen) as at, connected(at.port, papers.client("ana")) as client:
        await client.send(HEAD + b"Content-Length: 10\r\n\r\nabc")
        assert await client.reply() == (400, b"request_timeout")
        assert await client.is_closed()
    assert [refusal.code for refusal in seen.refusals] == [Code.REQUEST_TIMEOUT]


@on_both_loops
async def test_a_handler_that_ignores_a_slow_body_does_not_keep_the_connection(papers: Papers) -> None:
    async def waits(request: BaseRequest) -> StreamResponse:
        await asyncio.sleep(60)
        return Response()

    limits = Limits(body_seconds=0.1)
    async with listening(papers, waits, limits) as at, connected(at.port, papers.client("ana")) as client:
        await client.send(HEAD + b"Content-Length: 10\r\n\r\nabc")
        assert await client.is_closed()


@on_both_loops
async def test_a_body_that_arrives_in_time_is_read_whole(papers: Papers) -> None:
    limits = Limits(body_seconds=5, header_seconds=0.2, idle_seconds=0.2)
    async with listening(papers, limits=limits) as at, connected(at.port, papers.client("ana")) as client:
        await client.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(4):
            await asyncio.sleep(0.15)
            await client.send(b"3\r\nabc\r\n")
        await client.send(b"0\r\n\r\n")
        assert await client.reply() == (200, b"12 bytes")


@on_both_loops
async def test_an_idle_connection_is_closed_and_a_used_one_stays(papers: Papers) -> None:
    seen = Seen()
    limits = Limits(idle_seconds=0.4)
    async with listening(papers, limits=limits, seen=seen) as at, connected(at.port, papers.client("ana")) as client:
        for _ in range(4):
            assert (await client.get())[0] == 200
            await asyncio.sleep(0.2)
        assert await client.is_closed()
    assert seen.notices == {}


@on_both_loops
async def test_an_answer_longer_than_every_deadline_is_not_cut(papers: Papers) -> None:
    async def streams(request: BaseRequest) -> StreamResponse:
        response = StreamResponse()
        await response.prepare(request)
        for _ in range(8):
            await asyncio.sleep(0.1)
            await response.write(b"x")
        return response

    limits = Limits(idle_seconds=0.2, header_seconds=0.2, body_seconds=0.2, write_seconds=0.2)
    async with listening(papers, streams, limits) as at, connected(at.port, papers.client("ana")) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reply = await client.reader.readuntil(b"0\r\n\r\n")
        assert reply.count(b"1\r\nx\r\n") == 8


@on_both_loops
async def test_a_client_that_does_not_read_its_answer_is_cut_off(papers: Papers) -> None:
    ended = asyncio.Event()

    async def floods(request: BaseRequest) -> StreamResponse:
        response = StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        finally:
            ended.set()

    seen = Seen()
    limits = Limits(write_seconds=0.3)
    async with listening(papers, floods, limits, seen) as at, connected(at.port, papers.client("ana")) as client:
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        await client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await ended.wait()
    assert seen.notices[Notice.WRITE_TIMEOUT] == 1


@on_both_loops
async def test_a_connection_that_never_speaks_tls_is_freed(papers: Papers) -> None:
    seen = Seen()
    async with listening(papers, limits=Limits(handshake_seconds=0.2), seen=seen) as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        assert await reader.read() == b""
        writer.close()
        await until(lambda: at.connections == 0)
    assert seen.notices == {Notice.HANDSHAKE_FAILED: 1}


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(connections=2), Notice.CONNECTIONS_FULL),
        (Limits(connections_per_address=2), Notice.ADDRESS_FULL),
        (Limits(connections_per_client=2), Notice.CLIENT_FULL),
    ],
)
@on_both_loops
async def test_a_connection_over_a_limit_is_closed_and_its_place_comes_back(
    papers: Papers, limits: Limits, expected: Notice
) -> None:
    seen = Seen()
    ana = papers.client("ana")
    async with listening(papers, limits=limits, seen=seen) as at:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(connected(at.port, ana)) for _ in range(2)]
            assert [await client.get() for client in clients] == [(200, b"0 bytes")] * 2
            assert await is_turned_away(at.port, ana)
            assert [await client.get() for client in clients] == [(200, b"0 bytes")] * 2
        assert seen.notices[expected] == 1
        await until(lambda: at.connections == 0)
        assert not await is_turned_away(at.port, ana)


@on_both_loops
async def test_one_client_at_its_limit_does_not_keep_another_out(papers: Papers) -> None:
    async with (
        listening(papers, limits=Limits(connections_per_client=1)) as at,
        connected(at.port, papers.client("ana")) as client,
    ):
        assert (await client.get())[0] == 200
        assert await is_turned_away(at.port, papers.client("ana"))
        assert not await is_turned_away(at.port, papers.client("bo"))


@on_both_loops
async def test_draining_finishes_what_is_under_way_and_takes_nothing_new(papers: Papers) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def waits(request: BaseRequest) -> StreamResponse:
        begun.set()
        await go_on.wait()
        return Response(text="done")

    async with (
        listening(papers, waits) as at,
        connected(at.port, papers.client("ana")) as busy,
        connected(at.port, papers.client("bo")) as idle,
    ):
        await busy.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await begun.wait()
        draining = asyncio.ensure_future(at.drain(5))
        assert await idle.is_closed()
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", at.port)
        go_on.set()
        assert await busy.reply() == (200, b"done")
        assert await busy.is_closed()
        assert await draining == 0


@on_both_loops
async def test_what_outlives_a_drain_is_told_to_stop_and_waited_for(papers: Papers) -> None:
    begun = asyncio.Event()
    recorded: list[str] = []

    async def waits(request: BaseRequest) -> StreamResponse:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.1)
            recorded.append("aborted")
            raise
        return Response()

    async with listening(papers, waits) as at, connected(at.port, papers.client("ana")) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await begun.wait()
        assert await at.drain(0.1) == 1
        assert recorded == ["aborted"]


@on_both_loops
async def test_a_handler_that_will_not_stop_does_not_keep_the_process(papers: Papers) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def clings(request: BaseRequest) -> StreamResponse:
        begun.set()
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                continue
        return Response()

    async with listening(papers, clings) as at, connected(at.port, papers.client("ana")) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await begun.wait()
        await at.close(0.1)
        assert await client.is_closed()
        go_on.set()


@on_both_loops
async def test_a_handler_is_cancelled_when_its_client_leaves(papers: Papers) -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def waits(request: BaseRequest) -> StreamResponse:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()
        return Response()

    async with listening(papers, waits) as at:
        async with connected(at.port, papers.client("ana")) as client:
            await client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await begun.wait()
        await stopped.wait()


@on_both_loops
async def test_bytes_that_are_no_http_are_refused_by_us_and_never_quoted(papers: Papers) -> None:
    seen = Seen()
    async with listening(papers, seen=seen) as at, connected(at.port, papers.client("ana")) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization : Bearer canary\r\n\r\n")
        assert await client.reply() == (400, b"request_malformed")
        assert await client.is_closed()
    assert [refusal.code for refusal in seen.refusals] == [Code.REQUEST_MALFORMED]
    assert "canary" not in seen.refusals[0].detail


@on_both_loops
async def test_a_client_that_waits_to_be_invited_is_invited(papers: Papers) -> None:
    async def invites(request: BaseRequest) -> StreamResponse:
        await invite_body(request)
        return await echo(request)

    async with listening(papers, invites) as at, connected(at.port, papers.client("ana")) as client:
        await client.send(HEAD + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(b"abc")
        assert await client.reply() == (200, b"3 bytes")


@on_both_loops
async def test_processes_may_share_a_port_and_only_then(papers: Papers) -> None:
    start = partial(listener.start, echo, partial(tls.read, papers.files), Limits())
    first = await start(Address("127.0.0.1", 0, shared=True))
    second = await start(Address("127.0.0.1", first.port, shared=True))
    assert first.port == second.port
    with pytest.raises(SettingsError, match="cannot listen"):
        await start(Address("127.0.0.1", first.port))
    await first.close()
    await second.close()


@on_both_loops
async def test_files_that_cannot_be_used_leave_no_socket_open(papers: Papers, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    files = tls.Files(tmp_path / "none", papers.files.key, papers.files.client_ca)
    with pytest.raises(SettingsError):
        await listener.start(echo, partial(tls.read, files), Limits(), Address("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_it_does_not_start_without_the_c_parser() -> None:
    code = "from gateway.http.listener import require_c_parser\nrequire_c_parser()"
    environment = {**os.environ, "AIOHTTP_NO_EXTENSIONS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "the C parser is missing" in done.stderr
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


OUT_OF_DESCRIPTORS = """
import asyncio, resource, sys
from functools import partial
from pathlib import Path
from gateway.http import listener, tls
from gateway.settings.outside import Limits
from tests.http.sockets import Papers, echo

async def main():
    trust = partial(tls.read, Papers(Path(sys.argv[1])).files)
    notice = partial(print, flush=True)
    at = await listener.start(echo, trust, Limits(), listener.Address("127.0.0.1", 0), notice=notice)
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    print(at.port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await at.close()

asyncio.run(main())
"""


def test_a_process_out_of_descriptors_answers_again_once_it_has_some(papers: Papers) -> None:
    words = [sys.executable, "-c", OUT_OF_DESCRIPTORS, str(papers.directory)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline())
        crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(60)]
        assert server.stdout.readline() == f"{Notice.NO_DESCRIPTORS}\n"
        for one in crowd:
            one.close()
        with (
            socket.create_connection(("127.0.0.1", port), timeout=8) as plain,
            papers.client("ana").wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            secured.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert secured.recv(17).startswith(b"HTTP/1.1 200")
        server.stdin.close()
        server.stdout.read()
        assert server.wait() == 0


async def until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0.01)
