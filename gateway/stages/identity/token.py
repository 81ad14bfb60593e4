"""One JSON Web Token: taken apart strictly, its signature checked by PyJWT, its claims against the site's rules.

Every refusal has a short stable word, kept in the finding: the record says why, the caller learns only the code.
Time is handed in. Nothing is remembered here: that is `memory`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import jwt

from gateway.core.exchange import Certificate
from gateway.core.verdict import Code
from gateway.stages.identity.keys import Key, KeySet
from gateway.stages.identity.rules import IdentityRules

MAX_TOKEN_BYTES = 16_384  # the longest header line the listener takes
MAX_NAME = 200  # characters of a subject, tenant or role: what rules and records are made for
MAX_TIME = 253_402_300_799  # seconds: the end of the year 9999; beyond it somebody means "never"
MAX_ROLES = 200  # roles of one token: directories with nested groups reach some dozens
MAX_KEYS_TRIED = 4  # for a token that names no key: two keys in rotation, twice over
TYPES = ("jwt", "at+jwt", "application/at+jwt")  # RFC 7519, RFC 9068

# Headers that bring or point to a key of the sender's choice, or change how the token must be read.
DANGEROUS_HEADERS = ("jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc")

Claims: TypeAlias = Mapping[str, Any]
_JWS = jwt.PyJWS()


@dataclass(frozen=True, slots=True)
class Papers:
    """What a good token says. `not_before` and `expires` are Unix seconds, without leeway."""

    subject: str
    tenant: str
    roles: tuple[str, ...]
    not_before: float
    expires: float


class Rejected(Exception):
    """Why a token is not taken; stays within this folder and becomes a Refuse there."""

    def __init__(self, code: Code, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why


def invalid(why: str) -> Rejected:
    return Rejected(Code.TOKEN_INVALID, why)


def read(token: str, keys: KeySet, rules: IdentityRules, certificate: Certificate | None) -> Papers:
    """The token's papers, or `Rejected`. Its times are read here and judged by `in_time`."""
    check_form(token)
    header, payload = _take_apart(token)
    _check_header(header, rules)
    _verify(token, header, keys.candidates(_key_id(header)))
    claims = _object(payload, "claims")
    _check_addressees(claims, rules)
    _check_binding(claims.get("cnf"), rules, certificate)
    return _papers(claims, rules)


def in_time(papers: Papers, now: float, leeway: float) -> None:
    """Raises `Rejected` outside the token's time."""
    if now >= papers.expires + leeway:
        raise Rejected(Code.TOKEN_EXPIRED, "expired")
    if now < papers.not_before - leeway:
        raise Rejected(Code.TOKEN_EXPIRED, "not-yet-valid")


def check_form(token: str) -> None:
    """What must hold before anything else is done with a token. Raises `Rejected`."""
    if len(token) > MAX_TOKEN_BYTES:
        raise invalid("too-long")
    if not token.isascii() or token.count(".") != 2:
        raise invalid("not-a-jwt")


def _take_apart(token: str) -> tuple[Mapping[str, Any], bytes]:
    parts = token.split(".")
    return _object(_decoded(parts[0]), "header"), _decoded(parts[1])


def _decoded(part: str) -> bytes:
    """Base64url without padding (RFC 7515, section 2), in its only spelling."""
    try:
        data = base64.b64decode(part + "=" * (-len(part) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("not-base64url") from error
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != part:
        raise invalid("not-base64url")
    return data


def _object(data: bytes, what: str) -> Mapping[str, Any]:
    """A JSON object in which no name comes twice: readers that differ on which one counts can be played against each other."""
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise invalid(f"bad-{what}") from error
    if not isinstance(value, dict):
        raise invalid(f"bad-{what}")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise invalid("duplicate-name")
    return found


def _no_constant(word: str) -> float:
    raise ValueError(word)


def _check_header(header: Mapping[str, Any], rules: IdentityRules) -> None:
    for name in DANGEROUS_HEADERS:
        if name in header:
            raise invalid(f"header-{name}")
    if header.get("alg") not in rules.algorithms:
        raise invalid("algorithm")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        raise invalid("type")


def _key_id(header: Mapping[str, Any]) -> str | None:
    id_ = header.get("kid")
    if id_ is not None and (not isinstance(id_, str) or len(id_) > MAX_NAME):
        raise invalid("key-id")
    return id_


def _verify(token: str, header: Mapping[str, Any], keys: Iterable[Key]) -> None:
    """With the algorithm of the key. A header that says another algorithm is refused before any signature is looked at."""
    found = list(keys)
    if not found:
        raise invalid("unknown-key")
    matching = [key for key in found if key.algorithm == header["alg"]]
    if not matching:
        raise invalid("algorithm-of-another-key")
    for key in matching[:MAX_KEYS_TRIED]:
        try:
            _JWS.decode(token, key.public, algorithms=[key.algorithm])
            return
        except jwt.PyJWTError:
            continue
    raise invalid("signature")


def _check_addressees(claims: Claims, rules: IdentityRules) -> None:
    if claims.get("iss") not in rules.issuers:
        raise invalid("issuer")
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if not any(name in rules.audiences for name in named if isinstance(name, str)):
        raise invalid("audience")


def _check_binding(confirmation: object, rules: IdentityRules, certificate: Certificate | None) -> None:
    """RFC 8705, section 3.1. A binding to something else than a certificate cannot be checked here, so it is refused."""
    if confirmation is None and not rules.require_bound_tokens:
        return
    thumbprint = confirmation.get("x5t#S256") if isinstance(confirmation, dict) else None
    if not isinstance(thumbprint, str) or not thumbprint.isascii() or certificate is None:
        raise Rejected(Code.TOKEN_NOT_BOUND, "not-bound")
    if not hmac.compare_digest(thumbprint.encode(), certificate.thumbprint.encode()):
        raise Rejected(Code.TOKEN_NOT_BOUND, "bound-to-another-certificate")


def _papers(claims: Claims, rules: IdentityRules) -> Papers:
    expires = _time(claims, "exp", None)
    not_before = max(_time(claims, "nbf", -math.inf), _time(claims, "iat", -math.inf))
    tenant = _claim(claims, rules.tenant_claim)
    return Papers(
        _name(_claim(claims, rules.subject_claim), "subject"),
        _name(rules.default_tenant if tenant is None and rules.default_tenant else tenant, "tenant"),
        _roles(_claim(claims, rules.roles_claim)),
        not_before,
        expires,
    )


def _time(claims: Claims, name: str, otherwise: float | None) -> float:
    """Unix seconds. `1e999` is infinity to Python's reader: such a token would never expire."""
    if name not in claims and otherwise is not None:
        return otherwise
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_TIME:
        raise invalid(f"bad-{name}")
    return value


def _claim(claims: Claims, path: str) -> object:
    """By its whole name first; else one level deeper at every dot."""
    if path in claims:
        return claims[path]
    value: object = claims
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _name(value: object, what: str) -> str:
    """Printable, bounded, and not `*`, which means "any" in rules."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or not value.isprintable() or value == "*":
        raise invalid(f"bad-{what}")
    return value


def _roles(value: object) -> tuple[str, ...]:
    words = value.split() if isinstance(value, str) else [] if value is None else value
    if not isinstance(words, list) or len(words) > MAX_ROLES:
        raise invalid("bad-roles")
    return tuple(dict.fromkeys(_name(word, "roles") for word in words))
