"""Original texts under lock: sealed record by record, opened only to reveal, gone for good when a subject's key is destroyed.

    master key ─wraps─▶ tenant's key ─wraps─▶ subject's key ─wraps─▶ exchange's key ─seals─▶ the original texts

AES-256-GCM throughout; what a key is for is bound in as associated data. Wrapped keys are files; only the last two of the
chain lie in the records themselves. An exchange's key is made before anything is asked, so that nothing can fail once the
answer is there. Who may reveal, and that it is recorded, is `disclosure`'s matter; where master keys come from, `gateway.keys`'.
"""

from __future__ import annotations

import fcntl
import os
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.audit.disk import replace_durably, sync_directory
from gateway.core.errors import AuditError

KEY_BYTES = 32
NONCE_BYTES = 12
WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + 16  # nonce, key, tag
VERSION = b"\x01"
MAX_KNOWN = 4096  # subjects whose keys stay in memory; another one's costs two file reads and an unwrapping

Words = tuple[tuple[str, str], ...]  # place (a passage's, or a reply channel) and text


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


class Sealing:
    """One exchange's own key, ready for its request and for whatever the model will say. Needs nothing any more."""

    __slots__ = ("_id", "_key", "_wrapped")

    def __init__(self, id_: str, wrapped: bytes, key: Key) -> None:
        self._id, self._wrapped, self._key = id_, wrapped, key

    def seal(self, what: str, words: Iterable[tuple[str, str]]) -> str:
        """These texts, for a record. `what` says which of an exchange's texts they are: "request", "answer" or "part"."""
        texts = orjson.dumps([(place, _sound(text)) for place, text in words])
        return b64encode(VERSION + self._wrapped + self._key.wrap(texts, _about(self._id, what))).decode()


