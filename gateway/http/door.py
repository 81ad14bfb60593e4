"""One connection: who is at the other end, and how long it may take. Accepting and counting connections is `listener`'s.

aiohttp has no timers of its own but a long keep-alive; here each connection keeps up to three deadlines as plain numbers and
one sweep per listener looks at all of them, so that a request costs a few assignments and no timer.
"""

from __future__ import annotations

import ssl
from asyncio import AbstractEventLoop, BaseTransport, Task
from collections.abc import Awaitable
from functools import partial
from math import inf
from typing import Any, cast

from aiohttp import ClientConnectionResetError
from aiohttp.streams import StreamReader
from aiohttp.web import BaseRequest, RequestHandler, Server, StreamResponse

from gateway.core.exchange import Peer
from gateway.core.verdict import Code, Refuse
from gateway.http.body import BodyBroken, BodyTooSlow, BodyUnreadable
from gateway.http.house import Handler, House, Notice, Place
from gateway.http.tls import Client, Revocations, client_of, handshake_of

RATE_GRACE_SECONDS = 5.0  # a body may take this long before its rate is judged: slow start is not an attack
REPLY_GRACE_SECONDS = 2.0  # after a body timed out, the time to take the refusal


class Door(RequestHandler):
    """aiohttp's connection, with a client certificate and deadlines in loop seconds; `inf` is none."""

    __slots__ = (
        "_body_began",
        "_body_bytes",
        "_house",
        "_idle_until",
        "_payload",
        "_place",
        "_receive_until",
        "_rejected",
        "_warned",
        "_write_until",
        "client",
        "peer",
    )

    def __init__(self, house: House, place: Place, manager: Server, loop: AbstractEventLoop, **options: Any) -> None:
        super().__init__(manager, loop=loop, **options)
        self._house = house
        self._place = place
        self.peer = Peer(place.address)
        self.client: Client | None = None
        self._payload: StreamReader | None = None
        self._body_began = 0.0
        self._body_bytes = 0
        self._warned = False
        self._rejected = False
        self._idle_until = self._receive_until = self._write_until = inf

    # who is there

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self._idle_until = self._loop.time() + self._house.limits.idle_seconds
        if not self._identify(transport.get_extra_info("ssl_object")):
            self._house.notice(Notice.CERTIFICATE_UNREADABLE)
            self._abort()
        elif not self._house.enter(self):
            self._house.notice(Notice.CLIENT_FULL)
            self._abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._payload = None
        self._house.leave(self)
        self._place.leave()

    def _identify(self, connection: ssl.SSLObject | None) -> bool:
        der = connection.getpeercert(binary_form=True) if connection is not None else None
        if der is None:
            return False
        try:
            self.client = client_of(der)
        except ValueError:
            return False
        self.peer = Peer(self.peer.address, self.client.certificate, handshake_of(connection))
        return True

    def reject_if(self, revoked: Revocations) -> None:
        """Refuse further requests on this connection when its certificate is among the revoked."""
        if self.client is not None and (self.client.issuer, self.client.serial) in revoked:
            self._rejected = True

    def _is_rejected(self) -> bool:
        return self._rejected or self.client is None or self._house.clock() >= self.client.expires

    # what arrives

    def data_received(self, data: bytes) -> None:
        before, unfinished = self._request_count, self._payload
        super().data_received(data)
        now = self._loop.time()
        if self._request_count != before:
            if unfinished is not None and not unfinished.is_eof():  # no request can follow: this is the parser's error
                unfinished.set_exception(BodyBroken("the body's framing is wrong"))
            self._head_arrived(now)
        elif self._payload is not None:
            self._body_arrived(len(data))
        elif data and self._receive_until == inf:
            self._idle_until = inf
            self._receive_until = now + self._house.limits.header_seconds

    def _head_arrived(self, now: float) -> None:
        payload = self._messages[-1][1] if self._messages else None
        if payload is None or payload.is_eof():
            self._payload, self._receive_until = None, inf
            return
        self._payload, self._body_began, self._body_bytes, self._warned = payload, now, 0, False
        self._receive_until = now + self._house.limits.body_seconds

    def _body_arrived(self, size: int) -> None:
        self._body_bytes += size
        if self._payload is None or self._payload.is_eof():
            self._payload, self._receive_until = None, inf

    # what leaves

    def pause_writing(self) -> None:
        super().pause_writing()
        self._write_until = self._loop.time() + self._house.limits.write_seconds

    def resume_writing(self) -> None:
        super().resume_writing()
        self._write_until = inf

    def pass_on(self, data: bytes) -> Awaitable[None] | None:
        """Write a chunk of a reply whose head has left; what to wait for, while the caller reads too slowly.

        As aiohttp's writer does it, in one call instead of four: a stream comes here for every token.
        """
        transport = self.transport
        if transport is None or transport.is_closing():
            raise ClientConnectionResetError("the caller has left")
        transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        return self._drain_helper() if self._paused else None

    async def _handle_request(
        self, request: BaseRequest, start_time: float | None, request_handler: Handler
    ) -> tuple[StreamResponse, bool]:
        self._idle_until = inf
        if self._is_rejected():
            self._house.notice(Notice.CERTIFICATE_REJECTED)
            request_handler = partial(self._refuse, Refuse(Code.CERTIFICATE_REJECTED))
        try:
            return await super()._handle_request(request, start_time, partial(self._guarded, request_handler))
        finally:
            self._idle_until = self._loop.time() + self._house.limits.idle_seconds

    async def _guarded(self, handler: Handler, request: BaseRequest) -> StreamResponse:
        try:
            return await handler(request)
        except BodyUnreadable as unreadable:
            return await self._refuse(Refuse(unreadable.code), request)

    def _make_error_handler(self, err_info: Any) -> Handler:
        """Bytes the parser would not take: refused like anything else, without its message, which quotes them."""
        return partial(self._refuse, Refuse(Code.REQUEST_MALFORMED, detail="the bytes are not well-formed HTTP/1.1"))

    async def _refuse(self, refusal: Refuse, request: BaseRequest) -> StreamResponse:
        response = await self._house.refuse(request, refusal)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **named: Any) -> None:
        """aiohttp would log tracebacks that quote headers; whoever owns the handler logs what is safe."""
        self._house.notice(Notice.HANDLER_FAILED)

    # deadlines

    def sweep(self, now: float) -> None:
        """Act on what is overdue: end idle and stuck connections, tell the reader of a body that it is too slow."""
        if now >= self._write_until:
            self._house.notice(Notice.WRITE_TIMEOUT)
            self._abort()
        elif now >= self._receive_until or self._is_trickling(now):
            self._receiving_is_overdue(now)
        elif now >= self._idle_until:
            self.force_close()

    def _is_trickling(self, now: float) -> bool:
        rate = self._house.limits.body_bytes_per_second
        took = now - self._body_began
        started = self._payload is not None and not self._warned and not self._reading_paused
        return started and took > RATE_GRACE_SECONDS and self._body_bytes < rate * took

    def _receiving_is_overdue(self, now: float) -> None:
        if self._payload is None:
            self._house.notice(Notice.HEADER_TIMEOUT)
            self._abort()
        elif self._warned:
            self._abort()
        else:
            self._house.notice(Notice.BODY_TIMEOUT)
            self._warned = True
            self._receive_until = now + REPLY_GRACE_SECONDS
            self._payload.set_exception(BodyTooSlow("the body did not arrive in time"))

    def _abort(self) -> None:
        transport = self.transport
        self.force_close()
        if transport is not None:
            transport.abort()

    def finish(self) -> None:
        """Close now if nothing is under way, else after the exchange that is."""
        if self._request_in_progress or self._messages:
            self.close()
        else:
            self.force_close()

    def cut(self) -> Task[None] | None:
        """Cancel the exchange under way and return its task, to wait for; or close, when there is none."""
        task = self._task_handler
        if task is None or not self._request_in_progress:
            self.force_close()
            return None
        task.cancel()
        return task


class Doors(Server):
    """Makes the connections of one listener."""

    def __init__(self, handler: Handler, house: House, loop: AbstractEventLoop) -> None:
        limits = house.limits
        super().__init__(handler, loop=loop, handler_cancellation=True)
        self._house = house
        self._options = {
            "keepalive_timeout": limits.idle_seconds,
            "max_line_size": limits.request_line_bytes,
            "max_field_size": limits.header_bytes,
            "max_headers": limits.headers,
            "lingering_time": REPLY_GRACE_SECONDS,
            "auto_decompress": False,
            "access_log": None,
        }

    def door(self, place: Place) -> Door:
        return Door(self._house, place, self, self._loop, **self._options)

    @property
    def doors(self) -> list[Door]:
        return cast("list[Door]", self.connections)


def peer_of(request: BaseRequest) -> Peer:
    """The other end of a request's connection; parsed when it was made."""
    return door_of(request).peer


def door_of(request: BaseRequest) -> Door:
    """The connection a request came by."""
    return cast(Door, request.protocol)
