"""Original texts under lock: sealed record by record, opened only to reveal, gone for good when a subject's key is destroyed.

    master key ─wraps─▶ tenant's key ─wraps─▶ subject's key ─wraps─▶ record's key ─seals─▶ the original texts

AES-256-GCM throughout; what a key is for is bound in as associated data. Wrapped keys are files; only the last two of the
chain lie in the record itself. Who may reveal, and that it is recorded, is `disclosure`'s matter.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.audit.disk import replace_durably, sync_directory
from gateway.core.errors import AuditError
from gateway.core.exchange import Exchange

KEY_BYTES = 32
NONCE_BYTES = 12
WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + 16  # nonce, key, tag
VERSION = b"\x01"


class Master(Protocol):
    """Whoever holds the topmost key: a file, or a token that never lets it out."""

    def wrap(self, key: bytes, about: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, about: bytes) -> bytes: ...


class Key:
    """A key in memory. Also the `Master` of sites that keep theirs in a file."""

    def __init__(self, key: bytes, entropy: Callable[[int], bytes] = os.urandom) -> None:
        if len(key) != KEY_BYTES:
            raise AuditError(f"a sealing key has {KEY_BYTES} bytes, not {len(key)}")
        self._cipher, self._entropy = AESGCM(key), entropy

    def wrap(self, key: bytes, about: bytes) -> bytes:
        nonce = self._entropy(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, about)

    def unwrap(self, wrapped: bytes, about: bytes) -> bytes:
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], about)
        except (InvalidTag, ValueError) as error:
            raise AuditError("this key does not open it", hint="the key was replaced, or the data changed") from error


class Vault:
    """The keys of all subjects, in a directory of their own."""

    def __init__(self, directory: Path, master: Master, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._directory, self._master, self._entropy = directory, master, entropy
        self._subjects: dict[tuple[str, str], Key] = {}

    def seal(self, exchange: Exchange) -> str:
        """The passages as they came, for `record.opened(…, sealed=…)`. Makes the subject's key at its first exchange."""
        who = exchange.principal
        subject = self._subject(who.tenant if who else "", who.name if who else "", make=True)
        key, about = self._entropy(KEY_BYTES), exchange.id.encode()
        texts = orjson.dumps([passage.text for passage in exchange.passages])
        return b64encode(VERSION + subject.wrap(key, about) + Key(key, self._entropy).wrap(texts, about)).decode()

    def open(self, sealed: str, id_: str, tenant: str, user: str) -> tuple[str, ...]:
        """The original texts. Raises AuditError when the subject's key was destroyed."""
        data, about = b64decode(sealed), id_.encode()
        if data[:1] != VERSION:
            raise AuditError(f"sealed in a form that is not known: {data[:1].hex()}")
        key = self._subject(tenant, user, make=False).unwrap(data[1 : 1 + WRAPPED_BYTES], about)
        return tuple(orjson.loads(Key(key).unwrap(data[1 + WRAPPED_BYTES :], about)))

    def destroy(self, tenant: str, user: str) -> bool:
        """Destroy a subject's key: whatever was sealed for it is noise from now on. False when there was none."""
        self._subjects.pop((tenant, user), None)
        return _destroy(self._path(tenant, user))

    def rewrap(self, new: Master) -> int:
        """Put every tenant's key under a new master key; subjects' keys and records stay as they are. Gives how many.

        May be run again after a crash: what is under the new key already stays as it is.
        """
        count = 0
        for folder in self._tenants():
            path, about = folder / "tenant.key", (folder / "tenant.name").read_bytes()
            wrapped = path.read_bytes()
            if not _opens(new, wrapped, about):
                replace_durably(path, new.wrap(self._master.unwrap(wrapped, about), about))
                count += 1
        self._master = new
        return count

    def _subject(self, tenant: str, user: str, *, make: bool) -> Key:
        known, path = self._subjects.get((tenant, user)), self._path(tenant, user)
        if known is None or not path.exists():  # another process may have destroyed it: never seal with a dead key
            about = f"{tenant}\0{user}".encode()
            known = self._load(path, self._tenant(tenant, make=make), about, make=make)
            self._subjects[tenant, user] = known
        return known

    def _tenant(self, tenant: str, *, make: bool) -> Key:
        folder = self._folder(tenant)
        if make and not folder.exists():
            folder.mkdir(parents=True, mode=0o700)
            replace_durably(folder / "tenant.name", tenant.encode())
        return self._load(folder / "tenant.key", self._master, tenant.encode(), make=make)

    def _load(self, path: Path, above: Master, about: bytes, *, make: bool) -> Key:
        if path.exists():
            return Key(above.unwrap(path.read_bytes(), about), self._entropy)
        if not make:
            raise AuditError("the key that it was sealed with is gone", hint="its subject's data was erased")
        key = self._entropy(KEY_BYTES)
        replace_durably(path, above.wrap(key, about))  # before anything is sealed with it
        return Key(key, self._entropy)

    def _folder(self, tenant: str) -> Path:
        return self._directory / sha256(tenant.encode()).hexdigest()[:32]

    def _path(self, tenant: str, user: str) -> Path:
        return self._folder(tenant) / f"{sha256(user.encode()).hexdigest()[:32]}.key"

    def _tenants(self) -> Iterable[Path]:
        return sorted(path.parent for path in self._directory.glob("*/tenant.key"))


def _opens(master: Master, wrapped: bytes, about: bytes) -> bool:
    try:
        master.unwrap(wrapped, about)
    except AuditError:
        return False
    return True


def _destroy(path: Path) -> bool:
    """Overwrite in place, then unlink: the file's own blocks hold noise before they are given back."""
    if not path.exists():
        return False
    with path.open("r+b") as file:
        file.write(os.urandom(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    sync_directory(path.parent)
    return True