class Vault:
    """The keys of all subjects, in a directory of their own, which several processes may share."""

    def __init__(self, directory: Path, master: Master, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._directory, self._master, self._entropy = directory, master, entropy
        self._subjects: dict[tuple[str, str], tuple[object, Key, Path]] = {}
        self._lock = threading.Lock()

    def knows(self, tenant: str, user: str) -> bool:
        """Would sealing for this subject need nothing but memory? Another process may have destroyed its key meanwhile."""
        return self._known(tenant, user) is not None

    def begin(self, id_: str, tenant: str, user: str) -> Sealing:
        """A key for one exchange. Makes the subject's key at its first exchange. Raises AuditError when it cannot."""
        key = self._entropy(KEY_BYTES)
        with _translated():
            wrapped = self._subject(tenant, user, make=True).wrap(key, id_.encode())
        return Sealing(id_, wrapped, Key(key, self._entropy))

    def open(self, sealed: str, id_: str, tenant: str, user: str, what: str) -> Words:
        """The original texts and their places. Raises AuditError when the subject's key was destroyed."""
        data = b64decode(sealed)
        if data[:1] != VERSION:
            raise AuditError(f"sealed in a form that is not known: {data[:1].hex()}")
        with _translated():
            subject = self._subject(tenant, user, make=False)
        key = Key(subject.unwrap(data[1 : 1 + WRAPPED_BYTES], id_.encode()))
        texts = orjson.loads(key.unwrap(data[1 + WRAPPED_BYTES :], _about(id_, what)))
        return tuple((place, text) for place, text in texts)

    def destroy(self, tenant: str, user: str) -> bool:
        """Destroy a subject's key: whatever was sealed for it is noise from now on. False when there was none."""
        self._subjects.pop((tenant, user), None)
        with _translated(), self._alone():
            return _destroy(self._path(tenant, user))

    def rewrap(self, new: Master, then: Callable[[], object] = lambda: None) -> int:
        """Put every tenant's key under a new master key; subjects' keys and records stay as they are. Gives how many.

        May be run again after a crash: what is under the new key already stays as it is. `then` puts the new key in the
        old one's place, before any other process may make a tenant's key again.
        """
        count = 0
        with _translated(), self._alone():
            for path, about in self._tenants():
                wrapped = path.read_bytes()
                if not _opens(new, wrapped, about):
                    replace_durably(path, new.wrap(self._master.unwrap(wrapped, about), about))
                    count += 1
            then()
        self._master = new
        return count

    def shut_to(self, master: Master) -> list[str]:
        """The tenants whose keys this master key does not open: their originals would be lost with any other."""
        with _translated():
            return [about.decode() for path, about in self._tenants() if not _opens(master, path.read_bytes(), about)]

    def _subject(self, tenant: str, user: str, *, make: bool) -> Key:
        """From memory while the file is the very one it was read from: never seal with a key that somebody destroyed."""
        known = self._known(tenant, user)
        if known is None:
            with self._lock:  # what others of this process wait for here, they then know
                known = self._known(tenant, user) or self._fetch(tenant, user, make=make)
        return known

    def _known(self, tenant: str, user: str) -> Key | None:
        known = self._subjects.get((tenant, user))
        return known[1] if known is not None and _identity(known[2]) == known[0] else None

    def _fetch(self, tenant: str, user: str, *, make: bool) -> Key:
        path = self._path(tenant, user)
        key = self._load(path, lambda: self._tenant(tenant, make=make), f"{tenant}\0{user}".encode(), make=make)
        if len(self._subjects) >= MAX_KNOWN:
            self._subjects.pop(next(iter(self._subjects)))
        self._subjects[tenant, user] = _identity(path), key, path
        return key

    def _tenant(self, tenant: str, *, make: bool) -> Key:
        folder = self._folder(tenant)
        if make and not (folder / "tenant.name").exists():
            with self._alone():
                folder.mkdir(parents=True, mode=0o700, exist_ok=True)
                replace_durably(folder / "tenant.name", tenant.encode())
        return self._load(folder / "tenant.key", lambda: self._master, tenant.encode(), make=make)

    def _load(self, path: Path, above: Callable[[], Master], about: bytes, *, make: bool) -> Key:
        master: Master | None = None
        if not path.exists():
            if not make:
                raise AuditError("the key that it was sealed with is gone", hint="its subject's data was erased")
            master = above()
            self._make(path, master, about)
        master = master or above()
        try:
            return Key(master.unwrap(path.read_bytes(), about), self._entropy)
        except AuditError:
            with self._alone():  # somebody may have been wrapping it anew: nobody is now
                return Key(master.unwrap(path.read_bytes(), about), self._entropy)

    def _make(self, path: Path, above: Master, about: bytes) -> None:
        """Before anything is sealed with it, and once: of two processes that want one, the second finds the first's."""
        with self._alone():
            if not path.exists():
                path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
                replace_durably(path, above.wrap(self._entropy(KEY_BYTES), about))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process makes, destroys or wraps keys meanwhile."""
        self._directory.mkdir(parents=True, mode=0o700, exist_ok=True)
        lock = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _folder(self, tenant: str) -> Path:
        return self._directory / sha256(tenant.encode()).hexdigest()[:32]

    def _path(self, tenant: str, user: str) -> Path:
        return self._folder(tenant) / f"{sha256(user.encode()).hexdigest()[:32]}.key"

    def _tenants(self) -> list[tuple[Path, bytes]]:
        """Each tenant's key file, and what it is bound to."""
        found = sorted(self._directory.glob("*/tenant.key"))
        return [(path, path.with_name("tenant.name").read_bytes()) for path in found]


def _about(id_: str, what: str) -> bytes:
    return f"{id_}\0{what}".encode()


def _sound(text: str) -> str:
    """Lone surrogates, which UTF-8 cannot carry, become U+FFFD: as in the record."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _identity(path: Path) -> object:
    """Which file this is, or None: a key made anew after an erasure is another one, under the same name."""
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_ino, told.st_mtime_ns


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"the keys of originals cannot be used ({error.strerror})"
        raise AuditError(what, str(error.filename or ""), "check audit.subject_keys: owner, mode and disk") from error


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
