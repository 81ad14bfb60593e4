"""The data port's OpenAPI document, written from the routes and field tables that serve it. `docs.build` puts it in its place.

A field that a table has and nobody describes here fails the writing, and so does one described that no table has.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from docs import openapi_fields as of
from docs.openapi_fields import Schema
from gateway.core.exchange import Action
from gateway.core.ports import Route
from gateway.http.replies import STATUS
from tgi.wire import TgiWire, chatting, generating, messages

NO_BODY_ERRORS = frozenset({413, 415, 422})  # only a body brings these
MEANING = {
    400: "The bytes are not well-formed HTTP/1.1 or JSON, or a key is there twice",
    401: "The certificate or the token does not identify the caller",
    403: "Refused by policy",
    404: "No such model, or not for this caller",
    405: "This path takes another method",
    408: "The body came too slowly",
    413: "The body is larger than this site takes",
    415: "The body is not JSON in UTF-8, or is compressed",
    422: "A field nobody knows, or a value out of its range",
    429: "Over a limit; `Retry-After` says when to come again",
    502: "The model's server answered nonsense",
    503: "A control, the record or the model's server is not available; `Retry-After` says when to come again",
    504: "The model's server was too slow",
}


def document() -> str:
    """The OpenAPI 3.1 document, as JSON."""
    return json.dumps(_document(), indent=1, ensure_ascii=False) + "\n"


def _document() -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for route in sorted(TgiWire("tgi").routes, key=lambda route: (route.path, route.method)):
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hangu data port",
            "version": "1",
            "description": "What a gateway in front of TGI takes, field by field; the meaning of each is in routes.md. Limits are a "
            "site's defaults. A gateway in front of an OpenAI-shaped server has the `/v1` routes and `/health` alone.",
        },
        "servers": [{"url": "https://localhost:8443"}],
        "security": [{"certificate": [], "token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "certificate": {"type": "mutualTLS", "description": "A certificate of the site's authority; TLS 1.3"},
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Bound to the certificate (RFC 8705)",
                },
            },
            "schemas": {
                "TgiError": _tgi_error(),
                "OpenAIError": _openai_error(),
                "Message": _message(),
                "Parameters": _parameters(),
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    told: dict[str, Any] = {"operationId": _name(route), "responses": _responses(route)}
    if route.method == "POST":
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": _body(route)}}}
    return told


def _name(route: Route) -> str:
    return f"{route.method.lower()}_{route.path.strip('/').replace('/', '_') or 'root'}"


# requests


def _body(route: Route) -> Schema:
    match route.path:
        case "/v1/chat/completions" | "/chat_tokenize":
            return _chat()
        case "/v1/completions":
            return _completion()
        case "/invocations":
            return of.either(_generate({"stream": of.FLAG}), _chat(), _completion())
        case "/":
            return _generate({"stream": of.FLAG})
        case "/generate_stream":
            return _generate({"stream": of.words(True)})
        case _:
            return _generate({"stream": of.words(False)})


def _generate(more: Mapping[str, Schema]) -> Schema:
    inputs = {"type": "string", "minLength": 1}
    fields = _described(generating.BODY, {"inputs": inputs, "parameters": _ref("Parameters")})
    return of.closed({**fields, **more}, "inputs")


def _parameters() -> Schema:
    return of.closed(_described(generating.PARAMETERS, of.GENERATE_FIELDS))


def _chat() -> Schema:
    """One name for the most tokens, and no alternatives without log-probabilities."""
    turns = of.array(_ref("Message"), of.LIMITS.max_messages, 1)
    fields = _described(chatting.TGI_CHAT, {**of.OPENAI_FIELDS, "messages": turns})
    return {
        **of.closed(fields, "messages"),
        "not": {"required": ["max_tokens", "max_completion_tokens"], "properties": _there("max_tokens", "max_completion_tokens")},
        "dependentSchemas": {"top_logprobs": of.either({"properties": {"top_logprobs": of.words(0, None)}}, {"required": ["logprobs"], "properties": {"logprobs": of.words(True)}})},
    }  # fmt: skip


def _there(*names: str) -> Schema:
    return {name: {"not": of.ABSENT} for name in names}


def _completion() -> Schema:
    return of.closed(_described(chatting.TGI_COMPLETION, {**of.OPENAI_FIELDS, **of.COMPLETION_FIELDS}), "prompt")


def _message() -> Schema:
    """A turn says something, or calls a tool."""
    said = {"required": ["content"], "properties": _there("content")}
    called = {"required": ["tool_calls"], "properties": {"tool_calls": {"type": "array", "minItems": 1}}}
    return {**of.closed(_described(messages.FIELDS, of.MESSAGE_FIELDS), "role"), "anyOf": [said, called]}


def _described(table: Mapping[str, object], schemas: Mapping[str, Schema]) -> dict[str, Schema]:
    """Every field of a table with its schema, in the table's order. Raises KeyError for one that nobody described."""
    return {name: schemas[name] for name in table}


