"""A signature inside the file that it signs, one way for every format, and reading it back.

The last `hangu-report-signature:…` in a file names the key and the Ed25519 signature; what was signed is the whole file
with the signature's characters replaced by `A`. Holding the private key is the caller's matter.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Sign = Callable[[bytes], bytes]

_BLANK = "A" * 88  # as many characters as base64 needs for 64 bytes
_MARK = re.compile(rb"hangu-report-signature:ed25519:([A-Za-z0-9+/]{43}=):([A-Za-z0-9+/=]{88})")


class Standing(Enum):
    """What a signature says of a file."""

    GOOD = "good"
    CHANGED = "changed"
    OTHER_KEY = "other key"
    UNSIGNED = "unsigned"


@dataclass(frozen=True, slots=True)
class Checked:
    """How a file stands, and the key that it names, as the first 16 hexadecimal digits of its SHA-256."""

    standing: Standing
    key: str = ""


def blank(public: bytes) -> str:
    """What a renderer puts where the signature will be. `public` is the key's 32 bytes."""
    return f"hangu-report-signature:ed25519:{b64encode(public).decode()}:{_BLANK}"


def signed(data: bytes, sign: Sign) -> bytes:
    """The file with its signature filled in. Raises ValueError where there is no room for one."""
    found = _last(data)
    if found is None:
        raise ValueError("the file has no place for a signature")
    return data[: found.start(2)] + b64encode(sign(_signed_part(data, found))) + data[found.end(2) :]


def check(data: bytes, public: bytes | None = None) -> Checked:
    """Is this what was signed, and by this key? Without a key: by the key that the file itself names."""
    found = _last(data)
    if found is None:
        return Checked(Standing.UNSIGNED)
    named = b64decode(found[1])
    if public is not None and public != named:
        return Checked(Standing.OTHER_KEY, fingerprint(named))
    standing = Standing.GOOD if _verifies(named, found, data) else Standing.CHANGED
    return Checked(standing, fingerprint(named))


def fingerprint(public: bytes) -> str:
    """A key as people compare it."""
    return sha256(public).hexdigest()[:16]


def _last(data: bytes) -> re.Match[bytes] | None:
    """What an earlier part of the file quotes is content; the last one is the signature."""
    found = deque(_MARK.finditer(data), maxlen=1)
    return found[0] if found else None


def _signed_part(data: bytes, found: re.Match[bytes]) -> bytes:
    return data[: found.start(2)] + _BLANK.encode() + data[found.end(2) :]


def _verifies(public: bytes, found: re.Match[bytes], data: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(b64decode(found[2]), _signed_part(data, found))
    except (InvalidSignature, ValueError):
        return False
    return True
