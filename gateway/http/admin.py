"""The operations port: health, readiness, metrics. Nothing here changes the gateway; the console hangs its pages here.

A page is found by its path, or by the path before its last name where that ends in `/`: `/things/` answers `/things/one`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import orjson
from aiohttp.web import BaseRequest, Response, StreamResponse

from gateway.core.exchange import Action, Exchange, Peer, Principal
from gateway.core.stage import Stage
from gateway.core.verdict import Amend, Code, Refuse
from gateway.http.forms import Fields, read_form
from gateway.http.intake import Check, bearer
from gateway.http.replies import SERVER, refusal_reply

ROLES = frozenset({"operator", "auditor"})

Page = Callable[[BaseRequest, Principal], Awaitable[StreamResponse]]
Form = Callable[[BaseRequest, Principal, Fields], Awaitable[StreamResponse]]


@dataclass(frozen=True, slots=True)
class Admin:
    """Answers who may be answered. `ready` gives what is not ready yet, by name; empty means ready. `worries` turn nobody away."""

    check: Check
    identity: Stage
    peer_of: Callable[[BaseRequest], Peer]
    ready: Callable[[], Mapping[str, str]]
    worries: Callable[[], Mapping[str, str]]
    metrics: Callable[[], tuple[bytes, str]]
    new_id: Callable[[], str]
    clock: Callable[[], float]
    pages: Mapping[str, Page] = field(default_factory=dict)
    forms: Mapping[str, Form] = field(default_factory=dict)  # what may be sent by POST, from our own pages alone

    async def handle(self, request: BaseRequest) -> StreamResponse:
        """A page, a number or a named refusal."""
        exchange = self._exchange(request)
        if refusal := self.check(request):
            return _refused(refusal, exchange)
        form = self.forms.get(request.path) if request.method == "POST" else None
        if form is None and request.method not in ("GET", "HEAD"):
            return _refused(Refuse(Code.METHOD_NOT_ALLOWED), exchange)
        who = self._who(exchange)
        if isinstance(who, Refuse):
            return _refused(who, exchange)
        if form is not None:
            fields = await read_form(request)
            return _refused(fields, exchange) if isinstance(fields, Refuse) else await form(request, who, fields)
        return await self._answer(request, who, exchange)

    async def turn_away(self, request: BaseRequest, refusal: Refuse) -> StreamResponse:
        """What the listener refused by itself."""
        return _refused(refusal, self._exchange(request))

    async def _answer(self, request: BaseRequest, who: Principal, exchange: Exchange) -> StreamResponse:
        match request.raw_path:
            case "/healthz":
                return Response(text="ok\n", headers={"server": SERVER})
            case "/readyz":
                missing = dict(self.ready())
                return Response(
                    status=503 if missing else 200,
                    body=orjson.dumps({"ready": not missing, "missing": missing, "worries": dict(self.worries())}),
                    headers={"content-type": "application/json", "server": SERVER},
                )
            case "/metrics":
                body, content_type = self.metrics()
                return Response(body=body, headers={"content-type": content_type, "server": SERVER})
        page = self.pages.get(request.path) or self.pages.get(request.path.rpartition("/")[0] + "/")
        return await page(request, who) if page else _refused(Refuse(Code.ROUTE_UNKNOWN), exchange)

    def _who(self, exchange: Exchange) -> Principal | Refuse:
        verdict = self.identity.judge(exchange)
        if isinstance(verdict, Refuse):
            return verdict
        who = verdict.exchange.principal if isinstance(verdict, Amend) else exchange.principal
        if who is None or ROLES.isdisjoint(who.roles):
            return Refuse(Code.NOT_PERMITTED)
        return who

    def _exchange(self, request: BaseRequest) -> Exchange:
        return Exchange(
            id=self.new_id(),
            received_at=self.clock(),
            peer=self.peer_of(request),
            route=request.path,
            action=Action.UNKNOWN,
            model="",
            credentials=bearer(request.headers.get("Authorization")),
        )


def _refused(refusal: Refuse, exchange: Exchange) -> Response:
    reply = refusal_reply(refusal, "tgi", exchange.id)
    return Response(status=reply.status, body=reply.body, headers=reply.headers)
