"""Signs the tree: keys, checkpoints, and when they are made. Off the hot path: a thread of its own, at most a second behind.

A checkpoint goes beside the segments and to every further path given, each of which keeps them all: whoever holds an
old one can tell later whether anything before it was changed. Checking them is `verify`'s matter.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gateway.audit.checkpoint import (
    Checkpoint,
    is_signed,
    key_id,
    manifest_text,
    parse,
    read_manifest,
    signature_line,
    split,
)
from gateway.audit.disk import replace_durably
from gateway.audit.hashes import Hashes, catch_up
from gateway.audit.merkle import Frontier
from gateway.audit.segment import Item
from gateway.core.errors import AuditError

EVERY_SECONDS = 1.0  # how long a record may wait for its checkpoint
EVERY_LEAVES = 256  # or how many may: one full tile
REST_SECONDS = 0.2  # between two checkpoints: each costs the disk a sync that records are waiting for


class Signer(Protocol):
    """Holds the private key, or knows who does. `name` is the site's, `public` the key's 32 bytes."""

    @property
    def name(self) -> str: ...

    @property
    def public(self) -> bytes: ...

    def sign(self, data: bytes) -> bytes: ...


class FileSigner:
    """An Ed25519 key in a PEM file."""

    def __init__(self, key: Ed25519PrivateKey, name: str = "hangu") -> None:
        self._key, self.name = key, name
        self.public = key.public_key().public_bytes_raw()

    @classmethod
    def parse(cls, pem: bytes, name: str = "hangu", where: str = "audit key") -> FileSigner:
        """From the PEM of a private key. Raises AuditError for anything else."""
        try:
            key = load_pem_private_key(pem, None)
        except (ValueError, TypeError) as error:
            raise AuditError(
                "the audit key is not a private key in PEM", where, "make one with `hangu init`"
            ) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise AuditError("the audit key must be an Ed25519 key", where)
        return cls(key, name)

    @classmethod
    def load(cls, path: Path, name: str = "hangu") -> FileSigner:
        """From a PEM file."""
        try:
            return cls.parse(path.read_bytes(), name, str(path))
        except OSError as error:
            raise AuditError(f"the audit key cannot be read: {error.strerror}", str(path)) from error

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data)


def generate_key() -> tuple[bytes, bytes]:
    """A fresh signing key: private and public, both in PEM."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def signed(signer: Signer, origin: str, size: int, root: bytes) -> Checkpoint:
    """A checkpoint of this tree."""
    bare = Checkpoint(f"{signer.name}/{origin}", size, root)
    blob = key_id(bare.name, signer.public) + signer.sign(bare.text)
    return replace(bare, signatures=((bare.name, blob),))


def history_path(directory: Path, origin: str) -> Path:
    """Every checkpoint of an origin, one after another."""
    return directory / f"checkpoints-{origin}.log"


def latest_path(directory: Path, origin: str) -> Path:
    return directory / f"checkpoint-{origin}"


def last_checkpoint(directory: Path, origin: str) -> Checkpoint | None:
    """The newest whole checkpoint kept there."""
    path = history_path(directory, origin)
    if not path.exists():
        return None
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        notes = list(split(file.read()))
    return parse(notes[-1]) if notes else None


TAIL_BYTES = 4096  # some twenty notes; the last of several is whole


def known_origins(directory: Path, public: bytes) -> list[str]:
    """The origins listed so far. Raises AuditError when another key signed the list."""
    path = directory / "origins"
    return read_manifest(path.read_bytes(), public) if path.exists() else []


def list_origin(directory: Path, origin: str, signer: Signer) -> None:
    """Enter an origin in the signed list of all that ever were, so that one cannot vanish whole."""
    lock = os.open(directory / "lock-origins", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)  # workers that start together must not forget one another
    try:
        known = known_origins(directory, signer.public)
        if origin not in known:
            name = f"{signer.name}/origins"
            text = manifest_text(name, [origin, *known])
            blob = key_id(name, signer.public) + signer.sign(text)
            replace_durably(directory / "origins", text + b"\n" + signature_line(name, blob))
    finally:
        os.close(lock)


