"""Real sockets and real TLS on loopback, for tests: a listener with its own authority, and clients that may misbehave."""

from __future__ import annotations

import asyncio
import inspect
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiohttp.web import BaseRequest, Response, StreamResponse

from gateway.core.verdict import Refuse
from gateway.http import listener, tls
from gateway.http.body import BodyTooSlow
from gateway.http.house import Handler, Notice
from gateway.http.listener import Address, Listening
from gateway.pki import store
from gateway.pki.certificates import Issued
from gateway.settings.outside import Limits

NOW = datetime.now(UTC)
PATIENCE_SECONDS = 10.0  # a test that hangs fails: every deadline in these tests is far below


def on_both_loops(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test on asyncio's loop, which tests and tools use, and on uvloop, which serves."""

    async def limited(**named: Any) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await test(**named)

    def run(new_loop: Callable[[], asyncio.AbstractEventLoop], **named: Any) -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(limited(**named))

    signature = inspect.signature(test)
    loop = inspect.Parameter("new_loop", inspect.Parameter.KEYWORD_ONLY)
    run.__signature__ = signature.replace(parameters=[*signature.parameters.values(), loop])  # type: ignore[attr-defined]
    run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
    run.pytestmark = list(getattr(test, "pytestmark", ()))  # type: ignore[attr-defined]
    both = [asyncio.new_event_loop, uvloop.new_event_loop]
    return pytest.mark.parametrize("new_loop", both, ids=["asyncio", "uvloop"])(run)


@dataclass(frozen=True)
class Papers:
    """An authority in a directory, and clients' certificates beside it."""

    directory: Path

    @property
    def files(self) -> tls.Files:
        place = self.directory
        return tls.Files(place / "server.pem", place / "server.key", place / "ca.pem", place / "crl.pem")

    def client(self, name: str) -> ssl.SSLContext:
        """A client's context with a certificate of `name`, issued on first use."""
        if not (self.directory / f"{name}.pem").exists():
            self.save(name, store.issue_client(self.directory, name, "demo", (), NOW))
        return self.context(name)

    def save(self, name: str, issued: Issued) -> None:
        (self.directory / f"{name}.pem").write_bytes(issued.certificate_pem + issued.key_pem)

    def context(self, name: str | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.directory / "ca.pem"))
        if name is not None:
            context.load_cert_chain(self.directory / f"{name}.pem")
        return context


def an_authority(directory: Path) -> Papers:
    store.found(directory, "test authority", ("localhost", "127.0.0.1"), NOW)
    return Papers(directory)


@dataclass
class Seen:
    """What a listener under test told: notices, and the refusals it asked for."""

    notices: Counter[Notice] = field(default_factory=Counter)
    refusals: list[Refuse] = field(default_factory=list)

    def notice(self, notice: Notice) -> None:
        self.notices[notice] += 1

    async def refuse(self, request: BaseRequest, refusal: Refuse) -> StreamResponse:
        self.refusals.append(refusal)
        return Response(status=400, text=refusal.code)


async def echo(request: BaseRequest) -> StreamResponse:
    """Says how much body came, or that it came too slowly."""
    try:
        body = await request.read()
    except BodyTooSlow:
        response = Response(status=408, text="too slow")
        response.force_close()
        return response
    return Response(text=f"{len(body)} bytes")


@asynccontextmanager
async def listening(
    papers: Papers, handler: Handler = echo, limits: Limits | None = None, seen: Seen | None = None
) -> AsyncIterator[Listening]:
    seen = seen or Seen()
    at = await listener.start(
        handler,
        partial(tls.read, papers.files),
        limits or Limits(),
        Address("127.0.0.1", 0),
        refuse=seen.refuse,
        notice=seen.notice,
    )
    try:
        yield at
    finally:
        await at.close()


@dataclass
class Client:
    """A connection that sends any bytes at all."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> tuple[int, bytes]:
        """Status and body of one reply with a Content-Length."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return int(head.split(b" ")[1]), await self.reader.readexactly(length)

    async def get(self, path: str = "/") -> tuple[int, bytes]:
        await self.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return await self.reply()

    async def is_closed(self) -> bool:
        """Wait for the other side to end the connection; what it still sends is read and dropped."""
        try:
            while await self.reader.read(65536):
                pass
        except (ConnectionError, ssl.SSLError):
            pass
        return True


@asynccontextmanager
async def connected(port: int, context: ssl.SSLContext) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


async def is_turned_away(port: int, context: ssl.SSLContext) -> bool:
    """Whether a client gets no reply. In TLS 1.3 it learns of its rejection only when it first reads."""
    try:
        async with connected(port, context) as client:
            await client.get()
    except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
        return True
    return False
