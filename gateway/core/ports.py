"""What the core asks of the world: a wire that reads and writes a backend's shapes, and a backend that answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import field
from typing import Protocol

from gateway.core.exchange import Action, Exchange, Parameters, Passage
from gateway.core.facts import fact
from gateway.core.reply import Event
from gateway.core.verdict import Code, Refuse


@fact(frozen=True, slots=True)
class Route:
    """One way in. `shape` says whose error format its clients parse: "tgi" or "openai"."""

    method: str
    path: str
    action: Action
    shape: str


@fact(frozen=True, slots=True)
class BackendRequest:
    """What goes to the backend: a path from our own table and a body we wrote ourselves."""

    method: str
    path: str
    body: bytes = field(default=b"", repr=False)
    streaming: bool = False
    repeatable: bool = True  # nothing was promised yet: it may be asked again before the first byte


class BackendReply(Protocol):
    """A reply under way. `chunks` yields bytes as they come and raises only `BackendError`."""

    @property
    def status(self) -> int: ...

    def chunks(self) -> AsyncIterator[bytes]: ...


class Backend(Protocol):
    """Who answers. `ask` raises only `BackendError`; leaving the context closes the connection to the model at once."""

    @property
    def name(self) -> str: ...

    def ask(self, request: BackendRequest) -> AbstractAsyncContextManager[BackendReply]: ...


class Reading(Protocol):
    """A backend's bytes → events, incrementally: any cut of the bytes gives the same events. Raises only `BackendError`."""

    def feed(self, data: bytes) -> list[Event]: ...

    def finish(self) -> list[Event]: ...


class Writing(Protocol):
    """Inspected events → the client's bytes, in the route's own shape.

    `write` gives everything but the terminal bytes (nothing at all for a whole reply); `finish` gives those, once the
    record is durable; `fail` ends a stream with an error event in the route's own shape.
    """

    @property
    def content_type(self) -> str: ...

    def write(self, events: Iterable[Event]) -> bytes: ...

    def finish(self) -> bytes: ...

    def fail(self, code: Code, message: str, request_id: str) -> bytes: ...


class Ask(Protocol):
    """One request, parsed once. Holds the typed body; the gateway sees passages and parameters."""

    @property
    def action(self) -> Action: ...

    @property
    def model(self) -> str: ...

    @property
    def streaming(self) -> bool: ...

    @property
    def passages(self) -> tuple[Passage, ...]: ...

    @property
    def parameters(self) -> Parameters: ...

    def request(self, exchange: Exchange) -> BackendRequest:
        """The canonical request, carrying the exchange's passages in place of the ones that came."""
        ...

    def refusal(self, status: int, body: bytes) -> Refuse:
        """What a backend's error reply means to the caller."""
        ...

    def reading(self) -> Reading: ...

    def writing(self, exchange: Exchange, created: int) -> Writing: ...


class Wire(Protocol):
    """Knows the routes and shapes of one kind of backend."""

    @property
    def routes(self) -> Sequence[Route]: ...

    def read(self, route: Route, body: bytes) -> Ask | Refuse:
        """Parse strictly. A refusal's detail names the field and the rule, never a value."""
        ...
