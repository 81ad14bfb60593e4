"""A backend that is watched: its health as a value, and more tries before the first byte. Balancing is not done here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Never

from gateway.core.errors import BackendError, BackendUnavailable
from gateway.core.ports import Backend, BackendReply, BackendRequest
from tgi.reply import Refused

INTERVAL_S = 5.0  # between probes: half of the ten seconds after which people call
DOWN_AFTER = 2  # probes in a row: one that is lost means little
PROBE_S = 5.0  # a probe that takes longer has failed; TGI answers at once unless it is unwell
RETRIES = 1  # of a request nobody took: a kept connection may have been closed while the request was on its way
HEALTH = BackendRequest("GET", "/health")


class State(StrEnum):
    """What is known of a backend. `UNKNOWN` before the first probe: it is asked all the same."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Health:
    """`since` is when the state began, in seconds of the pool's clock; `failures` counts failed probes in a row."""

    state: State = State.UNKNOWN
    since: float = 0.0
    failures: int = 0
    fault: str = ""  # what the last failed probe said


def after(health: Health, fault: str, now: float) -> Health:
    """The health after one more probe; `fault` is empty when it went well."""
    failures = health.failures + 1 if fault else 0
    state = health.state
    if not fault:
        state = State.UP
    elif failures >= DOWN_AFTER:
        state = State.DOWN
    return Health(state, health.since if state is health.state else now, failures, fault)


class Watched:
    """Implements `ports.Backend` over another. Refuses at once while that is known to be down."""

    def __init__(
        self, backend: Backend, clock: Callable[[], float], probe_seconds: float = PROBE_S, retries: int = RETRIES
    ) -> None:
        self._backend = backend
        self._clock = clock
        self.retries = retries
        self._probe_seconds = probe_seconds
        self.health = Health(since=clock())

    @property
    def name(self) -> str:
        return self._backend.name

    def ask(self, request: BackendRequest) -> AbstractAsyncContextManager[BackendReply]:
        """As the backend does, but a request nobody took is offered again if it may be repeated."""
        return _Offer(self, self._backend, request)

    async def watch(self, interval: float = INTERVAL_S) -> Never:
        """Probe until cancelled."""
        while True:
            await self.probe()
            await asyncio.sleep(interval)

    async def probe(self) -> Health:
        """Ask for its health once."""
        fault = await self._fault()
        self.health = after(self.health, fault, self._clock())
        return self.health

    async def _fault(self) -> str:
        try:
            async with asyncio.timeout(self._probe_seconds), self._backend.ask(HEALTH) as reply:
                return "" if reply.status == 200 else f"status {reply.status}"
        except BackendError as error:
            return error.what
        except TimeoutError:
            return f"no answer in {self._probe_seconds:g} s"


class _Offer:
    """One ask, as a context."""

    __slots__ = ("_backend", "_request", "_taken", "_watched")

    def __init__(self, watched: Watched, backend: Backend, request: BackendRequest) -> None:
        self._watched, self._backend, self._request = watched, backend, request

    async def __aenter__(self) -> BackendReply:
        health = self._watched.health
        if health.state is State.DOWN:
            raise BackendUnavailable("it does not answer its health checks", self._backend.name, health.fault)
        for _ in range(self._watched.retries if self._request.repeatable else 0):
            try:
                return await self._offer()
            except Refused:
                continue
        return await self._offer()

    async def _offer(self) -> BackendReply:
        self._taken = self._backend.ask(self._request)
        return await self._taken.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._taken.__aexit__(kind, error, trace)
