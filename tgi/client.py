"""One backend over HTTP: the core's `Backend`.

Writes its own heads, with a short list of headers, and follows nothing: no redirects, no cookies, no proxies of the
environment, no compression. Whether to ask again is `tgi.pool`'s decision; connections are `tgi.line`'s.
"""

from __future__ import annotations

import ssl
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

from yarl import URL

from gateway.core.errors import SettingsError
from gateway.core.ports import BackendReply, BackendRequest
from tgi.line import MAX_LINES, Line, Lines, Place
from tgi.reply import USUAL, Bounds

USER_AGENT = "hangu"


class HttpBackend:
    """Implements `ports.Backend`. `key` is the backend's own bearer key; `tls` its context, None for the system's authorities.

    Use it as a context, which closes its connections. Raises `SettingsError` when the key cannot be a header's value.
    """

    def __init__(
        self,
        name: str,
        url: str,
        bounds: Bounds = USUAL,
        key: str | None = None,
        tls: ssl.SSLContext | None = None,
        connections: int = MAX_LINES,
    ) -> None:
        at = URL(url)
        if at.scheme == "https" and tls is None:
            tls = ssl.create_default_context()
        place = Place(at.raw_host or "", at.port or 0, tls if at.scheme == "https" else None)
        self.name = name
        self._lines = Lines(place, bounds, connections)
        self._prefix = at.raw_path.rstrip("/")
        self._always = _always(at.host_port_subcomponent or "", key)
        self._heads: dict[tuple[str, str, bool], bytes] = {}  # of the wire's own paths: a few

    def ask(self, request: BackendRequest) -> AbstractAsyncContextManager[BackendReply]:
        """Send the request. Leaving the context closes a connection whose reply has not come to its end."""
        return _Asking(self._lines, self._written(request))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        self._lines.close()

    def _written(self, request: BackendRequest) -> bytes:
        kind = request.method, request.path, request.streaming
        head = self._heads.get(kind)
        if head is None:
            head = self._heads[kind] = self._head(request)
        if not request.body and request.method == "GET":
            return head + b"\r\n"
        return b"%bcontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
            head,
            len(request.body),
            request.body,
        )

    def _head(self, request: BackendRequest) -> bytes:
        accept = "text/event-stream" if request.streaming else "application/json"
        return f"{request.method} {self._prefix}{request.path} HTTP/1.1\r\n{self._always}accept: {accept}\r\n".encode(
            "ascii"
        )


class _Asking:
    """One ask, as a context. A class rather than a generator: that costs three times as much, and every request has one."""

    __slots__ = ("_line", "_lines", "_request")

    def __init__(self, lines: Lines, request: bytes) -> None:
        self._lines, self._request = lines, request

    async def __aenter__(self) -> BackendReply:
        self._line: Line
        self._line, reply = await self._lines.ask(self._request)
        return reply

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.leave()


def _always(host: str, key: str | None) -> str:
    """The headers of every request."""
    if key is not None and not (key.isascii() and key.isprintable()):
        raise SettingsError("the key is more than one line of printable ASCII", "[backend] api_key")
    authorization = f"authorization: Bearer {key}\r\n" if key is not None else ""
    return f"host: {host}\r\nuser-agent: {USER_AGENT}\r\naccept-encoding: identity\r\n{authorization}"
