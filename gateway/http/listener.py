"""Accepts connections, counts them, and hands each to a `Door`. Knows sockets; knows nothing of what is asked.

Connections are accepted here and not by asyncio's server, so that those over a limit are closed before they cost a handshake.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import aiohttp
from aiohttp.http_parser import HttpRequestParser
from aiohttp.web import BaseRequest, Response, StreamResponse

from gateway.core.errors import SettingsError
from gateway.core.verdict import Refuse
from gateway.http import tls
from gateway.http.door import Door, Doors
from gateway.http.house import Handler, House, Notice, Place, Refuser
from gateway.settings.outside import Limits

SWEEP_SECONDS = 0.5  # how exactly deadlines are kept; shorter limits are looked at four times each
SHUTDOWN_SECONDS = 2.0  # for TLS's own goodbye: a client that does not answer it is cut off
ACCEPTS_AT_ONCE = 64  # then other connections get their turn
PAUSE_SECONDS = 1.0  # when the process has no descriptors left: until some may have been freed
AT_ONCE_SECONDS = 0.01  # to aiohttp, 0 means forever
CUT_SECONDS = 5.0  # for exchanges that outlive a drain: to write their record once they were told to stop


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen. `shared`: other processes listen on the same port (SO_REUSEPORT)."""

    host: str
    port: int
    backlog: int = 1024
    shared: bool = False


async def start(
    handler: Handler,
    trust: Callable[[], tls.Trust],
    limits: Limits,
    address: Address,
    *,
    refuse: Refuser | None = None,
    notice: Callable[[Notice], None] = lambda notice: None,
    clock: Callable[[], float] = time.time,
) -> Listening:
    """Listen until drained or closed. `trust` reads the TLS files: now, and at each reload.

    `refuse` answers what the handler never sees: bytes that are no HTTP, and revoked or expired certificates. Raises
    SettingsError when the address cannot be taken, the TLS files cannot be used or aiohttp's C parser is missing.
    """
    require_c_parser()
    return Listening(handler, trust, limits, _listen(address), refuse or _bare_refusal, notice, clock)


def require_c_parser() -> None:
    """The pure-Python parser had most of aiohttp's smuggling advisories (e.g. CVE-2024-52304, CVE-2025-53643)."""
    if HttpRequestParser.__module__ != "aiohttp._http_parser":
        hint = "install a wheel for this platform and unset AIOHTTP_NO_EXTENSIONS"
        raise SettingsError("the C parser is missing", f"aiohttp {aiohttp.__version__}", hint)


