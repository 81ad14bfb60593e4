"""Connections to one server: made when needed, kept for the next request, closed when a reply is left early.

Knows sockets and seconds; what the bytes mean is `tgi.reply`'s. A request is one write, and is never sent twice from here.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from gateway.core.errors import BackendOverloaded, BackendTooSlow, BackendUnavailable
from tgi.reply import Bounds, Refused, Reply

KEEP_ALIVE_S = 30.0  # below the idle timeouts of common servers, so that a kept connection is rarely a dead one
SWEEP_S = 0.5  # how exactly timeouts are kept; shorter ones are looked at four times each
MAX_LINES = 1024  # eight times TGI's own limit on concurrent requests: the model refuses before we do


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server listens. `tls` is the context for it, None for plain HTTP."""

    host: str
    port: int
    tls: ssl.SSLContext | None = field(default=None, repr=False)


class Lines:
    """The connections to one place; at most `most`. One sweep looks at all their deadlines, so that a request costs no timer."""

    def __init__(self, place: Place, bounds: Bounds, most: int) -> None:
        self._place, self._bounds, self._most = place, bounds, most
        self._free: list[Line] = []  # the latest used last
        self._all: set[Line] = set()
        self._opening = 0
        self._sweeper: asyncio.TimerHandle | None = None

    async def ask(self, request: bytes) -> tuple[Line, Reply]:
        """Send a request as it is, and wait for the head of its reply. Leave the line afterwards. Raises `BackendError`."""
        line = self._kept() or await self._opened()
        reply = line.send(request, self._bounds)
        try:
            await reply.head()
        except BaseException:
            line.leave()
            raise
        return line, reply

    def close(self) -> None:
        """Close every connection, whatever is under way on it."""
        for line in tuple(self._all):
            line.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    def _kept(self) -> Line | None:
        while self._free:
            line = self._free.pop()
            if line.is_open:
                return line
        return None

    async def _opened(self) -> Line:
        if len(self._all) + self._opening >= self._most:
            raise BackendOverloaded(
                f"all {self._most} connections are in use", self._place.host, "see [backend] connections"
            )
        self._opening += 1
        try:
            return await self._connect()
        except TimeoutError as error:
            raise BackendTooSlow("no connection in time", self._place.host) from error
        except ssl.SSLError as error:
            hint = "do its certificate and our ca agree?"
            raise BackendUnavailable("no TLS that we accept", self._place.host, hint) from error
        except OSError as error:
            raise Refused("no connection", self._place.host, "is the backend running?") from error
        finally:
            self._opening -= 1

    async def _connect(self) -> Line:
        place, loop = self._place, asyncio.get_running_loop()
        async with asyncio.timeout(self._bounds.patience.connect):
            _, line = await loop.create_connection(partial(Line, self, loop), place.host, place.port, ssl=place.tls)
        if self._sweeper is None:
            self._sweep()
        return line

    # told by the lines

    def made(self, line: Line) -> None:
        self._all.add(line)

    def rest(self, line: Line) -> None:
        self._free.append(line)

    def lost(self, line: Line) -> None:
        self._all.discard(line)
        if line in self._free:
            self._free.remove(line)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for line in tuple(self._all):
            line.look(now)
        patience = self._bounds.patience
        period = min(SWEEP_S, patience.first_byte / 4, patience.idle / 4, patience.total / 4)
        self._sweeper = loop.call_later(period, self._sweep) if self._all else None


class Line(asyncio.Protocol):
    """One connection, which carries one request at a time."""

    def __init__(self, lines: Lines, loop: asyncio.AbstractEventLoop) -> None:
        self._lines, self._loop = lines, loop
        self._reply: Reply | None = None
        self._rests_since = loop.time()

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    def send(self, request: bytes, bounds: Bounds) -> Reply:
        """Begin a request; nothing else may be under way."""
        reply = self._reply = Reply(self._transport, self._loop, bounds)
        if self._transport.is_closing():
            reply.ended(None)
        else:
            self._transport.write(request)
        return reply

    def leave(self) -> None:
        """The reply is done with. TGI frees the seat of a request only when its connection closes: at once, if any of it is still to come."""
        reply, self._reply = self._reply, None
        if reply is None:
            return
        if reply.whole and reply.keeps and self._transport.get_write_buffer_size() == 0 and self.is_open:
            self._rests_since = self._loop.time()
            self._lines.rest(self)
        else:
            reply.fail(BackendUnavailable("nobody reads this reply any more", "reply"))
            self._transport.abort()

    def abort(self) -> None:
        self._transport.abort()

    def look(self, now: float) -> None:
        """Act on what is overdue."""
        if self._reply is None:
            if now - self._rests_since >= KEEP_ALIVE_S:
                self._transport.close()
        elif not self._reply.look(now):
            self._transport.abort()

    # told by the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._lines.made(self)

    def data_received(self, data: bytes) -> None:
        if self._reply is None or not self._reply.feed(data):
            self._transport.abort()  # it spoke unasked, or not as it should

    def connection_lost(self, error: Exception | None) -> None:
        if self._reply is not None:
            self._reply.ended(error)
        self._lines.lost(self)
