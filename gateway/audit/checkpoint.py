"""Signed tree heads as text: C2SP tlog-checkpoint in a signed note, Ed25519. Reading and checking; signing lives in `seal`.

hangu/w0                      the log's name: site and origin
1042                          how many records it has
<base64 of the root>

— hangu/w0 <base64 of key id and signature>
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from gateway.core.errors import AuditError

Publics = bytes | Sequence[bytes]  # the 32 bytes of a public key; or of several, the one in use first

ED25519 = b"\x01"  # C2SP signed-note's signature type
DASH = "— "


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head and its signatures: (key name, key id and signature)."""

    name: str
    size: int
    root: bytes
    signatures: tuple[tuple[str, bytes], ...] = ()

    @property
    def origin(self) -> str:
        """The origin within the site: what the segments' names carry."""
        return self.name.rpartition("/")[2]

    @property
    def text(self) -> bytes:
        """What is signed."""
        return f"{self.name}\n{self.size}\n{b64encode(self.root).decode()}\n".encode()

    @property
    def note(self) -> bytes:
        """The whole note, as it is kept and published."""
        return self.text + b"\n" + b"".join(signature_line(name, blob) for name, blob in self.signatures)


def signature_line(name: str, blob: bytes) -> bytes:
    return f"{DASH}{name} {b64encode(blob).decode()}\n".encode()


def parse(note: bytes) -> Checkpoint:
    """One signed note. Raises AuditError when it is none."""
    try:
        head, _, tail = note.decode().partition("\n\n")
        name, size, root, *_ = head.split("\n")
        return Checkpoint(name, int(size), b64decode(root, validate=True), tuple(_signatures(tail)))
    except ValueError as error:
        raise AuditError("not a signed checkpoint") from error


def split(notes: bytes) -> Iterator[bytes]:
    """The notes of a file that holds one after another. A torn last one is left out: it promised nothing."""
    note: list[bytes] = []
    signed = False
    for line in notes.splitlines(keepends=True):
        is_signature = line.startswith(DASH.encode())
        if signed and not is_signature:
            yield b"".join(note)
            note = []
        signed = is_signature and line.endswith(b"\n")
        note.append(line)
    if signed:
        yield b"".join(note)


def key_id(name: str, public: bytes) -> bytes:
    """C2SP signed-note: the first 4 bytes of SHA-256(name, newline, type, key)."""
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """The public key as other tools take it: name+id+key."""
    return f"{name}+{key_id(name, public).hex()}+{b64encode(ED25519 + public).decode()}"


def public_keys(pem: bytes) -> tuple[bytes, ...]:
    """Every public key of a file: the one in use first, then those it took the place of, newest first."""
    end = b"-----END PUBLIC KEY-----"
    return tuple(public_key(part + end) for part in pem.split(end)[:-1]) or (public_key(pem),)


def public_pem(public: bytes) -> bytes:
    """The 32 bytes of an Ed25519 public key as PEM."""
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def each_of(public: Publics) -> tuple[bytes, ...]:
    """The keys, however they were handed in."""
    return (public,) if isinstance(public, bytes) else tuple(public)


def public_key(pem: bytes) -> bytes:
    """The 32 bytes of an Ed25519 public key in PEM; of several, the first."""
    try:
        key = load_pem_public_key(pem)
    except ValueError as error:
        raise AuditError("not a public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise AuditError("the audit key must be an Ed25519 key")
    return key.public_bytes_raw()


def is_signed(checkpoint: Checkpoint, public: Publics) -> bool:
    """Did this key, or one of these, sign it, under the log's own name?"""
    return any(_is_signed(checkpoint.name, checkpoint.text, checkpoint.signatures, one) for one in each_of(public))


def manifest_text(name: str, origins: Iterable[str]) -> bytes:
    """What is signed of the list of all origins that ever were: its name, then one origin a line."""
    return "".join(f"{line}\n" for line in (name, *sorted(origins))).encode()


def read_manifest(note: bytes, public: Publics) -> list[str]:
    """The origins of a signed manifest. Raises AuditError when none of these keys signed it."""
    try:
        text, _, tail = note.decode().partition("\n\n")
        name, *listed = text.split("\n")
        signatures = list(_signatures(tail))
        good = any(_is_signed(name, text.encode() + b"\n", signatures, one) for one in each_of(public))
    except ValueError as error:
        raise AuditError("not a signed manifest of origins") from error
    if not good:
        raise AuditError("the manifest of origins is not signed by this key")
    return listed


def _is_signed(name: str, text: bytes, signatures: Iterable[tuple[str, bytes]], public: bytes) -> bool:
    wanted = key_id(name, public)
    return any(who == name and blob[:4] == wanted and _verifies(public, blob[4:], text) for who, blob in signatures)


def _verifies(public: bytes, signature: bytes, text: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except InvalidSignature:
        return False
    return True


def _signatures(tail: str) -> Iterator[tuple[str, bytes]]:
    for line in tail.splitlines():
        name, _, blob = line.removeprefix(DASH).rpartition(" ")
        if not line.startswith(DASH) or not name:
            raise ValueError(line)
        yield name, b64decode(blob, validate=True)
