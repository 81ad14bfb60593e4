"""What a stage may say of an exchange: a closed union, returned and never raised. HTTP status numbers live in `http.replies`."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from gateway.core.exchange import Exchange
from gateway.core.facts import fact


class Code(StrEnum):
    """Every reason for a refusal. Stable, documented, safe to show: clients and audit records rely on the words."""

    REQUEST_MALFORMED = "request_malformed"
    JSON_MALFORMED = "json_malformed"
    JSON_DUPLICATE_KEY = "json_duplicate_key"
    FIELD_UNKNOWN = "field_unknown"
    PARAMETER_INVALID = "parameter_invalid"
    MEDIA_TYPE_UNSUPPORTED = "media_type_unsupported"
    TOO_LARGE = "too_large"
    REQUEST_TIMEOUT = "request_timeout"
    ROUTE_UNKNOWN = "route_unknown"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CERTIFICATE_REJECTED = "certificate_rejected"
    TOKEN_MISSING = "token_missing"
    TOKEN_INVALID = "token_invalid"
    TOKEN_EXPIRED = "token_expired"
    STEP_UP_REQUIRED = "step_up_required"
    TOKEN_NOT_BOUND = "token_not_bound"
    KEYS_UNAVAILABLE = "keys_unavailable"
    NOT_PERMITTED = "not_permitted"
    PARAMETER_NOT_PERMITTED = "parameter_not_permitted"
    MODEL_NOT_FOUND = "model_not_found"
    RATE_LIMITED = "rate_limited"
    TOO_MANY_STREAMS = "too_many_streams"
    ATTACK_DETECTED = "attack_detected"
    PROMPT_INJECTION = "prompt_injection"
    CONTROL_TOKEN_FORGED = "control_token_forged"
    URL_NOT_ALLOWED = "url_not_allowed"
    SCHEMA_TOO_COMPLEX = "schema_too_complex"
    TOOL_UNDECLARED = "tool_undeclared"
    PERSONAL_DATA_BLOCKED = "personal_data_blocked"
    OUTPUT_BLOCKED = "output_blocked"
    STAGE_FAILED = "stage_failed"
    STAGE_TIMEOUT = "stage_timeout"
    AUDIT_UNAVAILABLE = "audit_unavailable"
    SEALING_UNAVAILABLE = "sealing_unavailable"
    BACKEND_UNAVAILABLE = "backend_unavailable"
    BACKEND_OVERLOADED = "backend_overloaded"
    BACKEND_TIMEOUT = "backend_timeout"
    BACKEND_NONSENSE = "backend_nonsense"
    DRAINING = "draining"


@fact(frozen=True, slots=True)
class Finding:
    """What a rule saw and where. Never the matched text: findings reach the record.

    `where` is a passage's place or a reply channel; `start` and `end` are code points in it; `score` is 0..1.
    """

    kind: str  # "pii", "secret", "waf", "access", "output", ...
    rule: str
    where: str
    start: int = 0
    end: int = 0
    score: float = 1.0
    entity: str = ""
    how: str = ""  # how it was seen, in short stable words, where that weighs: "base64", "quoted"
    excerpt_hash: str = (
        ""  # of what was seen, under a key of the site's: the same words can be found again, and not guessed
    )


@fact(frozen=True, slots=True)
class Allow:
    """Carry on unchanged."""

    findings: tuple[Finding, ...] = ()


ALLOW = Allow()  # nothing seen, nothing changed: what nearly every stage says of nearly every request


@fact(frozen=True, slots=True)
class Amend:
    """Carry on with this exchange: identified, redacted, routed."""

    exchange: Exchange
    findings: tuple[Finding, ...] = ()


@fact(frozen=True, slots=True)
class Refuse:
    """Stop. `detail` is safe to show to the caller and never quotes content; `retry_after` is seconds."""

    code: Code
    findings: tuple[Finding, ...] = ()
    detail: str = ""
    retry_after: float | None = None


Verdict: TypeAlias = Allow | Amend | Refuse
