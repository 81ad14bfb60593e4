"""What a refusal looks like in each client's own shape, as plain values. Status numbers are `http.replies`', bytes are the writers'."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.core.verdict import Code

TGI_WORDS: Mapping[Code, str] = (
    MappingProxyType(  # words TGI's clients turn into exceptions; for others, the code itself
        {
            Code.FIELD_UNKNOWN: "validation",
            Code.PARAMETER_INVALID: "validation",
            Code.SCHEMA_TOO_COMPLEX: "validation",
            Code.RATE_LIMITED: "overloaded",
            Code.TOO_MANY_STREAMS: "overloaded",
            Code.BACKEND_OVERLOADED: "overloaded",
            Code.BACKEND_NONSENSE: "incomplete_generation",
            Code.BACKEND_UNAVAILABLE: "generation",
            Code.BACKEND_TIMEOUT: "generation",
        }
    )
)

_IDENTITY = (
    Code.CERTIFICATE_REJECTED,
    Code.TOKEN_MISSING,
    Code.TOKEN_INVALID,
    Code.TOKEN_EXPIRED,
    Code.STEP_UP_REQUIRED,
    Code.TOKEN_NOT_BOUND,
)
_POLICY = (
    Code.NOT_PERMITTED,
    Code.PARAMETER_NOT_PERMITTED,
    Code.ATTACK_DETECTED,
    Code.PROMPT_INJECTION,
    Code.CONTROL_TOKEN_FORGED,
    Code.URL_NOT_ALLOWED,
    Code.TOOL_UNDECLARED,
    Code.PERSONAL_DATA_BLOCKED,
    Code.OUTPUT_BLOCKED,
)
_OURS = (
    Code.KEYS_UNAVAILABLE,
    Code.STAGE_FAILED,
    Code.STAGE_TIMEOUT,
    Code.AUDIT_UNAVAILABLE,
    Code.SEALING_UNAVAILABLE,
    Code.BACKEND_UNAVAILABLE,
    Code.BACKEND_TIMEOUT,
    Code.BACKEND_NONSENSE,
    Code.DRAINING,
)
OPENAI_WORDS: Mapping[Code, str] = MappingProxyType(  # `type` in OpenAI's errors; for others, the caller's mistake
    {
        **dict.fromkeys(_IDENTITY, "authentication_error"),
        **dict.fromkeys(_POLICY, "permission_error"),
        **dict.fromkeys(_OURS, "server_error"),
        Code.ROUTE_UNKNOWN: "not_found_error",
        Code.MODEL_NOT_FOUND: "not_found_error",
        Code.RATE_LIMITED: "rate_limit_error",
        Code.TOO_MANY_STREAMS: "rate_limit_error",
        Code.BACKEND_OVERLOADED: "rate_limit_error",
    }
)


def tgi_error(code: Code, message: str, request_id: str) -> dict[str, object]:
    """`{"error","error_type"}`, with the stable code beside them."""
    word = TGI_WORDS.get(code, code.value)
    return {"error": message, "error_type": word, "code": code.value, "request_id": request_id}


def openai_error(code: Code, message: str, request_id: str) -> dict[str, object]:
    """`{"error":{"message","type","code","param"}}`."""
    word = OPENAI_WORDS.get(code, "invalid_request_error")
    error = {"message": message, "type": word, "code": code.value, "param": None, "request_id": request_id}
    return {"error": error}
