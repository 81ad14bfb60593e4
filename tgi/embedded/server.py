"""The HTTP face of the embedded backend: routes, body limits, and failures as TGI's statuses. Nothing is decided here.

`create_app` makes the application around any engine; loading the real one and listening is `serving`'s business.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from tgi.embedded import intake, replies, route_chat, route_completions, route_generate, shapes
from tgi.embedded.engine import Engine
from tgi.embedded.failures import InferError
from tgi.embedded.intake import BadBody, Shape
from tgi.embedded.requests import Chat, Completion, Generate
from tgi.embedded.route_generate import json_reply
from tgi.embedded.service import Service, tokenize
from tgi.embedded.templates import compiled
from tgi.embedded.validation import Limits

T = TypeVar("T")

SERVICE = web.AppKey("service", Service)

# TGI's --api-key guards these alone: /chat_tokenize, /info, /health and /metrics stay open.
GUARDED = frozenset(
    {"/", "/generate", "/generate_stream", "/v1/chat/completions", "/v1/completions", "/invocations", "/tokenize"}
)


def create_app(
    engine: Engine,
    *,
    limits: Limits | None = None,
    api_key: str | None = None,
    clock: Callable[[], float] = time.perf_counter,
    now: Callable[[], float] = time.time,
    new_seed: Callable[[], int] = lambda: secrets.randbits(64),
) -> web.Application:
    """The backend's application. The engine belongs to the caller, who closes it.

    Run it with `handler_cancellation=True`: then a client that leaves frees its seat at once, as in TGI.
    """
    limits = limits or Limits(
        max_input_tokens=engine.card.max_total_tokens - 1, max_total_tokens=engine.card.max_total_tokens
    )
    service = Service(engine, limits, compiled(engine.card), clock, now, new_seed)
    app = web.Application(middlewares=[_guarding(api_key), _answering], client_max_size=limits.payload_limit)
    app[SERVICE] = service
    app.add_routes(
        [
            web.post("/", _compat),
            web.post("/generate", _generate),
            web.post("/generate_stream", _generate_stream),
            web.post("/v1/chat/completions", _chat),
            web.post("/v1/completions", _completions),
            web.post("/invocations", _invocations),
            web.post("/tokenize", _tokenize),
            web.post("/chat_tokenize", _chat_tokenize),
            web.get("/", _health, allow_head=False),
            web.get("/health", _health),
            web.get("/ping", _health),
            web.get("/info", _info),
            web.get("/v1/models", _models),
            web.get("/metrics", _metrics),
        ]
    )
    app.on_response_prepare.append(_open_to_any_origin)
    return app


async def _compat(http: web.Request) -> web.StreamResponse:
    return await route_generate.compat(http.app[SERVICE], http, await _read(http, shapes.compat_generate))


async def _generate(http: web.Request) -> web.StreamResponse:
    return await route_generate.generate(http.app[SERVICE], await _read(http, shapes.generate))


async def _generate_stream(http: web.Request) -> web.StreamResponse:
    return await route_generate.generate_stream(http.app[SERVICE], http, await _read(http, shapes.generate))


async def _chat(http: web.Request) -> web.StreamResponse:
    return await route_chat.chat_completions(http.app[SERVICE], http, await _read(http, shapes.chat))


async def _completions(http: web.Request) -> web.StreamResponse:
    return await route_completions.completions(http.app[SERVICE], http, await _read(http, shapes.completion))


async def _invocations(http: web.Request) -> web.StreamResponse:
    service = http.app[SERVICE]
    body: Generate | Chat | Completion = await _read(http, shapes.invocation)
    match body:
        case Generate():
            return await route_generate.compat(service, http, body)
        case Chat():
            return await route_chat.chat_completions(service, http, body)
        case Completion():
            return await route_completions.completions(service, http, body)


async def _tokenize(http: web.Request) -> web.StreamResponse:
    request = await _read(http, shapes.generate)
    pieces = await tokenize(http.app[SERVICE], request.inputs)
    return json_reply(replies.simple_tokens(pieces, request.inputs))


async def _chat_tokenize(http: web.Request) -> web.StreamResponse:
    return await route_chat.chat_tokenize(http.app[SERVICE], await _read(http, shapes.chat))


async def _health(http: web.Request) -> web.StreamResponse:
    if await http.app[SERVICE].engine.healthy():
        return web.Response()
    raise InferError("healthcheck", "unhealthy")


async def _info(http: web.Request) -> web.StreamResponse:
    service = http.app[SERVICE]
    return json_reply(replies.info(service.engine.card, service.limits))


async def _models(http: web.Request) -> web.StreamResponse:
    return json_reply(replies.models(http.app[SERVICE].engine.card))


async def _metrics(http: web.Request) -> web.StreamResponse:
    service = http.app[SERVICE]
    return web.Response(text=service.meter.exposition(service.in_flight))


async def _read(http: web.Request, shape: Shape[T]) -> T:
    """The body in this shape; raises `BadBody` 400, 413, 415 or 422."""
    kind = http.content_type
    if "content-type" not in http.headers or not (kind == "application/json" or kind.endswith("+json")):
        raise BadBody(415, "Expected request with `Content-Type: application/json`")
    try:
        body = await http.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise BadBody(413, "Failed to buffer the request body: length limit exceeded") from error
    return intake.read(body, shape)


@web.middleware
async def _answering(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Failures → TGI's replies; a path or method that nobody knows gets an empty body, as from axum."""
    try:
        return await handler(request)
    except InferError as failure:
        reply = json_reply(replies.error(failure))
        reply.set_status(failure.status)
        return reply
    except BadBody as bad:
        return web.Response(status=bad.status, text=bad.text)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as unknown:
        return web.Response(status=unknown.status, headers=_allowed(unknown))


def _allowed(unknown: web.HTTPException) -> dict[str, str]:
    return {"allow": unknown.headers["allow"]} if "allow" in unknown.headers else {}


def _guarding(api_key: str | None) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        guarded = api_key is not None and request.method == "POST" and request.path in GUARDED
        if guarded and not hmac.compare_digest(_bearer(request), f"Bearer {api_key}".encode()):
            return web.Response(status=401)
        return await handler(request)

    return guard


def _bearer(http: web.Request) -> bytes:
    return http.headers.get("authorization", "").encode(errors="surrogateescape")


async def _open_to_any_origin(http: web.Request, response: web.StreamResponse) -> None:
    # TGI's CORS layer, on by default; a gateway in front is expected to take these headers away.
    response.headers["access-control-allow-origin"] = "*"
    response.headers["vary"] = "origin, access-control-request-method, access-control-request-headers"