class Sealer:
    """A watcher of the journal that keeps the hashes and signs the tree. `fault` says why it is behind, if it is."""

    def __init__(self, directory: Path, origin: str, signer: Signer, copies: Sequence[Path] = ()) -> None:
        self._directory, self._origin, self._signer = directory, origin, signer
        self._places = (directory, *copies)
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._store = Hashes(directory, origin, writable=True)
        self._wake, self._stop = threading.Event(), threading.Event()
        self._pending: list[tuple[int, Sequence[bytes]]] = []
        self._head: tuple[int, bytes] = (0, b"")
        self._listed = False
        self._thread = threading.Thread(target=self._run, name=f"seal-{origin}", daemon=True)
        self.sealed = 0
        self.fault = ""

    def begin(self, tree: Frontier) -> None:
        """Make sure that the record still continues its last checkpoint, and start. Raises AuditError when it does not."""
        catch_up(self._directory, self._origin, self._store, tree)
        for place in self._places:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            _mend(history_path(place, self._origin))
            last = last_checkpoint(place, self._origin)
            if last is not None:
                self._must_continue(last, tree.size, place)
                self.sealed = max(self.sealed, last.size)
        self._head = (tree.size, tree.root())
        self._thread.start()

    def written(self, first: int, items: Sequence[Item], hashes: Sequence[bytes], root: bytes) -> None:
        self._pending.append((first, hashes))
        self._head = (first + len(hashes), root)
        if first + len(hashes) - self.sealed >= EVERY_LEAVES:
            self._wake.set()

    def close(self) -> None:
        """Seal what is left and stop."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._store.close()

    def _must_continue(self, last: Checkpoint, size: int, place: Path) -> None:
        where = str(history_path(place, self._origin))
        hint = "run `hangu audit verify`; restore the segments, or move the whole directory aside as evidence"
        if not is_signed(last, self._signer.public):
            raise AuditError("the last checkpoint is not signed by this key", where, hint)
        if last.size > size:
            raise AuditError(f"the record ends at {size}, but {last.size} records were sealed", where, hint)
        if self._store.root(last.size) != last.root:
            raise AuditError("the record is not the one that was sealed", where, hint)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            self._wake.wait(EVERY_SECONDS)
            stopping = self._stop.is_set()
            self._wake.clear()
            try:
                self._seal()
            except (OSError, AuditError) as error:  # records are durable without it: say so, and try again
                self.fault = str(error)
            else:
                self.fault = ""
            self._stop.wait(REST_SECONDS)

    def _seal(self) -> None:
        size, root = self._head
        while self._pending:
            first, hashes = self._pending[0]
            self._store.append(first, hashes)
            self._pending.pop(0)
        if size and not self._listed:
            list_origin(self._directory, self._origin, self._signer)
            self._listed = True
        if size > self.sealed:
            note = signed(self._signer, self._origin, size, root).note
            for place in self._places:
                _keep(history_path(place, self._origin), note)
            _show(latest_path(self._directory, self._origin), note)
            self.sealed = size


def _keep(path: Path, note: bytes) -> None:
    """Append, whole and durably, or not at all."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        before = os.fstat(fd).st_size
        if os.write(fd, note) != len(note):
            os.ftruncate(fd, before)
            raise AuditError("no room for a checkpoint", str(path))
        os.fdatasync(fd)
    finally:
        os.close(fd)


def _show(path: Path, note: bytes) -> None:
    """The newest one by itself, for whoever asks. Not synced: it is the last of those that are."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(note)
    fresh.replace(path)


def _mend(path: Path) -> None:
    """Cut a note that a crash tore off: it had promised nothing yet."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        begin = max(0, path.stat().st_size - TAIL_BYTES)
        file.seek(begin)
        tail = file.read()
        file.truncate(begin + len(b"".join(split(tail))))
