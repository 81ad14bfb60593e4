"""Verification keys as frozen values: which key, for which algorithm, good until when. Fetching them is `gateway.jwks`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from gateway.core.errors import SettingsError

ALGORITHMS = ("EdDSA", "ES256", "RS256")
MIN_RSA_BITS = 2048  # NIST SP 800-131A: shorter keys no longer sign
MAX_KEYS = 100  # keys of one issuer: real ones publish two or three
KINDS = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}
CURVES = {"RS256": None, "ES256": "P-256", "EdDSA": "Ed25519"}

Public: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Key:
    """One public key. `algorithm` is pinned here, from the key's own kind: a token's header never chooses it.

    `id` is its `kid`, empty for a key that has none. `thumbprint` is the SHA-256, in hex, of its DER.
    """

    id: str
    algorithm: str
    public: Public = field(repr=False, compare=False)
    thumbprint: str


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys tokens may be signed with now. After `good_until` (Unix seconds) it verifies nothing any more."""

    keys: tuple[Key, ...]
    good_until: float = float("inf")
    digest: str = field(init=False, default="")  # the same for the same keys, whenever they were fetched

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(repr(self.keys).encode("utf-8", "surrogatepass")).hexdigest())

    def candidates(self, id_: str | None) -> tuple[Key, ...]:
        """The key that a token's `kid` names, else those without a name; all of them for a token that names none."""
        if id_ is None:
            return self.keys
        named = tuple(key for key in self.keys if key.id == id_ and id_)
        return named or tuple(key for key in self.keys if not key.id)


def from_pem(files: Mapping[str, bytes], algorithms: Sequence[str] = ALGORITHMS) -> KeySet:
    """Public keys in PEM; the names are for errors only. Raises SettingsError."""
    return key_set([_pem_key(name, data) for name, data in files.items()], algorithms)


def from_jwks(data: bytes, algorithms: Sequence[str] = ALGORITHMS, good_until: float = float("inf")) -> KeySet:
    """A JSON Web Key Set (RFC 7517). Raises SettingsError.

    Keys for encryption, and of kinds no algorithm here uses, are left out; a secret key is an error: it was published.
    """
    try:
        entries = json.loads(data)["keys"]
        if not isinstance(entries, list) or len(entries) > MAX_KEYS:
            raise TypeError(f"keys is a list of at most {MAX_KEYS}")
        keys = [key for entry in entries for key in _jwk(entry)]
    except (ValueError, KeyError, TypeError, RecursionError, jwt.PyJWTError) as error:
        raise SettingsError("is not a JSON Web Key Set", "JWKS", "check the address of the keys") from error
    return key_set(keys, algorithms, good_until)


def key_set(found: Iterable[Key], algorithms: Sequence[str], good_until: float = float("inf")) -> KeySet:
    """Those of the keys that are for an accepted algorithm. Raises SettingsError when there are none, or two of a name."""
    keys = tuple(key for key in found if key.algorithm in algorithms)
    names = [key.id for key in keys if key.id]
    if not keys:
        raise SettingsError("there is no key for an accepted algorithm", "keys", f"use {', '.join(algorithms)}")
    if len(names) != len(set(names)):
        raise SettingsError("two keys have the same kid", "keys", "give each key its own")
    return KeySet(keys, good_until)


def _pem_key(name: str, data: bytes) -> Key:
    if b"PRIVATE KEY" in data:
        raise SettingsError("is a private key", name, "name the public half: the gateway only verifies")
    try:
        public = serialization.load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingsError("is not a public key in PEM", name, "it begins with -----BEGIN PUBLIC KEY-----") from error
    return _pinned("", public, name)


def _jwk(entry: object) -> list[Key]:
    """One key, or none where it is not for verifying with an algorithm we know."""
    if not isinstance(entry, dict):
        raise TypeError("a key is an object")
    if entry.get("kty") == "oct" or "d" in entry:
        raise SettingsError("holds a secret key", "JWKS", "publish public keys only, and replace this one")
    algorithm = KINDS.get(str(entry.get("kty")), "")
    for_us = entry.get("use", "sig") == "sig" and "verify" in entry.get("key_ops", ["verify"])
    if not for_us or entry.get("alg", algorithm) != algorithm or entry.get("crv") != CURVES.get(algorithm, ""):
        return []
    id_ = entry.get("kid", "")
    if not isinstance(id_, str):
        raise TypeError("kid is text")
    return [_pinned(id_, jwt.PyJWK(entry, algorithm).key, f"JWKS key {id_!r}")]


def _pinned(id_: str, public: object, where: str) -> Key:
    match public:
        case RSAPublicKey() if public.key_size < MIN_RSA_BITS:
            raise SettingsError(f"is an RSA key under {MIN_RSA_BITS} bits", where, "make a longer key")
        case RSAPublicKey():
            return Key(id_, "RS256", public, _thumbprint(public))
        case EllipticCurvePublicKey(curve=SECP256R1()):
            return Key(id_, "ES256", public, _thumbprint(public))
        case Ed25519PublicKey():
            return Key(id_, "EdDSA", public, _thumbprint(public))
        case _:
            raise SettingsError("is a key of a kind not used here", where, "use RSA, P-256 or Ed25519")


def _thumbprint(public: Public) -> str:
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()
