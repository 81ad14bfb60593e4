"""Signed heads on disk: every checkpoint of a log one after another, the newest by itself, older ones thinned out by policy.

A checkpoint fixes everything before it, so leaving out older ones takes nothing from what can be verified: only from how
closely the moment of a change can be told. Signing is `seal`'s matter.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from gateway.audit.checkpoint import Checkpoint, parse, split
from gateway.audit.disk import replace_durably
from gateway.core.errors import AuditError

TAIL_BYTES = 4096  # some twenty notes; the last of several is whole
SPACING = 65_536  # records between two heads that stay for ever: 170 bytes for some 100 MB of record


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


def keep(path: Path, note: bytes) -> None:
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


def show(path: Path, note: bytes) -> None:
    """The newest one by itself, for whoever asks. Not synced: it is the last of those that are."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(note)
    fresh.replace(path)


def mend(path: Path) -> None:
    """Cut a note that a crash tore off: it had promised nothing yet."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        begin = max(0, path.stat().st_size - TAIL_BYTES)
        file.seek(begin)
        tail = file.read()
        file.truncate(begin + len(b"".join(split(tail))))


def thin(directory: Path, origin: str, newest: int) -> int:
    """Leave out older heads, but for one in every `SPACING` records, those with a time stamp, and each key's last.

    The `newest` ones all stay, and so does everything when that is 0. Gives how many were left out.
    """
    path = history_path(directory, origin)
    notes = list(split(path.read_bytes())) if newest and path.exists() else []
    if len(notes) <= newest:
        return 0
    stamped = {int(each.stem.rpartition("-")[2]) for each in directory.glob(f"stamp-{origin}-*.tsr")}
    stay = [*_stay(notes[:-newest], parse(notes[-newest]), stamped), *notes[-newest:]]
    if len(stay) < len(notes):
        replace_durably(path, b"".join(stay))
        path.chmod(0o600)
    return len(notes) - len(stay)


def _stay(notes: Sequence[bytes], after: Checkpoint, stamped: set[int]) -> Iterator[bytes]:
    block = -1
    heads = [*map(parse, notes), after]
    for note, head, following in zip(notes, heads, heads[1:], strict=False):
        if head.size // SPACING > block or head.size in stamped or _key(head) != _key(following):
            block = max(block, head.size // SPACING)
            yield note


def _key(head: Checkpoint) -> tuple[bytes, ...]:
    return tuple(blob[:4] for _, blob in head.signatures)
