"""One exchange from arrival to last byte. Reads as the way through: judge, record, ask, inspect, record, answer.

Knows sockets and order; decides nothing about content. Replies are made in `http.replies`, form is read in `http.intake`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

from aiohttp.http import StreamWriter
from aiohttp.web import BaseRequest, Response, StreamResponse

from gateway.core.errors import AuditError, BackendError
from gateway.core.exchange import Action, Exchange, Passage
from gateway.core.pipeline import Gate, Judgement, fault_of, redacted
from gateway.core.ports import Ask, Backend, BackendReply, Writing
from gateway.core.reply import Channel, Event, Facts, Label
from gateway.core.stage import Transform
from gateway.core.stream import Chain, Inspection, drive
from gateway.core.verdict import Code, Refuse
from gateway.http.door import door_of
from gateway.http.intake import Arrival, Intake
from gateway.http.originals import Original, Safe
from gateway.http.outcome import Ending, Journalist, Outcome
from gateway.http.replies import SERVER, labelled, refusal_reply, sentence
from gateway.http.turnstile import Turnstile
from gateway.http.whole import Whole

SO_FAR_SECONDS = 1.0  # how much of a stream a crash may leave untold: what was seen longer ago is on record
MAX_ERROR_BYTES = 64 * 1024  # of a backend's error reply: enough for any of TGI's, too little to hurt

_WORDLESS = frozenset({Action.MODELS, Action.INFO, Action.HEALTH})  # nothing a caller wrote, nothing a model did

_UNLABELLED = frozenset({Action.MODELS, Action.INFO, Action.HEALTH, Action.TOKENIZE})  # no model writes these replies

T = TypeVar("T")
Judge = Callable[[Gate, Exchange], Awaitable[Judgement]]


class Apart(Protocol):
    """Does a piece of work where it may wait without holding up every other exchange. Raises TimeoutError if too late."""

    async def __call__(self, work: Callable[[], T], /) -> T: ...


@dataclass(frozen=True, slots=True)
class Proxy:
    """What the way through needs of the world. `gate` is read once per exchange: one policy from start to end."""

    intake: Intake
    gate: Callable[[], Gate]
    judge: Judge
    backend: Callable[[str], Backend]
    journalist: Journalist
    turnstile: Turnstile
    tick: Callable[[], float]
    apart: Apart
    safe: Safe | None = None  # for the originals of those whose policy keeps them

    async def handle(self, request: BaseRequest) -> StreamResponse:
        """Every path ends in a named reply."""
        return await self._pass(request, await self.intake.read(request))

    async def turn_away(self, request: BaseRequest, refusal: Refuse) -> StreamResponse:
        """What the listener refused by itself is recorded and answered like everything else."""
        return await self._pass(request, self.intake.turned_away(request, refusal))

    async def _pass(self, request: BaseRequest, arrival: Arrival) -> StreamResponse:
        gate = self.gate()
        judgement = await self._judged(gate, arrival)
        kept = await self._redacted(gate, judgement)
        original = None
        if gate.keeps is not None:
            judgement, original = await self._keeping(gate, judgement)
        with self.turnstile.enter(judgement.exchange) as refusal:
            if refusal is not None and judgement.refusal is None:
                judgement = replace(judgement, refusal=refusal)
            try:
                sealed = original.request(arrival.exchange.passages) if original else ""
                await self.journalist.opened(judgement, kept, gate.digest, sealed)
            except AuditError:
                return _refused(Refuse(Code.AUDIT_UNAVAILABLE), arrival)
            except asyncio.CancelledError:  # the client left; an exchange that was opened is closed
                await asyncio.shield(self.journalist.closed(judgement, Ending(Outcome.ABORTED, None)))
                raise
            if judgement.refusal is not None or arrival.ask is None:
                return await self._refuse(arrival, judgement)
            return await _Passing(self, request, arrival, judgement, gate, arrival.ask, original).run()

    async def _redacted(self, gate: Gate, judgement: Judgement) -> tuple[Passage, ...] | None:
        """For the record; only what was refused on its way has still to be redacted."""
        if judgement.refusal is None or not gate.slow:
            return redacted(gate, judgement, self.tick)
        try:
            return await self.apart(partial(redacted, gate, judgement, self.tick))
        except TimeoutError:
            return None

    async def _judged(self, gate: Gate, arrival: Arrival) -> Judgement:
        if arrival.refusal is not None:
            return Judgement(arrival.exchange, (), arrival.refusal)
        return await self.judge(gate, arrival.exchange)

    async def _keeping(self, gate: Gate, judgement: Judgement) -> tuple[Judgement, Original | None]:
        """A key for this exchange's originals, where policy has them kept. Without one nothing is asked of the model."""
        exchange = judgement.exchange
        who = exchange.principal
        if who is None or gate.keeps is None or exchange.action in _WORDLESS or not gate.keeps(who.tenant, who.roles):
            return judgement, None
        try:
            if self.safe is None:
                raise AuditError("no sealing key", "[audit] sealing_key", "name one, or keep no originals")
            return judgement, Original(await self.safe.begin(exchange))
        except AuditError:
            return replace(judgement, refusal=Refuse(Code.SEALING_UNAVAILABLE)), None

    async def _refuse(self, arrival: Arrival, judgement: Judgement) -> StreamResponse:
        refusal = judgement.refusal or Refuse(Code.REQUEST_MALFORMED)
        try:
            await self.journalist.closed(judgement, Ending(Outcome.REFUSED, refusal.code))
        except AuditError:
            refusal = Refuse(Code.AUDIT_UNAVAILABLE)
        return _refused(refusal, arrival)


