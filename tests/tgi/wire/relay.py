"""The way through without its stages: a loopback server that reads with a wire, asks a backend, and writes the reply.

For conformance tests of the wire with real clients; the gateway's own server is tested in its own room.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import orjson
from aiohttp import web

from gateway.core.errors import BackendError
from gateway.core.exchange import Exchange, Peer
from gateway.core.ports import Ask, Backend, Wire
from gateway.core.stream import Chain, Inspection, drive
from gateway.core.verdict import Refuse
from tgi.wire.writing import openai_error, tgi_error

STATUS = {"parameter_invalid": 422, "field_unknown": 422, "backend_overloaded": 429}


def filled(ask: Ask, route: str = "/v1/chat/completions") -> Exchange:
    """The exchange a gateway would make of this request."""
    return Exchange(
        id="x-1",
        received_at=1_800_000_000.0,
        peer=Peer("127.0.0.1"),
        route=route,
        action=ask.action,
        model=ask.model,
        passages=ask.passages,
        parameters=ask.parameters,
        streaming=ask.streaming,
    )


def identity(exchange: Exchange) -> Inspection:
    return Inspection(lambda channel: Chain([]), exchange.parameters.tools)


@asynccontextmanager
async def relaying(wire: Wire, backend: Backend) -> AsyncIterator[str]:
    """The URL of a relay for this wire and backend."""
    routes = {(route.method, route.path): route for route in wire.routes}

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        route = routes[request.method, request.path]
        ask = wire.read(route, await request.read())
        if isinstance(ask, Refuse):
            return _refused(ask, route.shape)
        exchange = filled(ask, route.path)
        writing, inspection = ask.writing(exchange, 1_800_000_000), identity(exchange)
        response = web.StreamResponse(headers={"content-type": writing.content_type})
        try:
            async with backend.ask(ask.request(exchange)) as reply:
                if reply.status != 200:
                    body = b"".join([data async for data in reply.chunks()])
                    return _refused(ask.refusal(reply.status, body), route.shape)

                async def send(data: bytes) -> None:
                    if not response.prepared:
                        await response.prepare(request)
                    await response.write(data)

                await drive(reply.chunks(), ask.reading(), inspection, writing, send)
        except BackendError as error:
            inspection.refusal, inspection.detail = error.code, error.what
        if inspection.refusal is not None:
            refusal = Refuse(inspection.refusal, detail=inspection.detail)
            if not response.prepared:
                return _refused(refusal, route.shape)
            await response.write_eof(writing.fail(refusal.code, refusal.detail, exchange.id))
            return response
        if not response.prepared:
            return web.Response(body=writing.finish(), content_type=writing.content_type)
        await response.write_eof(writing.finish())
        return response

    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _refused(refusal: Refuse, shape: str) -> web.Response:
    say = openai_error if shape == "openai" else tgi_error
    body = say(refusal.code, refusal.detail or refusal.code.value, "x-1")
    return web.Response(status=STATUS.get(refusal.code.value, 400), body=body, content_type="application/json")


def swapped(exchange: Exchange, at: int, text: str) -> Exchange:
    """The exchange with one passage's text replaced."""
    passages = list(exchange.passages)
    passages[at] = replace(passages[at], text=text)
    return replace(exchange, passages=tuple(passages))


def body_of(**fields: object) -> bytes:
    return orjson.dumps(fields)
