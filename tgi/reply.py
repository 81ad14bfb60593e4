"""One reply as it comes: bytes → its status and its body. Has no socket: `tgi.line` feeds it and keeps its time.

Parsed by llhttp in its strict mode, with a parser for each reply, so that nothing of one can be left in the next. Law: what
a reply within its bounds says depends on its joined bytes alone, never on how they were cut.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future
from collections.abc import AsyncIterator
from dataclasses import dataclass
from math import inf
from typing import Protocol

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from gateway.core.errors import BackendError, BackendNonsense, BackendTooSlow, BackendUnavailable

READ_AHEAD_BYTES = 512 * 1024  # the largest event TGI sends fits without stalling
MAX_BARREN_BYTES = 64 * 1024  # that bring no body: a head, or framing; TGI's head has 600, and a chunk's line 10


class Refused(BackendUnavailable):
    """Nobody took the request: the connection was refused, or broke before a byte of the reply came."""


class Surplus(Exception):
    """Raised into the parser: these bytes are no part of the one reply that was asked for, or of no reply we take."""


class Flow(Protocol):
    """Where the bytes come from, as far as a reply minds."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. Each has its own clock: a model may think long before its first byte, and then must not fall silent."""

    connect: float = 5.0  # the backend is on the same network
    first_byte: float = 120.0  # a long prompt in a long queue
    idle: float = 60.0  # TGI sends a comment every 15 s of silence
    total: float = 900.0  # the longest answer anybody waits for


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one reply may be."""

    patience: Patience = Patience()
    body_bytes: int = 32 * 1024 * 1024  # a whole context with all its details is a tenth of that


USUAL = Bounds()


class Reply:
    """Implements `ports.BackendReply`. `keeps`: its connection may carry another once it is `whole`."""

    __slots__ = (
        "_barren",
        "_began",
        "_bounds",
        "_fault",
        "_flow",
        "_framed",
        "_headers",
        "_held",
        "_loop",
        "_parser",
        "_parts",
        "_paused",
        "_plain",
        "_since",
        "_size",
        "_waiter",
        "keeps",
        "on_header",
        "status",
        "whole",
    )

    def __init__(self, flow: Flow, loop: AbstractEventLoop, bounds: Bounds) -> None:
        self._flow, self._loop, self._bounds = flow, loop, bounds
        self.status = 0  # until its head has come
        self.whole = self.keeps = False
        self._plain = self._framed = self._paused = False
        self._parts: list[bytes] = []  # of the body, not yet taken
        self._held = self._size = self._barren = 0  # bytes: in those parts, of the body so far, and since its last
        self._fault: BackendError | None = None
        self._waiter: Future[None] | None = None
        self._began = loop.time()
        self._since = inf  # when the wait for more began; while nobody waits for the backend, it is in nobody's debt
        self._headers: dict[bytes, bytes] = {}
        self.on_header = self._headers.__setitem__
        self._parser: HttpResponseParser | None = HttpResponseParser(self)

    # for whoever asked

    async def head(self) -> None:
        """Wait for the status; raises `BackendError`, also when the body could not be read as it is."""
        while not self.status:
            if self._fault is not None:
                raise self._fault
            await self._more()
        if not self._plain:
            raise BackendNonsense("a redirect or a compressed reply", "reply")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes; raises `BackendError` when it breaks off or falls silent for too long."""
        parts = self._parts
        while True:
            if parts:
                data = parts[0] if len(parts) == 1 else b"".join(parts)
                parts.clear()
                self._held = 0
                if self._paused:
                    self._paused = False
                    self._flow.resume_reading()
                yield data
            elif self._fault is not None:
                raise self._fault
            elif self.whole:
                return
            else:
                await self._more()

    # for the connection

    def feed(self, data: bytes) -> bool:
        """More bytes. False: what came is no HTTP, or more than this reply, and the connection is of no further use."""
        if self._parser is None:
            return self.whole and not data.strip(b"\r\n")  # which the parser would have skipped, had they come earlier
        self._barren += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            return self.fail(BackendNonsense("no HTTP reply", "reply"))
        if self.whole:
            self._parser = None
        elif self._barren > MAX_BARREN_BYTES:
            return self.fail(BackendNonsense("too much around the body", "reply"))
        self._wake()
        return True

    def ended(self, error: Exception | None) -> None:
        """The connection is gone. A body that only its end could end is whole, if that end was orderly."""
        if error is None and self.status and not self._framed and self._fault is None:
            self.whole, self._parser = True, None
            self._wake()
        elif self._barren > 0 or self._size > 0:
            self.fail(BackendUnavailable("the reply broke off", "reply"))
        else:
            self.fail(Refused("no connection", "reply", "is the backend running?"))

    def fail(self, fault: BackendError) -> bool:
        """End it so, unless it has already ended. Always False."""
        if not self.whole and self._fault is None:
            self._fault = fault
        self.keeps, self._parser = False, None
        self._wake()
        return False

    def look(self, now: float) -> bool:
        """Has it taken too long? Then it fails, and the answer is False."""
        patience = self._bounds.patience
        if self.whole:
            return True
        if now - self._since >= (patience.idle if self.status else patience.first_byte):
            return self.fail(BackendTooSlow("it fell silent" if self.status else "no answer in time", "reply"))
        if now - self._began >= patience.total:
            return self.fail(BackendTooSlow("the reply takes too long", "reply"))
        return True

    # for the parser

    def on_message_begin(self) -> None:
        if self.whole:
            raise Surplus

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        status = self._parser.get_status_code()
        if status < 100 or status == 101:
            raise Surplus
        if status < 200:  # an interim reply, of which nobody needs to know
            self._headers.clear()
            return
        headers = {name.lower(): value for name, value in self._headers.items()}
        self._plain = not 300 <= status < 400 and headers.get(b"content-encoding", b"identity").lower() == b"identity"
        self._framed = b"content-length" in headers or b"transfer-encoding" in headers
        self.status, self.keeps = status, self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        self._barren = 0
        self._size += len(data)
        if self._size > self._bounds.body_bytes:
            raise Surplus
        self._parts.append(data)
        self._held += len(data)
        if self._held > READ_AHEAD_BYTES and not self._paused:
            self._paused = True
            self._flow.pause_reading()

    def on_message_complete(self) -> None:
        self.whole = self.status > 0

    # between them

    def _more(self) -> Future[None]:
        self._since = self._loop.time()
        self._waiter = self._loop.create_future()
        return self._waiter

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter, self._since = None, inf
            if not waiter.done():
                waiter.set_result(None)
