"""Tokens for a site without an identity provider: Ed25519, bound to the caller's certificate. Checking them is the identity stage's."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.pki.certificates import private_pem

TOKEN_DAYS = 30


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a token speaks for."""

    name: str
    tenant: str
    roles: Sequence[str]


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues tokens, for whom, and with which key (PEM, Ed25519)."""

    issuer: str
    audience: str
    key_pem: bytes


def new_signing_key() -> tuple[bytes, bytes]:
    """A fresh Ed25519 key: its private and its public half, PEM."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private_pem(key), public


def thumbprint(certificate: x509.Certificate) -> str:
    """base64url(SHA-256(DER)) without padding: the `x5t#S256` of RFC 8705, section 3.1."""
    digest = certificate.fingerprint(hashes.SHA256())
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def issue_token(
    issuer: Issuer, caller: Caller, certificate: x509.Certificate, now: datetime, days: int = TOKEN_DAYS
) -> str:
    """A token that is of use only together with `certificate` and its key. It never outlives the certificate."""
    expires = min(now + timedelta(days=days), certificate.not_valid_after_utc)
    claims = {
        "iss": issuer.issuer,
        "aud": issuer.audience,
        "sub": caller.name,
        "tenant": caller.tenant,
        "roles": list(caller.roles),
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int(expires.timestamp()),
        "cnf": {"x5t#S256": thumbprint(certificate)},
    }
    return jwt.encode(claims, issuer.key_pem, algorithm="EdDSA")
