"""The console as the admin port's pages: who asks what of whom, in order. What pages show is made in the modules beside this."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from aiohttp.web import BaseRequest, Response

from gateway.audit.record import Event
from gateway.console import exchange, exchanges, overview, playground, standing
from gateway.console.asked import Asked, asked
from gateway.console.papers import papers
from gateway.console.playground import Shown
from gateway.console.reading import Archive
from gateway.console.rendering import Page, message, page
from gateway.console.standing import Standing
from gateway.core.errors import AuditError
from gateway.core.exchange import Principal
from gateway.core.ports import Wire
from gateway.http.admin import Form
from gateway.http.admin import Page as Handler
from gateway.settings.outside import Tls
from policies.cases import Case

TRIAL_SECONDS = 10.0  # as long as the data port gives its own checks
TRIALS = 2  # at once: more would only take threads and processor time from the data port

View = Callable[[Asked], Awaitable[Page]]


class Health(Protocol):
    """What is known of a backend: a word, and what its last failed probe said."""

    @property
    def state(self) -> str: ...

    @property
    def fault(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Console:
    """What the pages look at. `append` puts an event on the record and returns once it is durable; `clock` is Unix seconds."""

    archive: Archive
    standing: Callable[[], Standing]
    wire: Callable[[str], Wire]
    backend: Callable[[], tuple[str, Health]]
    missing: Callable[[], Mapping[str, str]]
    tls: Tls
    append: Callable[[Event], Awaitable[object]]
    clock: Callable[[], float]
    trial_seconds: float = TRIAL_SECONDS
    _trials: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(TRIALS))

    def pages(self) -> dict[str, Handler]:
        """What is shown where."""
        views = {
            "/console": self.overview,
            "/console/exchanges": self.exchanges,
            "/console/exchanges/": self.exchange,
            "/console/policies": self.policies,
            "/console/playground": self.playground,
        }
        return {path: _shown(view) for path, view in views.items()}

    def forms(self) -> dict[str, Form]:
        """What may be sent by POST: a text to try."""
        return {"/console/playground": _sent(self.playground)}

    async def overview(self, asked: Asked) -> Page:
        now = self.clock()
        seen = await self.archive.ask(lambda record: overview.survey(record, now))
        good_until = await asyncio.to_thread(papers, self.tls, datetime.fromtimestamp(now, UTC))
        backend, health = self.backend()
        return page(
            asked,
            "overview",
            seen=seen,
            standing=self.standing(),
            missing=dict(self.missing()),
            backend=backend,
            health=health,
            papers=good_until,
        )

    async def exchanges(self, asked: Asked) -> Page:
        wanted = exchanges.wanted(asked.query)
        listed = await self.archive.ask(lambda record: exchanges.listed(record, wanted))
        choices = {"outcomes": exchanges.OUTCOMES, "codes": exchanges.CODES}
        return page(asked, "exchanges", 400 if wanted.wrong else 200, wanted=wanted, listed=listed, **choices)

    async def exchange(self, asked: Asked) -> Page:
        """One exchange. An auditor's reading of its texts is on the record before they are shown."""
        name = asked.path.rpartition("/")[2]
        told = await self.archive.ask(lambda record: exchange.tell(record, name)) if name else None
        if told is None:
            return message(asked, 404, "not_found", "no_exchange")
        reads = asked.may_read_texts and asked.reads and told.has_texts
        if reads:
            await self.append(exchange.reading(told, asked.who, self.clock()))
        else:
            told = exchange.without_texts(told)
        return page(asked, "exchange", told=told, reads=reads)

    async def policies(self, asked: Asked) -> Page:
        current = self.standing()
        return page(
            asked,
            "policies",
            standing=current,
            bundle=current.bundle,
            files=standing.files(current.bundle),
            grants=standing.grants(current.bundle),
            memberships=standing.memberships(current.bundle),
            rules=standing.rules(current.bundle, datetime.fromtimestamp(self.clock(), UTC).date()),
        )

    async def playground(self, asked: Asked) -> Page:
        current = self.standing()
        wire = self.wire(current.bundle.routing.default.name)
        tried = playground.filled(asked.fields or {}, asked.who)
        case = playground.case_of(tried) if asked.fields is not None else None
        shown = await self._attempt(current, case, wire) if case is not None else None
        trouble = _trouble(sent=asked.fields is not None, case=case, shown=shown)
        routes = [route.path for route in wire.routes if route.method == "POST"]
        return page(
            asked,
            "playground",
            400 if trouble == "not_a_case" else 200,
            tried=tried,
            shown=shown,
            trouble=trouble,
            routes=routes,
            passage_roles=playground.PASSAGE_ROLES,
        )

    async def _attempt(self, current: Standing, case: Case, wire: Wire) -> Shown | None:
        """In a thread, within the time that the data port gives; None when it took longer."""
        async with self._trials:
            work = asyncio.to_thread(playground.attempt, current, case, wire, self.clock())
            try:
                return await asyncio.wait_for(work, self.trial_seconds)
            except TimeoutError:
                return None


def _trouble(*, sent: bool, case: Case | None, shown: Shown | None) -> str:
    if not sent or shown is not None:
        return ""
    return "not_a_case" if case is None else "too_slow"


def _shown(view: View) -> Handler:
    async def handle(request: BaseRequest, who: Principal) -> Response:
        return await _replied(view, _asked(request, who))

    return handle


def _sent(view: View) -> Form:
    async def handle(request: BaseRequest, who: Principal, fields: Mapping[str, str]) -> Response:
        return await _replied(view, _asked(request, who, fields=fields))

    return handle


def _asked(request: BaseRequest, who: Principal, **more: object) -> Asked:
    accepted = request.headers.get("Accept-Language", "")
    return asked(request.path, who, request.query, accepted, reads=request.method != "HEAD", **more)


async def _replied(view: View, asked: Asked) -> Response:
    """The page; or that the record cannot be read or written, and so nothing is shown."""
    try:
        shown = await view(asked)
    except AuditError:
        shown = message(asked, 503, "unavailable", "unavailable_said")
    return Response(body=shown.body, status=shown.status, headers=shown.headers)
