"""Hyperscan databases made once and kept: in a directory, under the digest of what they were made from and for which machine.

An entry is used only if it carries this site's own seal: a database is a program, and a stranger's is never run. One that
is damaged, foreign, or lies where others may write is as good as none; then it is made anew. What patterns mean, and
who looks for them, is not known here.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import platform
import stat
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import hyperscan

MOST = 64  # entries: some ten policies' worth; the oldest go first
MAX_BYTES = 64 << 20  # of one entry: the shipped rules make one megabyte, the most rules there may be about thirty
_SEAL = 32  # bytes
_SUFFIX = ".hs"


class Shelf:
    """Sealed entries in a directory of ours. Whatever is wrong with it costs time and nothing else."""

    def __init__(self, directory: Path, key: bytes) -> None:
        self._directory = directory
        self._key = hashlib.blake2b(key, digest_size=32, person=b"hangu-compiled").digest()

    def get(self, name: str) -> bytes | None:
        """What was put there under this name, if it is whole, sealed by us, and nobody else could have written it."""
        try:
            with os.fdopen(os.open(self._path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
                if not _is_ours(os.fstat(file.fileno())):
                    return None
                data = file.read(MAX_BYTES + _SEAL + 1)
        except OSError:
            return None
        sealed, content = data[:_SEAL], data[_SEAL:]
        return content if hmac.compare_digest(sealed, self._seal(name, content)) else None

    def put(self, name: str, content: bytes) -> bool:
        """Keep it, if that is possible: whole or not at all."""
        if len(content) > MAX_BYTES:
            return False
        path = self._path(name)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            if not _is_ours(self._directory.stat()):
                return False
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(self._seal(name, content) + content)
            beside.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                beside.unlink()
            return False
        self._tidy()
        return True

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}{_SUFFIX}"

    def _seal(self, name: str, content: bytes) -> bytes:
        """Over the name too: an entry put in another's place is not that one."""
        return hashlib.blake2b(f"{name}\n".encode() + content, digest_size=_SEAL, key=self._key).digest()

    def _tidy(self) -> None:
        with contextlib.suppress(OSError):
            entries = sorted(self._directory.glob(f"*{_SUFFIX}"), key=lambda one: one.stat().st_mtime, reverse=True)
            for old in entries[MOST:]:
                old.unlink()


def _is_ours(facts: os.stat_result) -> bool:
    return facts.st_uid == os.geteuid() and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


class _Chosen:
    shelf: Shelf | None = None


def use(shelf: Shelf | None) -> None:
    """From now on this process keeps what it compiles there; with None, nowhere. Said once, as it starts."""
    _Chosen.shelf = shelf


def database(expressions: Sequence[bytes], flags: Sequence[int]) -> hyperscan.Database:
    """One database of these patterns, numbered as they stand. Raises `hyperscan.error`."""
    shelf = _Chosen.shelf
    if shelf is None:
        return _compiled(expressions, flags)
    name = name_of(expressions, flags)
    kept = _loaded(shelf.get(name))
    if kept is not None:
        return kept
    made = _compiled(expressions, flags)
    shelf.put(name, hyperscan.dumpb(made))
    return made


def name_of(expressions: Sequence[bytes], flags: Sequence[int]) -> str:
    """What a database is kept under: a digest of its patterns, of Hyperscan's version and of what this processor can do."""
    hashed = hashlib.blake2b(machine(), digest_size=24)
    for expression, flag in zip(expressions, flags, strict=True):
        hashed.update(b"%d,%d:" % (flag, len(expression)) + expression)
    return hashed.hexdigest()


@lru_cache(maxsize=1)
def machine() -> bytes:
    """Hyperscan's version and platform as it tells them, and the processor's features as the kernel does."""
    probe = _compiled([b"x"], [0]).info()
    try:
        lines = Path("/proc/cpuinfo").read_bytes().splitlines()
        features = next((line for line in lines if line.startswith((b"flags", b"Features"))), b"")
    except OSError:
        features = platform.processor().encode()
    return b"\n".join((str(probe).encode(), platform.machine().encode(), sys.byteorder.encode(), features))


def _compiled(expressions: Sequence[bytes], flags: Sequence[int]) -> hyperscan.Database:
    made = hyperscan.Database()
    made.compile(expressions=list(expressions), ids=list(range(len(expressions))), flags=list(flags))
    return made


def _loaded(data: bytes | None) -> hyperscan.Database | None:
    """Sealed by us is not enough: Hyperscan checks that it is for this version of it and this processor."""
    if data is None:
        return None
    try:
        kept = hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)
        hyperscan.Scratch(kept)
    except hyperscan.error:
        return None
    return kept
