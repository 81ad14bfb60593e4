"""What the listener costs over bare aiohttp, and how long slow clients keep a connection under the default limits.

    python -m benchmarks.listener

CPU per request is of one process that holds client and server, each kind in the same run: read the ratios. The slow
clients are `EACH` of every kind at once, on loopback; once they are connected, one honest client asks ten times a second.
"""

from __future__ import annotations

import asyncio
import json
import platform
import ssl
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import uvloop
from aiohttp import web

from gateway.http import listener, tls
from gateway.http.listener import Address
from gateway.http.strict import Strictness, check, head_of, hosts
from gateway.settings.outside import Limits
from tests.http.sockets import Client, Papers, an_authority, connected, echo

RESULT = Path(__file__).parent / "results" / "listener.json"
REQUESTS = 2000
ROUNDS = 5
EACH = 80
SETTLE_SECONDS = 5.0  # until every slow client has connected: hundreds of handshakes at once are another question
BODY = b"x" * 1024
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
REQUEST = HEAD + b"Authorization: Bearer " + b"t" * 400 + b"\r\nAccept: */*\r\nContent-Length: 1024\r\n\r\n" + BODY
STRICT = Strictness(hosts(("localhost",), 8443))


async def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        papers = an_authority(Path(place) / "pki")
        papers.client("ana")
        figures: dict[str, object] = {
            "cpu_us_per_request": await cost(papers),
            "slow_clients": await slow(papers),
            "taken": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": {"python": platform.python_version(), "machine": platform.machine(), "tls": ssl.OPENSSL_VERSION},
            "how": f"best of {ROUNDS} rounds of {REQUESTS} requests of 1 KB, mTLS, uvloop, client included; "
            f"{EACH} slow clients of each kind at once, default limits but for the caps on connections",
        }
    RESULT.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    print(json.dumps(figures, indent=2))


async def cost(papers: Papers) -> dict[str, float]:
    """CPU microseconds per request: aiohttp alone, with our deadlines and caps, and with the strict check too."""

    async def strict(request: web.BaseRequest) -> web.StreamResponse:
        if check(head_of(request), STRICT) is not None:
            raise AssertionError
        return await echo(request)

    trust = partial(tls.read, papers.files)
    bare = await asyncio.get_running_loop().create_server(
        web.Server(echo, access_log=None), "127.0.0.1", 0, ssl=trust().context
    )
    ours = [await listener.start(handler, trust, Limits(), Address("127.0.0.1", 0)) for handler in (echo, strict)]
    ports = {
        "bare_aiohttp": bare.sockets[0].getsockname()[1],
        "listener": ours[0].port,
        "listener_strict": ours[1].port,
    }
    best = dict.fromkeys(ports, float("inf"))
    for _ in range(ROUNDS):
        for name, port in ports.items():
            best[name] = min(best[name], await _round(papers, port))
    bare.close()
    for one in ours:
        await one.close()
    return {name: round(value, 1) for name, value in best.items()}


async def _round(papers: Papers, port: int) -> float:
    async with connected(port, papers.context("ana")) as client:
        began = time.process_time()
        for _ in range(REQUESTS):
            await client.send(REQUEST)
            await client.reply()
        return (time.process_time() - began) / REQUESTS * 1e6


async def slow(papers: Papers) -> dict[str, object]:
    """Seconds until the last of each kind of slow client has lost its connection, and what an honest one felt."""
    caps = Limits(connections_per_client=10_000, connections_per_address=10_000)
    at = await listener.start(_floods_or_echoes, partial(tls.read, papers.files), caps, Address("127.0.0.1", 0))
    acts: dict[str, Callable[[Client], Awaitable[None]]] = {
        "idle": partial(_sends, b""),
        "half_header": partial(_sends, HEAD),
        "dripping_header": partial(_drips, HEAD),
        "half_body": partial(_sends, HEAD + b"Content-Length: 1000\r\n\r\nabc"),
        "dripping_body": partial(_drips, HEAD + b"Content-Length: 1000\r\n\r\n"),
        "reads_nothing": _reads_nothing,
    }
    ends: list[float] = []
    async with asyncio.TaskGroup() as tasks:
        honest = tasks.create_task(_honest(papers, at.port, ends))
        held = {
            name: [tasks.create_task(_held(papers, at.port, act)) for _ in range(EACH)] for name, act in acts.items()
        }
        held["no_handshake"] = [tasks.create_task(_held_before_tls(at.port)) for _ in range(EACH)]
        seconds = {name: round(max(await asyncio.gather(*each)), 1) for name, each in held.items()}
        ends.append(time.monotonic())
    times = honest.result()
    left = at.connections
    await at.close()
    return {
        "seconds_until_closed": seconds,
        "honest_ms": {"p50": _ms(statistics.median(times)), "max": _ms(max(times)), "requests": len(times)},
        "connections_left": left,
    }


async def _floods_or_echoes(request: web.BaseRequest) -> web.StreamResponse:
    if request.method != "GET":
        return await echo(request)
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 65_536)


async def _held(papers: Papers, port: int, act: Callable[[Client], Awaitable[None]]) -> float:
    async with connected(port, papers.context("ana")) as client:
        began = time.monotonic()
        with suppress(ConnectionError, ssl.SSLError):
            await act(client)
        return time.monotonic() - began


async def _held_before_tls(port: int) -> float:
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.read()
    writer.close()
    return time.monotonic() - began


async def _sends(data: bytes, client: Client) -> None:
    await client.send(data)
    await client.is_closed()


async def _drips(data: bytes, client: Client) -> None:
    await client.send(data)
    while not client.reader.at_eof():
        await client.send(b"x")
        await asyncio.sleep(0.5)


async def _reads_nothing(client: Client) -> None:
    await client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    transport = client.writer.transport
    transport.pause_reading()  # type: ignore[attr-defined]
    while not transport.is_closing():
        await asyncio.sleep(0.5)
        transport.write(b"x")  # the only way to hear of a reset without reading


async def _honest(papers: Papers, port: int, ends: list[float]) -> list[float]:
    times = []
    await asyncio.sleep(SETTLE_SECONDS)
    async with connected(port, papers.context("ana")) as client:
        while not ends:
            began = time.monotonic()
            await client.send(REQUEST)
            await client.reply()
            times.append(time.monotonic() - began)
            await asyncio.sleep(0.1)
    return times


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


if __name__ == "__main__":
    uvloop.run(main())
