"""One exchange from arrival to last byte. Reads as the way through: judge, record, ask, inspect, record, answer.

Knows sockets and order; decides nothing about content. Replies are made in `http.replies`, form is read in `http.intake`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from aiohttp.abc import AbstractStreamWriter
from aiohttp.web import BaseRequest, Response, StreamResponse

from gateway.core.errors import AuditError, BackendError
from gateway.core.exchange import Action, Exchange
from gateway.core.pipeline import Gate, Judgement, fault_of, redacted
from gateway.core.ports import Ask, Backend, BackendReply, Writing
from gateway.core.reply import Channel, Facts, Label
from gateway.core.stream import Chain, Inspection, drive
from gateway.core.verdict import Code, Refuse
from gateway.http.intake import Arrival, Intake
from gateway.http.outcome import Ending, Journalist, Outcome
from gateway.http.replies import SERVER, labelled, refusal_reply, sentence
from gateway.http.turnstile import Turnstile

SO_FAR_SECONDS = 1.0  # how much of a stream a crash may leave untold: what was seen longer ago is on record
MAX_ERROR_BYTES = 64 * 1024  # of a backend's error reply: enough for any of TGI's, too little to hurt

_UNLABELLED = frozenset({Action.MODELS, Action.INFO, Action.HEALTH, Action.TOKENIZE})  # no model writes these replies

Judge = Callable[[Gate, Exchange], Awaitable[Judgement]]


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

    async def handle(self, request: BaseRequest) -> StreamResponse:
        """Every path ends in a named reply."""
        return await self._pass(request, await self.intake.read(request))

    async def turn_away(self, request: BaseRequest, refusal: Refuse) -> StreamResponse:
        """What the listener refused by itself is recorded and answered like everything else."""
        return await self._pass(request, self.intake.turned_away(request, refusal))

    async def _pass(self, request: BaseRequest, arrival: Arrival) -> StreamResponse:
        gate = self.gate()
        judgement = await self._judged(gate, arrival)
        kept = redacted(gate, judgement, self.tick)
        with self.turnstile.enter(judgement.exchange) as refusal:
            if refusal is not None and judgement.refusal is None:
                judgement = replace(judgement, refusal=refusal)
            try:
                await self.journalist.opened(judgement, kept, gate.digest)
            except AuditError:
                return _refused(Refuse(Code.AUDIT_UNAVAILABLE), arrival)
            except asyncio.CancelledError:  # the client left; an exchange that was opened is closed
                await asyncio.shield(self.journalist.closed(judgement, Ending(Outcome.ABORTED, None)))
                raise
            if judgement.refusal is not None or arrival.ask is None:
                return await self._refuse(arrival, judgement)
            return await _Passing(self, request, arrival, judgement, gate, arrival.ask).run()

    async def _judged(self, gate: Gate, arrival: Arrival) -> Judgement:
        if arrival.refusal is not None:
            return Judgement(arrival.exchange, (), arrival.refusal)
        return await self.judge(gate, arrival.exchange)

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
        self, proxy: Proxy, request: BaseRequest, arrival: Arrival, judgement: Judgement, gate: Gate, ask: Ask
    ) -> None:
        self._proxy, self._request, self._arrival, self._judgement = proxy, request, arrival, judgement
        self._exchange = judgement.exchange
        self._ask = ask
        self._writing: Writing = ask.writing(self._exchange, int(self._exchange.received_at))
        self._inspection = Inspection(partial(chain_of, gate, self._exchange), self._exchange.parameters.tools)
        self._gate = gate
        self._label: Label | None = None  # made with the reply's headers
        self._response: StreamResponse | None = None
        self._writer: AbstractStreamWriter | None = None  # the response's own: one call less for each token
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
            pieces = drive(reply.chunks(), self._ask.reading(), self._inspection, self._writing)
            async with aclosing(pieces):  # type: ignore[type-var]
                async for data in pieces:
                    await self._send(data)
        if self._inspection.refusal is not None:
            return Refuse(self._inspection.refusal, detail=self._inspection.detail)
        return None

    async def _send(self, data: bytes) -> None:
        if self._writer is None:
            self._first_byte = self._told = self._proxy.tick()
            self._so_far = self._proxy.journalist.following(self._exchange)
            self._response = StreamResponse(headers=self._headers())
            self._writer = await self._response.prepare(self._request)
            assert self._writer is not None  # it is, the first time
        await self._writer.write(data)
        now = self._proxy.tick()
        if self._so_far is not None and now - self._told >= SO_FAR_SECONDS:
            self._told = now
            self._so_far(self._inspection.released)

    async def _end(self, refusal: Refuse | None) -> StreamResponse:
        if self._response is None:
            if refusal is not None:
                return _refused(refusal, self._arrival)
            headers = self._headers()
            return Response(body=labelled(self._writing.finish(), self._label), headers=headers)
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


def chain_of(gate: Gate, exchange: Exchange, channel: Channel) -> Chain:
    """The rewriters of one reply channel, in the order of the gate."""
    return Chain([rewriter.transform(exchange, channel) for rewriter in gate.rewriters])


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
