"""Signs the tree: signers, checkpoints, and when they are made. Off the hot path: a thread of its own, at most a second behind.

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
    Publics,
    is_signed,
    key_id,
    manifest_text,
    read_manifest,
    signature_line,
)
from gateway.audit.disk import replace_durably
from gateway.audit.hashes import Hashes, catch_up
from gateway.audit.heads import history_path, keep, last_checkpoint, latest_path, mend, show, thin
from gateway.audit.merkle import Frontier
from gateway.audit.segment import Item
from gateway.core.errors import AuditError

EVERY_SECONDS = 1.0  # how long a record may wait for its checkpoint
EVERY_LEAVES = 256  # or how many may: one full tile
THIN_LEAST = 1000  # heads between two thinnings of their file
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


def known_origins(directory: Path, public: Publics) -> list[str]:
    """The origins listed so far. Raises AuditError when another key signed the list."""
    path = directory / "origins"
    return read_manifest(path.read_bytes(), public) if path.exists() else []


def list_origin(directory: Path, origin: str, signer: Signer, retired: Sequence[bytes] = ()) -> None:
    """Enter an origin in the signed list of all that ever were, so that one cannot vanish whole.

    A list that a retired key signed is signed anew.
    """
    lock = os.open(directory / "lock-origins", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)  # workers that start together must not forget one another
    try:
        known = known_origins(directory, (signer.public, *retired))
        if origin not in known or not _is_listed_by(directory, signer.public):
            name = f"{signer.name}/origins"
            text = manifest_text(name, {origin, *known})
            blob = key_id(name, signer.public) + signer.sign(text)
            replace_durably(directory / "origins", text + b"\n" + signature_line(name, blob))
    finally:
        os.close(lock)


def _is_listed_by(directory: Path, public: bytes) -> bool:
    try:
        return bool(known_origins(directory, public))
    except AuditError:
        return False


class Sealer:
    """A watcher of the journal that keeps the hashes and signs the tree. `fault` says why it is behind, if it is."""

    def __init__(
        self,
        directory: Path,
        origin: str,
        signer: Signer,
        copies: Sequence[Path] = (),
        retired: Sequence[bytes] = (),
        kept: int = 0,
    ) -> None:
        self._directory, self._origin = directory, origin
        self._signer, self._retired, self._keep = signer, tuple(retired), kept
        self._places = (directory, *copies)
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._store = Hashes(directory, origin, writable=True)
        self._wake, self._stop = threading.Event(), threading.Event()
        self._pending: list[tuple[int, Sequence[bytes]]] = []
        self._head = Frontier()
        self._listed = False
        self._unthinned = THIN_LEAST + kept // 10  # once at the start
        self._thread = threading.Thread(target=self._run, name=f"seal-{origin}", daemon=True)
        self.sealed = 0
        self.fault = ""

    def begin(self, tree: Frontier) -> None:
        """Make sure that the record still continues its last checkpoint, and start. Raises AuditError when it does not."""
        catch_up(self._directory, self._origin, self._store, tree)
        for place in self._places:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            mend(history_path(place, self._origin))
            last = last_checkpoint(place, self._origin)
            if last is not None:
                self._must_continue(last, tree.size, place)
                self.sealed = max(self.sealed, last.size)
        self._head = tree.copy()
        self._thread.start()

    @property
    def public(self) -> bytes:
        """The key in use."""
        return self._signer.public

    def take(self, signer: Signer, retired: Sequence[bytes]) -> None:
        """Sign with this key from the next checkpoint on."""
        self._signer, self._retired, self._listed = signer, tuple(retired), False

    def written(self, first: int, items: Sequence[Item], hashes: Sequence[bytes], tree: Frontier) -> None:
        self._pending.append((first, hashes))
        self._head = tree
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
        if not is_signed(last, (self._signer.public, *self._retired)):
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
        head = self._head
        size = head.size
        while self._pending:
            first, hashes = self._pending[0]
            self._store.append(first, hashes)
            self._pending.pop(0)
        if size and not self._listed:
            list_origin(self._directory, self._origin, self._signer, self._retired)
            self._listed = True
        if size > self.sealed:
            note = signed(self._signer, self._origin, size, head.root()).note
            for place in self._places:
                keep(history_path(place, self._origin), note)
            show(latest_path(self._directory, self._origin), note)
            self.sealed = size
            self._thin()

    def _thin(self) -> None:
        """Now and then: the file is read and written whole. Copies elsewhere are evidence held by others, and not ours to thin."""
        self._unthinned += 1
        if self._unthinned > max(THIN_LEAST, self._keep // 10):
            thin(self._directory, self._origin, self._keep)
            self._unthinned = 0
