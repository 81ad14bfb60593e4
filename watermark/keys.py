"""Keys: one master secret in, one key per epoch and layer out; the key file on disk.

Not here: what the keys are used for. A master may also stay inside a hardware token: hand
`Keys.from_deriver` a function that asks the token (HMAC-SHA-256 of `info`), and no secret enters this process.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

MASTER_BYTES = 32  # one SHA-256 block of entropy; shorter masters are refused
KEY_BYTES = 32
MAX_LIVE_EPOCHS = 8  # every live epoch is one more try for chance: 8 cost 3 bits of the 36-bit check
KIND = "hangu-watermark-keys"

Derive = Callable[[bytes, int], bytes]


class KeyFileError(ValueError):
    """The key file is missing, malformed or readable by others."""


@dataclass(frozen=True, slots=True)
class EpochKeys:
    """The keys of one epoch, 32 bytes each. `trusted` is False after a compromise: its marks are leads only."""

    epoch: int
    cipher: bytes
    mac: bytes
    context: bytes
    bind: bytes
    choice: bytes
    sampler: bytes
    label: bytes
    trusted: bool = True


@dataclass(frozen=True, slots=True)
class Keys:
    """All live epochs, newest first, and the fingerprint key (one for all epochs: the index outlives them)."""

    epochs: tuple[EpochKeys, ...]
    fingerprint: bytes

    @property
    def current(self) -> EpochKeys:
        return self.epochs[0]

    def of(self, epoch: int) -> EpochKeys | None:
        return next((keys for keys in self.epochs if keys.epoch == epoch), None)

    def and_before(self, older: Keys) -> Keys:
        """With the epochs of another master after these, for tracing. The fingerprint key stays this one's."""
        return replace(self, epochs=(*self.epochs, *older.epochs)[:MAX_LIVE_EPOCHS])

    @staticmethod
    def from_master(master: bytes, epochs: Iterable[int] = (1,), untrusted: Iterable[int] = ()) -> Keys:
        """Derive every layer's key by HKDF-SHA-256 (RFC 5869) from `master` (at least 32 bytes)."""
        if len(master) < MASTER_BYTES:
            raise KeyFileError(f"master secret has {len(master)} bytes; hint: use at least {MASTER_BYTES}")
        return Keys.from_deriver(lambda info, size: HKDFExpand(SHA256(), size, info).derive(master), epochs, untrusted)

    @staticmethod
    def from_deriver(derive: Derive, epochs: Iterable[int] = (1,), untrusted: Iterable[int] = ()) -> Keys:
        """As `from_master`, with `derive(info, size)` answered by whoever holds the secret."""
        live = sorted(set(epochs), reverse=True)
        if not 1 <= len(live) <= MAX_LIVE_EPOCHS:
            raise KeyFileError(f"{len(live)} live epochs; hint: keep between 1 and {MAX_LIVE_EPOCHS}")
        distrusted = frozenset(untrusted)
        return Keys(
            epochs=tuple(_epoch(derive, number, number not in distrusted) for number in live),
            fingerprint=derive(b"hangu/watermark/fingerprint", KEY_BYTES),
        )


def _epoch(derive: Derive, number: int, trusted: bool) -> EpochKeys:
    layers = ("cipher", "mac", "context", "bind", "choice", "sampler", "label")
    derived = {layer: derive(f"hangu/watermark/{number}/{layer}".encode(), KEY_BYTES) for layer in layers}
    return EpochKeys(epoch=number, trusted=trusted, **derived)


def generate(path: str | os.PathLike[str], random: Callable[[int], bytes] = secrets.token_bytes) -> Keys:
    """Write a fresh key file (mode 0600, never over an existing one) and return its keys."""
    body = {
        "kind": KIND,
        "version": 1,
        "master": base64.b64encode(random(MASTER_BYTES)).decode(),
        "epochs": [1],
        "untrusted": [],
    }
    _write(Path(path), body, os.O_EXCL)
    return load(path)


def load(path: str | os.PathLike[str]) -> Keys:
    """Read a key file. Raises KeyFileError with the file, the fault and what to do about it."""
    body = _read(Path(path))
    try:
        master = base64.b64decode(str(body["master"]), validate=True)
    except (KeyError, binascii.Error) as fault:
        raise KeyFileError(f'{path}: "master" is missing or not base64; hint: restore the file from backup') from fault
    return Keys.from_master(master, _numbers(body, "epochs"), _numbers(body, "untrusted"))


def rotate(path: str | os.PathLike[str]) -> Keys:
    """Begin the next epoch; old epochs stay live for tracing, the oldest leaves when there are eight."""
    body = _read(Path(path))
    epochs = sorted(_numbers(body, "epochs"))
    body["epochs"] = [*epochs, epochs[-1] + 1][-MAX_LIVE_EPOCHS:]
    _write(Path(path), body, 0)
    return load(path)


def distrust(path: str | os.PathLike[str], epoch: int) -> Keys:
    """After a compromise: what `epoch`'s keys say is from now on a lead, never proof. Rotates if it was current."""
    body = _read(Path(path))
    body["untrusted"] = sorted({*_numbers(body, "untrusted"), epoch})
    _write(Path(path), body, 0)
    return rotate(path) if epoch == max(_numbers(body, "epochs")) else load(path)


def _read(path: Path) -> dict[str, object]:
    try:
        if path.stat().st_mode & 0o077:
            raise KeyFileError(f"{path}: readable by others; hint: chmod 600 {path}")
        body = json.loads(path.read_text("utf-8"))
    except OSError as fault:
        raise KeyFileError(f"{path}: {fault.strerror}; hint: make one with python -m watermark keygen") from fault
    except ValueError as fault:
        if isinstance(fault, KeyFileError):
            raise
        raise KeyFileError(f"{path}: not JSON; hint: restore the file from backup") from fault
    if not isinstance(body, dict) or body.get("kind") != KIND or body.get("version") != 1:
        raise KeyFileError(f"{path}: not a version 1 watermark key file")
    return body


def _numbers(body: dict[str, object], name: str) -> list[int]:
    values = body.get(name, [])
    if not isinstance(values, list) or not all(type(value) is int and value > 0 for value in values):
        raise KeyFileError(f'"{name}" must be a list of positive whole numbers')
    return list(values)


def _write(path: Path, body: dict[str, object], exclusive: int) -> None:
    """Exclusive for a new file; otherwise beside the old one and renamed, so a crash never leaves half a key."""
    target = path if exclusive else path.with_name(path.name + ".new")
    flags = os.O_WRONLY | os.O_CREAT | (exclusive or os.O_TRUNC)
    try:
        descriptor = os.open(target, flags, 0o600)
    except FileExistsError as fault:
        raise KeyFileError(f"{path}: exists already; hint: choose another name, keys are never overwritten") from fault
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(body, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    if target != path:
        target.replace(path)