# replies


def _responses(route: Route) -> dict[str, Any]:
    codes = sorted(set(STATUS.values()) - {405} - (frozenset() if route.method == "POST" else NO_BODY_ERRORS))
    return {"200": _success(route), **{str(code): _failure(code, route.shape) for code in codes}}


def _success(route: Route) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": _reply(route)}}
    if route.path in ("/generate_stream", "/health"):
        content = {}
    if route.action in (Action.CHAT, Action.COMPLETE, Action.GENERATE, Action.UNKNOWN) and route.path != "/generate":
        content["text/event-stream"] = {}  # events whose data is JSON, as routes.md says
    return {"description": "As asked", "headers": _headers(), "content": content}


def _failure(code: int, shape: str) -> dict[str, Any]:
    headers = _headers("Retry-After") if code in (429, 503) else _headers()
    schema = _ref("OpenAIError" if shape == "openai" else "TgiError")
    return {"description": MEANING[code], "headers": headers, "content": {"application/json": {"schema": schema}}}


def _headers(*more: str) -> dict[str, Any]:
    return {name: {"required": True, "schema": of.TEXT} for name in ("x-request-id", *more)}


def _reply(route: Route) -> Schema:
    match route.path:
        case "/":
            return {"type": "array", "items": _holds("generated_text"), "minItems": 1, "maxItems": 1}
        case "/generate":
            return _holds("generated_text")
        case "/tokenize":
            return {"type": "array", "items": _holds("id", "text", "start", "stop")}
        case "/chat_tokenize":
            return _holds("tokenize_response", "templated_text")
        case "/v1/models":
            return _holds("object", "data")
        case "/v1/chat/completions" | "/v1/completions":
            return _holds("id", "object", "created", "model", "choices", "usage")
        case "/info":
            return _holds("model_id")
        case _:
            return of.ANYTHING


def _holds(*names: str) -> Schema:
    """An object with at least these."""
    return {"type": "object", "required": list(names), "properties": dict.fromkeys(names, of.ANYTHING)}


def _tgi_error() -> Schema:
    names = ("error", "error_type", "code", "request_id")
    return {
        "type": "object",
        "required": list(names),
        "properties": {**dict.fromkeys(names, of.TEXT), "code": of.words(*_codes())},
    }


def _openai_error() -> Schema:
    fields = {
        "message": of.TEXT,
        "type": of.TEXT,
        "code": of.words(*_codes()),
        "param": of.field(of.TEXT),
        "request_id": of.TEXT,
    }
    inner = {"type": "object", "required": list(fields), "properties": fields}
    return {"type": "object", "required": ["error"], "properties": {"error": inner}}


def _codes() -> Iterable[str]:
    return sorted(code.value for code in STATUS)


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def undescribed() -> list[str]:
    """Fields that this page describes and no table has: words left over from a field that is gone."""
    known = {*chatting.TGI_CHAT, *chatting.TGI_COMPLETION}
    left = [name for name in {**of.OPENAI_FIELDS, **of.COMPLETION_FIELDS} if name not in known]
    left += [name for name in of.GENERATE_FIELDS if name not in generating.PARAMETERS]
    return left + [name for name in of.MESSAGE_FIELDS if name not in messages.FIELDS]