class _Passing:
    """One admitted exchange under way: the backend's reply inspected as it comes, recorded before its last byte."""

    def __init__(
        self,
        proxy: Proxy,
        request: BaseRequest,
        arrival: Arrival,
        judgement: Judgement,
        gate: Gate,
        ask: Ask,
        original: Original | None,
    ) -> None:
        self._proxy, self._request, self._arrival, self._judgement = proxy, request, arrival, judgement
        self._exchange = judgement.exchange
        self._ask = ask
        self._writing: Writing = ask.writing(self._exchange, int(self._exchange.received_at))
        self._original = original
        chain = (
            partial(chain_of, gate, self._exchange)
            if original is None
            else partial(_heard, original, gate, self._exchange)
        )
        self._inspection = Inspection(chain, self._exchange.parameters.tools)
        self._gate = gate
        self._label: Label | None = None  # made with the reply's headers
        self._response: StreamResponse | None = None
        self._pass_on: Callable[[bytes], Awaitable[None] | None] | None = None  # once the head has left
        self._began = proxy.tick()
        self._first_byte: float | None = None
        self._so_far: Callable[[Mapping[Channel, str]], None] | None = None  # a stream's: told while it flows
        self._told = self._began

    async def run(self) -> StreamResponse:
        try:
            refusal = await self._relay()
        except BackendError as error:
            refusal = Refuse(error.code)
        except (asyncio.CancelledError, ConnectionError):  # the client left; what it saw is still recorded
            await asyncio.shield(self._close(Outcome.ABORTED, None))
            raise
        except Exception as error:  # fail shut: a reader or writer that breaks ends the exchange, and on record
            self._inspection.fault = fault_of(error)
            refusal = Refuse(Code.STAGE_FAILED)
        outcome, code = (Outcome.ANSWERED, None) if refusal is None else (Outcome.FAILED, refusal.code)
        try:
            await self._close(outcome, code)
        except AuditError:
            refusal = Refuse(Code.AUDIT_UNAVAILABLE)
        return await self._end(refusal)

    async def _relay(self) -> Refuse | None:
        """Ask, and pass on what the inspection lets through; the refusal that stopped it, if one did."""
        if self._exchange.action is Action.MODELS:  # the gateway's own: what this caller may see, by policy
            self._writing.write(self._inspection.feed([listing(self._exchange)]))
            return None
        backend = self._proxy.backend(self._exchange.backend)
        async with backend.ask(self._ask.request(self._exchange)) as reply:
            if reply.status != 200:
                return self._ask.refusal(reply.status, await _read_error(reply))
            apart = self._inspected_apart if self._gate.slow_replies else None
            await drive(reply.chunks(), self._ask.reading(), self._inspection, self._writing, self._send, apart)
        if self._inspection.refusal is not None:
            return Refuse(self._inspection.refusal, detail=self._inspection.detail)
        return None

    async def _inspected_apart(self, work: Callable[[], list[Event]]) -> list[Event]:
        """What may leave; nothing more, once looking at it has taken too long."""
        try:
            return await self._proxy.apart(work)
        except TimeoutError:
            self._inspection.refusal = Code.STAGE_TIMEOUT
            return []

    def _send(self, data: bytes) -> Awaitable[None] | None:
        """What to wait for, if anything: nearly always a chunk just leaves."""
        if self._pass_on is None:
            return self._begin(data)
        waiting = self._pass_on(data)
        now = self._proxy.tick()
        if self._so_far is not None and now - self._told >= SO_FAR_SECONDS:
            self._told = now
            self._so_far(self._inspection.released)
        return waiting

    async def _begin(self, data: bytes) -> None:
        """The reply's head, and the first of its text with it."""
        self._first_byte = self._told = self._proxy.tick()
        original = self._original.part if self._original else None
        self._so_far = self._proxy.journalist.following(self._exchange, original)
        self._response = StreamResponse(headers=self._headers())
        writer = await self._response.prepare(self._request)
        await self._response.write(data)
        chunked = isinstance(writer, StreamWriter) and writer.chunked  # not for a caller who speaks HTTP/1.0
        self._pass_on = door_of(self._request).pass_on if chunked else self._response.write

    async def _end(self, refusal: Refuse | None) -> StreamResponse:
        if self._response is None:
            if refusal is not None:
                return _refused(refusal, self._arrival)
            headers = self._headers()
            return Whole(headers, labelled(self._writing.finish(), self._label))
        last = labelled(self._writing.finish(), self._label) if refusal is None else self._failure(refusal)
        await self._response.write_eof(last)
        return self._response

    def _failure(self, refusal: Refuse) -> bytes:
        return self._writing.fail(refusal.code, sentence(refusal), self._exchange.id)

    async def _close(self, outcome: Outcome, code: Code | None) -> None:
        seen = self._inspection
        first = self._first_byte - self._began if self._first_byte is not None else None
        ending = Ending(
            outcome,
            code,
            {str(channel): text for channel, text in seen.released.items()},
            tuple(seen.findings),
            seen.usage,
            seen.fault,
            self._proxy.tick() - self._began,
            first,
            self._original.answer() if self._original else "",
        )
        await self._proxy.journalist.closed(self._judgement, ending)

    def _headers(self) -> dict[str, str]:
        headers = {"x-request-id": self._exchange.id, "content-type": self._writing.content_type, "server": SERVER}
        if self._gate.label is not None and self._exchange.action not in _UNLABELLED:
            self._label = self._gate.label(self._exchange)
            headers |= self._label.headers if self._label is not None else {}
        if self._exchange.streaming:
            headers["cache-control"] = "no-cache"
            headers["x-accel-buffering"] = "no"
        return headers


def listing(exchange: Exchange) -> Facts:
    """The models an exchange may see, as OpenAI's clients list them."""
    data = [{"id": name, "object": "model", "created": 0, "owned_by": owner} for name, owner in exchange.visible]
    return Facts({"object": "list", "data": data})


def chain_of(gate: Gate, exchange: Exchange, channel: Channel, *before: Transform) -> Chain:
    """The rewriters of one reply channel, in the order of the gate."""
    return Chain([*before, *[rewriter.transform(exchange, channel) for rewriter in gate.rewriters]])


def _heard(original: Original, gate: Gate, exchange: Exchange, channel: Channel) -> Chain:
    """As `chain_of`, with somebody listening before anything is rewritten."""
    return chain_of(gate, exchange, channel, original.hear(channel))


def _refused(refusal: Refuse, arrival: Arrival) -> Response:
    reply = refusal_reply(refusal, arrival.shape, arrival.exchange.id)
    return Response(status=reply.status, body=reply.body, headers=reply.headers)


async def _read_error(reply: BackendReply) -> bytes:
    body = b""
    async for data in reply.chunks():
        body += data
        if len(body) > MAX_ERROR_BYTES:
            return body[:MAX_ERROR_BYTES]
    return body