class Listening:
    """A listener at work."""

    def __init__(
        self,
        handler: Handler,
        trust: Callable[[], tls.Trust],
        limits: Limits,
        listener: socket.socket,
        refuse: Refuser,
        notice: Callable[[Notice], None],
        clock: Callable[[], float],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._trust, self._limits, self._socket, self._notice = trust, limits, listener, notice
        try:
            self._trusted = trust()
            self._context = tls.SwappableContext.around(self._trusted.context)
        except BaseException:
            listener.close()
            raise
        self._by_address: Counter[str] = Counter()
        self._by_client: Counter[str] = Counter()
        self._entered: set[Door] = set()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._draining = False
        self._doors = Doors(handler, House(limits, refuse, notice, clock, self._enter, self._leave), self._loop)
        self.port: int = listener.getsockname()[1]
        self._loop.add_reader(listener, self._accept)
        self._sweeper = self._loop.call_later(self._period(), self._sweep)

    @property
    def connections(self) -> int:
        """Open connections, those still in their handshake included."""
        return self._by_address.total()

    def reload_tls(self) -> None:
        """Read the files again for new handshakes, and refuse further requests of certificates revoked meanwhile.

        When an authority is no longer among them, every connection ends after its exchange: who may come back, will.
        Raises SettingsError, and keeps what was there, when the new files cannot be used.
        """
        trust = self._trust()
        lost = self._trusted.authorities - trust.authorities
        self._trusted, self._context.current = trust, trust.context
        for door in self._doors.doors:
            door.reject_if(trust.revoked)
            if lost:
                door.finish()

    async def drain(self, seconds: float) -> int:
        """Take no more connections, let exchanges finish for `seconds`, then stop the rest; returns how many those were."""
        self._stop_accepting()
        self._draining = True
        for door in self._doors.doors:
            door.finish()
        deadline = self._loop.time() + seconds
        while self.connections and (left := deadline - self._loop.time()) > 0:
            self._changed.clear()
            await _wait(self._changed, left)
        cut = self.connections
        await self.close()
        return cut

    async def close(self, seconds: float = CUT_SECONDS) -> None:
        """Stop at once; exchanges under way are cancelled, and get `seconds` to record that."""
        self._stop_accepting()
        for handshake in self._handshakes:
            handshake.cancel()
        await asyncio.gather(*self._handshakes, return_exceptions=True)
        self._sweeper.cancel()
        exchanges = [task for door in self._doors.doors if (task := door.cut()) is not None]
        if exchanges:
            await asyncio.wait(exchanges, timeout=seconds)
        await self._doors.shutdown(AT_ONCE_SECONDS)

    # accepting

    def _accept(self) -> None:
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                connection, name = self._socket.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue
            except OSError:
                self._pause_accepting()
                return
            self._admit(connection, str(name[0]))

    def _admit(self, connection: socket.socket, address: str) -> None:
        if self.connections >= self._limits.connections:
            self._turn_away(connection, Notice.CONNECTIONS_FULL)
        elif self._by_address[address] >= self._limits.connections_per_address:
            self._turn_away(connection, Notice.ADDRESS_FULL)
        else:
            connection.setblocking(False)
            self._by_address[address] += 1
            handshake = self._loop.create_task(self._shake_hands(connection, Place(address, self._release)))
            self._handshakes.add(handshake)
            handshake.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, connection: socket.socket, place: Place) -> None:
        try:
            await self._loop.connect_accepted_socket(
                partial(self._doors.door, place),
                connection,
                ssl=self._context,
                ssl_handshake_timeout=self._limits.handshake_seconds,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
        except (OSError, ssl.SSLError):  # the client's fault or its absence: counted, never raised
            self._notice(Notice.HANDSHAKE_FAILED)
            place.leave()
        except asyncio.CancelledError:
            place.leave()
            raise

    def _turn_away(self, connection: socket.socket, why: Notice) -> None:
        connection.close()
        self._notice(why)

    def _pause_accepting(self) -> None:
        self._notice(Notice.NO_DESCRIPTORS)
        self._loop.remove_reader(self._socket)
        self._loop.call_later(PAUSE_SECONDS, self._resume_accepting)

    def _resume_accepting(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.add_reader(self._socket, self._accept)

    def _stop_accepting(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    # counting

    def _enter(self, door: Door) -> bool:
        self._entered.add(door)
        thumbprint = _thumbprint(door)
        self._by_client[thumbprint] += 1
        if self._draining:
            door.finish()
        return self._by_client[thumbprint] <= self._limits.connections_per_client

    def _leave(self, door: Door) -> None:
        if door in self._entered:
            self._entered.remove(door)
            _decrement(self._by_client, _thumbprint(door))

    def _release(self, address: str) -> None:
        _decrement(self._by_address, address)
        self._changed.set()

    # deadlines

    def _sweep(self) -> None:
        until_next = self._loop.time() + self._period()  # what falls due before the next look: early, never late
        for door in self._doors.doors:
            door.sweep(until_next)
        self._sweeper = self._loop.call_later(self._period(), self._sweep)

    def _period(self) -> float:
        limits = self._limits
        shortest = min(limits.header_seconds, limits.body_seconds, limits.idle_seconds, limits.write_seconds)
        return min(SWEEP_SECONDS, shortest / 4)


def _listen(address: Address) -> socket.socket:
    try:
        family, _, _, _, name = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(
            (str(name[0]), int(name[1])), family=family, backlog=address.backlog, reuse_port=address.shared
        )
    except OSError as error:
        hint = "is another process on that port? try: ss -ltnp"
        where = f"{address.host}:{address.port}"
        raise SettingsError(f"cannot listen ({error.strerror or error})", where, hint) from error
    listener.setblocking(False)
    return listener


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


async def _bare_refusal(request: BaseRequest, refusal: Refuse) -> StreamResponse:
    return Response(status=400, text=f"{refusal.code}\n")


def _thumbprint(door: Door) -> str:
    return door.client.certificate.thumbprint if door.client else ""


def _decrement(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
