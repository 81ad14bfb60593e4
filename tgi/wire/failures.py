"""A backend's words for its failures → the codes callers know. Messages are passed on only where they quote nobody."""

from __future__ import annotations

import re
from types import MappingProxyType

import orjson

from gateway.core.reply import Failed
from gateway.core.verdict import Code, Refuse

_BY_TYPE = MappingProxyType(  # TGI's `error_type`, and the words other backends use in `type` or `code`
    {
        "validation": Code.PARAMETER_INVALID,
        "template_error": Code.PARAMETER_INVALID,
        "missing_template_variable": Code.PARAMETER_INVALID,
        "tool_error": Code.PARAMETER_INVALID,
        "invalid_request_error": Code.PARAMETER_INVALID,
        "BadRequestError": Code.PARAMETER_INVALID,
        "overloaded": Code.BACKEND_OVERLOADED,
        "rate_limit_error": Code.BACKEND_OVERLOADED,
        "generation": Code.BACKEND_UNAVAILABLE,
        "healthcheck": Code.BACKEND_UNAVAILABLE,
        "unavailable_error": Code.BACKEND_UNAVAILABLE,
        "incomplete_generation": Code.BACKEND_NONSENSE,
        "incomplete_generation_stream": Code.BACKEND_NONSENSE,
    }
)

_BY_STATUS = MappingProxyType(
    {
        400: Code.PARAMETER_INVALID,
        413: Code.TOO_LARGE,
        422: Code.PARAMETER_INVALID,
        429: Code.BACKEND_OVERLOADED,
        424: Code.BACKEND_UNAVAILABLE,
        401: Code.BACKEND_UNAVAILABLE,  # our key is wrong: the operator's matter, not the caller's
        403: Code.BACKEND_UNAVAILABLE,
        503: Code.BACKEND_UNAVAILABLE,
        504: Code.BACKEND_TIMEOUT,
    }
)

# What only the caller can mend, although backends call it a failure of theirs: outlines' words, its core's, and the embedded backend's.
_UNWRITABLE = re.compile(
    r"(?i)vocabulary does not allow us to build|vocabulary provided is incompatible with the regex"
    r"|no token of the vocabulary can follow the grammar"
)
_TOO_LONG = re.compile(r"(?i)the grammar takes too long to follow")
UNWRITABLE, TOO_LONG = (
    "the model has no tokens to write what the grammar asks for",
    "the grammar takes too long to follow",
)

# Sentences made of a backend's own words and numbers. Any other message may quote the request, and stays here.
_SAFE = re.compile(
    r"(?:Input validation error: )?"
    r"(`inputs` tokens \+ `max_new_tokens` must be <= \d+\. Given: \d+ `inputs` tokens and \d+ `max_new_tokens`"
    r"|`inputs` must have less than \d+ tokens\. Given: \d+"
    r"|`inputs` cannot be empty"
    r"|`truncate` must be strictly positive and less than \d+\. Given: \d+"
    r"|`best_of` must be > 0 and <= \d+\. Given: \d+"
    r"|`best_of` != 1 is not allowed for this endpoint"
    r"|`stop` supports up to \d+ stop sequences\. Given: \d+"
    r"|`top_n_tokens` must be >= 0 and <= \d+\. Given: \d+"
    r"|grammar is not supported)"
)


def failed(error: object, kind: object, status: object = None) -> Failed:
    """An error told inside a reply. `error` is its message, `kind` TGI's or OpenAI's word, `status` what TGI's chat says."""
    if isinstance(error, str) and (of_grammar := _of_grammar(error)) is not None:
        return of_grammar
    code = _BY_TYPE.get(kind) if isinstance(kind, str) else None
    if code is None and isinstance(error, str) and "overloaded" in error.lower()[:40]:
        code = Code.BACKEND_OVERLOADED  # TGI's chat streams say 422 even then
    if code is None and isinstance(status, int):
        code = _BY_STATUS.get(status)
    return Failed(code or Code.BACKEND_NONSENSE, _detail(error))


def failure_in(value: dict[str, object]) -> Failed | None:
    """The failure a JSON reply tells of, in any of the known shapes; None if it tells of none."""
    error = value.get("error")
    if error is None:
        return None
    if not isinstance(error, dict):
        return failed(error, value.get("error_type"))
    kind = error.get("type")
    if not isinstance(kind, str) or kind not in _BY_TYPE:
        kind = error.get("code")
    return failed(error.get("message"), kind, error.get("http_status_code", error.get("code")))


def refusal(status: int, body: bytes) -> Refuse:
    """An error reply. Its status decides, but for grammars nobody could follow; only safe sentences are passed on."""
    told = _told(body)
    if told is not None and told.detail in (UNWRITABLE, TOO_LONG):
        return Refuse(told.code, detail=told.detail)
    code = _BY_STATUS.get(status)
    if code is None:
        code = Code.BACKEND_UNAVAILABLE if status >= 500 else Code.BACKEND_NONSENSE
    return Refuse(code, detail=told.detail if told is not None else "")


def _of_grammar(error: str) -> Failed | None:
    if _UNWRITABLE.search(error):
        return Failed(Code.PARAMETER_INVALID, UNWRITABLE)
    return Failed(Code.SCHEMA_TOO_COMPLEX, TOO_LONG) if _TOO_LONG.search(error) else None


def _told(body: bytes) -> Failed | None:
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return failure_in(value) if isinstance(value, dict) else None


def _detail(message: object) -> str:
    if not isinstance(message, str):
        return ""
    safe = _SAFE.fullmatch(message)
    return safe.group(1) if safe else ""
