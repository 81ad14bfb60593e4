"""What a journal finds when it starts: how far the record goes, what was left open, and a torn tail to be cut. Reads one segment."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from gateway.audit import canonical, frames
from gateway.audit.disk import sync_directory
from gateway.audit.merkle import Frontier, leaf_hash
from gateway.audit.segment import Open, track
from gateway.core.errors import AuditError


@dataclass(slots=True)
class Found:
    """The state to go on from. `torn` describes what was cut: nothing, or where, how much and its SHA-256."""

    tree: Frontier = field(default_factory=Frontier)
    open: Open = field(default_factory=dict)
    torn: dict[str, object] = field(default_factory=dict)


def find(directory: Path, origin: str) -> Found:
    """Read the last segment, cutting a tail that a crash tore. What is cut was never acknowledged; it is kept aside."""
    found = Found()
    for stale in directory.glob(f"new-seg-{origin}-*.wal"):  # begun, and never a segment
        stale.unlink()
    listed = frames.segments(directory, origin)
    while listed:
        path = listed[-1][1]
        try:
            _replay(path, found)
        except AuditError:
            if len(listed) == 1 and path.stat().st_size > MAX_TORN_HEADER_BYTES:
                raise
            _set_aside(path, 0, found)  # a crash came before its header was durable: it holds nothing acknowledged
            listed.pop()
            continue
        return found
    return found


def left_open(directory: Path, origin: str) -> Open:
    """The exchanges without an end in somebody else's log. Reads one segment at most, and changes nothing."""
    for _first, path in reversed(frames.segments(directory, origin)):
        try:
            header = frames.read_segment_header(path)
        except AuditError:
            continue  # never became durable: it holds nothing acknowledged
        left: Open = {id_: (tenant, user) for id_, tenant, user in header.open}
        with suppress(frames.Damage):  # a torn tail: neither does that
            for frame in frames.read(path):
                track(left, canonical.decode(frame.kind, frame.head, b""))
        return left
    return {}


MAX_TORN_HEADER_BYTES = 1 << 28  # far more than one commit: a first segment this long cannot be only a torn start


def _replay(path: Path, found: Found) -> None:
    header = frames.read_segment_header(path)
    tree = Frontier(header.first, header.tree)
    left: Open = {id_: (tenant, user) for id_, tenant, user in header.open}
    try:
        for frame in frames.read(path):
            tree.add(leaf_hash(canonical.leaf(frame.head)))
            track(left, canonical.decode(frame.kind, frame.head, b""))
    except frames.Damage as damage:
        _set_aside(path, damage.offset, found)
    found.tree, found.open = tree, left


def _set_aside(path: Path, offset: int, found: Found) -> None:
    """Cut a file at `offset`; what is cut goes into `torn-…` beside it, for whoever wants to look."""
    with path.open("r+b") as file:
        file.seek(offset)
        cut = file.read().rstrip(b"\0")
        aside = path.with_name(f"torn-{path.stem}-{offset}.bin")
        aside.write_bytes(cut)
        file.truncate(offset)
        os.fsync(file.fileno())
    if offset == 0:
        path.unlink()
    sync_directory(path.parent)
    found.torn = {"file": path.name, "offset": offset, "bytes": len(cut), "sha256": sha256(cut).hexdigest()}
