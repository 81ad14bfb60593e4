"""Bytes → Exchange: the route, the bounded body, the caller's papers. Judges nothing but form; replies to nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from aiohttp.web import BaseRequest

from gateway.core.exchange import Action, Credentials, Exchange, Passage, Peer
from gateway.core.facts import fact
from gateway.core.pipeline import fault_of
from gateway.core.ports import Ask, Route, Wire
from gateway.core.verdict import Code, Refuse
from gateway.http.body import BodyUnreadable, invite_body

_OPENAI_PREFIX = "/v1/"

Check = Callable[[BaseRequest], Refuse | None]


@fact(frozen=True, slots=True)
class Arrival:
    """What came in: always an exchange, so that it can be recorded; and either the parsed request or why not."""

    exchange: Exchange
    shape: str
    ask: Ask | None = None
    refusal: Refuse | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """Reads one request. Time, ids and marks are handed in; `check` is the strictness of `http.strict`."""

    wire: Wire
    check: Check
    peer_of: Callable[[BaseRequest], Peer]
    max_body_bytes: int
    new_id: Callable[[], str]
    new_mark: Callable[[], int]
    clock: Callable[[], float]
    headers_of: Callable[[BaseRequest], tuple[Passage, ...]] = lambda request: ()  # those the stages look at
    _routes: Mapping[str, Mapping[str, Route]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        table: dict[str, dict[str, Route]] = {}
        for route in self.wire.routes:
            table.setdefault(route.path, {})[route.method] = route
        object.__setattr__(self, "_routes", table)

    async def read(self, request: BaseRequest) -> Arrival:
        """The arrival, refused at the first thing that is not in order; the body is read only when the rest is."""
        methods = self._routes.get(request.raw_path)
        route = methods.get(request.method) if methods else None
        blank = self._blank(request, route)
        shape = route.shape if route else _shape_of(request.raw_path)
        if refusal := self.check(request):
            return Arrival(blank, shape, refusal=refusal)
        if route is None:
            code = Code.METHOD_NOT_ALLOWED if methods else Code.ROUTE_UNKNOWN
            return Arrival(blank, shape, refusal=Refuse(code))
        body = await self._body(request)
        if isinstance(body, Refuse):
            return Arrival(blank, shape, refusal=body)
        try:
            ask = self.wire.read(route, body)
        except Exception as error:  # fail shut: a reader that breaks on a body refuses it, and that is on record too
            noted = replace(blank, notes=(f"intake: {fault_of(error)}",))
            return Arrival(noted, shape, refusal=Refuse(Code.STAGE_FAILED))
        if isinstance(ask, Refuse):
            return Arrival(blank, shape, refusal=ask)
        return Arrival(_filled(blank, ask, self.headers_of(request)), shape, ask)

    def turned_away(self, request: BaseRequest, refusal: Refuse) -> Arrival:
        """What the listener refused before it was a request: still an exchange, so that it can be recorded."""
        return Arrival(self._blank(request, None), _shape_of(request.raw_path), refusal=refusal)

    async def _body(self, request: BaseRequest) -> bytes | Refuse:
        if (request.content_length or 0) > self.max_body_bytes:
            return _too_large(self.max_body_bytes)
        try:
            await invite_body(request)
            return await read_bounded(request, self.max_body_bytes)
        except BodyUnreadable as unreadable:
            return Refuse(unreadable.code)

    def _blank(self, request: BaseRequest, route: Route | None) -> Exchange:
        return Exchange(
            id=self.new_id(),
            received_at=self.clock(),
            peer=self.peer_of(request),
            route=route.path if route else "",
            action=route.action if route else Action.UNKNOWN,
            model="",
            credentials=bearer(request.headers.get("Authorization")),
            mark=self.new_mark(),
        )


async def read_bounded(request: BaseRequest, limit: int) -> bytes | Refuse:
    """The whole body, or a refusal as soon as it is over `limit` bytes: nothing is inspected in part."""
    parts: list[bytes] = []
    size = 0
    content = request.content
    while not content.at_eof():
        chunk = await content.readany()
        size += len(chunk)
        if size > limit:
            return _too_large(limit)
        parts.append(chunk)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int) -> Refuse:
    return Refuse(Code.TOO_LARGE, detail=f"the body may have at most {limit} bytes")


def bearer(header: str | None) -> Credentials | None:
    """What an Authorization header offers; None only where there is no header.

    Another scheme, or a token too long to be one, is handed on as it is: identity refuses it. Taking it for "no token"
    would let it pass where certificates alone identify.
    """
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    return Credentials(token.strip() if scheme.lower() == "bearer" else header)


def _filled(blank: Exchange, ask: Ask, headers: tuple[Passage, ...]) -> Exchange:
    return Exchange(  # in the order of its fields: naming them would double the cost
        blank.id,
        blank.received_at,
        blank.peer,
        blank.route,
        ask.action,
        ask.model,
        ask.passages,
        ask.parameters,
        ask.streaming,
        blank.credentials,
        mark=blank.mark,
        headers=headers,
    )


def _shape_of(path: str) -> str:
    return "openai" if path.startswith(_OPENAI_PREFIX) else "tgi"
