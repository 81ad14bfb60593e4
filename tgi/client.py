"""One backend over HTTP: the core's `Backend`. The only client-side aiohttp towards a model.

Sends headers from its own short list and follows nothing: no redirects, no cookies, no proxies of the environment, no
compression. aiohttp's errors become `BackendError`s here. Whether to ask again is `tgi.pool`'s decision.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from yarl import URL

from gateway.core.errors import BackendNonsense, BackendTooSlow, BackendUnavailable
from gateway.core.ports import BackendReply, BackendRequest

USER_AGENT = "hangu"
READ_BUFFER_BYTES = 256 * 1024  # aiohttp reads ahead twice this; the largest event TGI sends fits without stalling
MAX_CONNECTIONS = 512  # four times TGI's own limit on concurrent requests: the model refuses before the pool does
KEEP_ALIVE_S = 30.0  # below the idle timeouts of common servers, so that a kept connection is rarely a dead one


class Refused(BackendUnavailable):
    """Nobody took the request: the connection was refused, or broke before it was sent."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. Each has its own clock: a model may think long before its first byte, and then must not fall silent."""

    connect: float = 5.0  # the backend is on the same network
    first_byte: float = 120.0  # a long prompt in a long queue
    idle: float = 60.0  # TGI sends a comment every 15 s of silence


@dataclass(frozen=True, slots=True)
class HttpBackend:
    """Implements `ports.Backend`. `key` is the backend's own bearer key; `tls` its context, None for plain HTTP."""

    name: str
    url: str
    session: ClientSession
    timeouts: Timeouts = Timeouts()
    key: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None

    @asynccontextmanager
    async def ask(self, request: BackendRequest) -> AsyncIterator[BackendReply]:
        """Send the request. Leaving the context closes a connection whose reply is not yet read to its end."""
        response = await self._send(request)
        try:
            yield _Reply(response, self.timeouts.idle)
        finally:
            _leave(response)

    async def _send(self, request: BackendRequest) -> ClientResponse:
        try:
            async with asyncio.timeout(self.timeouts.connect + self.timeouts.first_byte):
                response = await self.session.request(
                    request.method,
                    URL(self.url.rstrip("/") + request.path, encoded=True),
                    data=request.body or None,
                    headers=self._headers(request),
                    timeout=ClientTimeout(total=None, sock_connect=self.timeouts.connect),
                    allow_redirects=False,
                    ssl=self.tls if self.tls is not None else True,
                )
        except TimeoutError as error:
            raise BackendTooSlow("no answer in time", self.name) from error
        except aiohttp.ClientSSLError as error:
            raise BackendUnavailable(
                "no TLS that we accept", self.name, "do its certificate and our ca agree?"
            ) from error
        except (aiohttp.ClientConnectorError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            raise Refused("no connection", self.name, "is the backend running?") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise BackendNonsense("no HTTP reply", self.name) from error
        return self._plain(response)

    def _plain(self, response: ClientResponse) -> ClientResponse:
        """A reply we can read: not elsewhere, not compressed; raises `BackendNonsense`."""
        coding = response.headers.get("content-encoding", "identity")
        if coding.lower() != "identity" or 300 <= response.status < 400:
            response.close()
            raise BackendNonsense("a redirect or a compressed reply", self.name)
        return response

    def _headers(self, request: BackendRequest) -> Mapping[str, str]:
        headers = {
            "user-agent": USER_AGENT,
            "accept": "text/event-stream" if request.streaming else "application/json",
            "accept-encoding": "identity",
        }
        if request.body:
            headers["content-type"] = "application/json"
        if self.key is not None:
            headers["authorization"] = f"Bearer {self.key}"
        return headers


class _Reply:
    """A reply under way. One timer watches all its reads: a timeout for each would cost more than reading."""

    __slots__ = ("_idle", "_loop", "_response", "_timer", "_waiting_since")

    def __init__(self, response: ClientResponse, idle: float) -> None:
        self._response = response
        self._idle = idle
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._waiting_since: float | None = None  # None while the reader is busy elsewhere: that is no silence

    @property
    def status(self) -> int:
        return self._response.status

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes; raises `BackendError` when it breaks off or falls silent for too long."""
        self._timer = self._loop.call_later(self._idle, self._check)
        try:
            while data := await self._next():
                yield data
        finally:
            self._timer.cancel()

    async def _next(self) -> bytes:
        self._waiting_since = self._loop.time()
        try:
            data: bytes = await self._response.content.readany()
        except TimeoutError as error:
            raise BackendTooSlow("it fell silent", "reply") from error
        except (aiohttp.ClientError, OSError) as error:
            raise BackendUnavailable("the reply broke off", "reply") from error
        self._waiting_since = None
        return data

    def _check(self) -> None:
        """Ends a wait that has lasted too long; else looks again when it would have."""
        now = self._loop.time()
        left = (now if self._waiting_since is None else self._waiting_since) + self._idle - now
        if left <= 0:
            self._response.content.set_exception(TimeoutError())
        else:
            self._timer = self._loop.call_later(left, self._check)


def _leave(response: ClientResponse) -> None:
    """TGI frees the seat of a request only when its connection closes; a reply read to its end keeps it for the next."""
    if response.content.at_eof():
        response.release()
    else:
        response.close()


def open_session() -> ClientSession:
    """A session for backends: call it inside the event loop, and close it when done."""
    return ClientSession(
        connector=TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=KEEP_ALIVE_S),
        cookie_jar=DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        read_bufsize=READ_BUFFER_BYTES,
    )
