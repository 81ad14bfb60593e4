"""One backend over HTTP: the core's `Backend`. The only client-side aiohttp towards a model.

Sends headers from its own short list and follows nothing: no redirects, no cookies, no proxies of the environment, no
compression. aiohttp's errors become `BackendError`s here. Whether to ask again is `tgi.pool`'s decision.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
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
    _urls: dict[str, URL] = field(init=False, repr=False, default_factory=dict)  # of the wire's own paths: a few
    _client_timeout: ClientTimeout = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_client_timeout", ClientTimeout(total=None, sock_connect=self.timeouts.connect))

    def ask(self, request: BackendRequest) -> AbstractAsyncContextManager[BackendReply]:
        """Send the request. Leaving the context closes a connection whose reply is not yet read to its end."""
        return _Asking(self, request)

    async def _send(self, request: BackendRequest) -> ClientResponse:
        try:
            async with asyncio.timeout(self.timeouts.connect + self.timeouts.first_byte):
                response = await self.session.request(
                    request.method,
                    self._urls.get(request.path) or self._url(request.path),
                    data=request.body or None,
                    headers=self._headers(request),
                    timeout=self._client_timeout,
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

    def _url(self, path: str) -> URL:
        url = self._urls[path] = URL(self.url.rstrip("/") + path, encoded=True)
        return url

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


class _Asking:
    """One ask, as a context. A class rather than a generator: that costs three times as much, and every request has one."""

    __slots__ = ("_backend", "_reply", "_request")

    def __init__(self, backend: HttpBackend, request: BackendRequest) -> None:
        self._backend, self._request = backend, request

    async def __aenter__(self) -> BackendReply:
        self._reply = _Reply(await self._backend._send(self._request), self._backend.timeouts.idle)
        return self._reply

    async def __aexit__(self, *error: object) -> None:
        self._reply.leave()


class _Silence(Exception):
    """Put into a reply's stream when nothing has come for too long."""


class _Reply:
    """A reply under way. One timer for the whole reply looks when the wait for its next bytes began."""

    __slots__ = ("_idle", "_loop", "_response", "_timer", "_waiting_since", "status")

    def __init__(self, response: ClientResponse, idle: float) -> None:
        self._response, self._idle = response, idle
        self.status = response.status
        self._loop = asyncio.get_running_loop()
        self._waiting_since: float | None = None  # while we wait for the backend, and not it for us
        self._timer = self._loop.call_later(idle, self._look)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes; raises `BackendError` when it breaks off or falls silent for too long."""
        content, now = self._response.content, self._loop.time
        while True:
            self._waiting_since = now()
            try:
                data = await content.readany()
            except _Silence as error:
                raise BackendTooSlow("it fell silent", "reply") from error
            except (aiohttp.ClientError, OSError) as error:
                raise BackendUnavailable("the reply broke off", "reply") from error
            self._waiting_since = None
            if not data:
                return
            yield data

    def _look(self) -> None:
        """Has it been silent for too long? Else look again when it may have been."""
        began = self._loop.time() if self._waiting_since is None else self._waiting_since
        if began + self._idle <= self._loop.time():
            self._response.content.set_exception(_Silence())
        else:
            self._timer = self._loop.call_at(began + self._idle, self._look)

    def leave(self) -> None:
        """TGI frees the seat of a request only when its connection closes; a reply read to its end keeps it for the next."""
        self._timer.cancel()
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


def open_session() -> ClientSession:
    """A session for backends: call it inside the event loop, and close it when done."""
    return ClientSession(
        connector=TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=KEEP_ALIVE_S),
        cookie_jar=DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        read_bufsize=READ_BUFFER_BYTES,
    )
