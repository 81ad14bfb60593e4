"""Code → HTTP reply, in the shape the route's own clients parse. The only place that knows status numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import orjson

from gateway.core import told
from gateway.core.facts import fact
from gateway.core.meanings import meaning
from gateway.core.reply import Label
from gateway.core.verdict import Code, Refuse

STATUS: Mapping[Code, int] = MappingProxyType(
    {
        Code.REQUEST_MALFORMED: 400,
        Code.JSON_MALFORMED: 400,
        Code.JSON_DUPLICATE_KEY: 400,
        Code.FIELD_UNKNOWN: 422,
        Code.PARAMETER_INVALID: 422,
        Code.MEDIA_TYPE_UNSUPPORTED: 415,
        Code.TOO_LARGE: 413,
        Code.REQUEST_TIMEOUT: 408,
        Code.ROUTE_UNKNOWN: 404,
        Code.METHOD_NOT_ALLOWED: 405,
        Code.CERTIFICATE_REJECTED: 401,
        Code.TOKEN_MISSING: 401,
        Code.TOKEN_INVALID: 401,
        Code.TOKEN_EXPIRED: 401,
        Code.STEP_UP_REQUIRED: 401,
        Code.TOKEN_NOT_BOUND: 401,
        Code.KEYS_UNAVAILABLE: 503,
        Code.NOT_PERMITTED: 403,
        Code.PARAMETER_NOT_PERMITTED: 403,
        Code.MODEL_NOT_FOUND: 404,
        Code.RATE_LIMITED: 429,
        Code.TOO_MANY_STREAMS: 429,
        Code.ATTACK_DETECTED: 403,
        Code.PROMPT_INJECTION: 403,
        Code.CONTROL_TOKEN_FORGED: 403,
        Code.URL_NOT_ALLOWED: 403,
        Code.SCHEMA_TOO_COMPLEX: 422,
        Code.TOOL_UNDECLARED: 403,
        Code.PERSONAL_DATA_BLOCKED: 403,
        Code.OUTPUT_BLOCKED: 403,
        Code.STAGE_FAILED: 503,
        Code.STAGE_TIMEOUT: 503,
        Code.AUDIT_UNAVAILABLE: 503,
        Code.SEALING_UNAVAILABLE: 503,
        Code.BACKEND_UNAVAILABLE: 503,
        Code.BACKEND_OVERLOADED: 429,
        Code.BACKEND_TIMEOUT: 504,
        Code.BACKEND_NONSENSE: 502,
        Code.DRAINING: 503,
    }
)

SERVER = "hangu"  # and no version: nobody outside needs to know which one to attack
RETRY_SECONDS = 1.0  # when nobody can say how long: long enough to spare us, short enough to spare them


@fact(frozen=True, slots=True)
class Reply:
    """A whole reply, ready to send."""

    status: int
    body: bytes
    headers: dict[str, str]


def refusal_reply(refusal: Refuse, shape: str, request_id: str) -> Reply:
    """The reply to a refused exchange: a status, a stable code, and no word of which characters matched."""
    status = STATUS[refusal.code]
    headers = {"x-request-id": request_id, "content-type": "application/json", "server": SERVER}
    if status in (429, 503):
        headers["retry-after"] = str(max(1, math.ceil(refusal.retry_after or RETRY_SECONDS)))
    if status == 401:
        headers["www-authenticate"] = f'Bearer error="{refusal.code}"'
    return Reply(status, error_body(refusal.code, sentence(refusal), shape, request_id), headers)


def labelled(data: bytes, label: Label | None) -> bytes:
    """The end of a reply, or the whole of one, with a label's members added to its last object."""
    at = data.rfind(b"}") if label is not None else -1  # every shape ends in its own object's brace, or in `[DONE]`
    return data if label is None or at < 0 else b"".join((data[:at], b",", label.members, data[at:]))


def sentence(refusal: Refuse) -> str:
    """What the caller reads: the meaning of the code, and which field when that helps."""
    return f"{meaning(refusal.code)}: {refusal.detail}" if refusal.detail else meaning(refusal.code)


def error_body(code: Code, message: str, shape: str, request_id: str) -> bytes:
    """The body in the shape of the route's clients: "openai" or "tgi"."""
    say = told.openai_error if shape == "openai" else told.tgi_error
    return orjson.dumps(say(code, message, request_id))
