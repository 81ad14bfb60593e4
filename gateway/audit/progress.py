"""How far shipping is, in one small file beside the segments: written by who ships, read by whoever draws a gauge.

It is news, not evidence: it can be deleted, and says when it was written. Shipping itself resumes from files of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from gateway.audit.shipping import Completeness

FILE = "shipping.json"


@dataclass(frozen=True, slots=True)
class Progress:
    """Times are Unix seconds, 0 for never. `caught_up` is when nothing was left to send, `quarantined` counts records kept aside.

    `complete` is what the last comparison found, by origin.
    """

    at: float = 0.0
    caught_up: float = 0.0
    reconciled: float = 0.0
    quarantined: int = 0
    trouble: str = ""
    complete: Mapping[str, Completeness] = field(default_factory=dict)


def save(directory: Path, progress: Progress) -> None:
    """Replace the file. A crash leaves the old one or the new one."""
    told = {name: getattr(progress, name) for name in ("at", "caught_up", "reconciled", "quarantined", "trouble")}
    complete = {o: [c.produced, c.indexed, c.reshipped, c.doubled] for o, c in progress.complete.items()}
    coming = directory / f"{FILE}.{os.getpid()}"
    coming.write_bytes(orjson.dumps({**told, "complete": complete}))
    coming.replace(directory / FILE)


def load(directory: Path) -> Progress:
    """What was last said; nothing, when nothing was or it cannot be read."""
    try:
        told: dict[str, Any] = orjson.loads((directory / FILE).read_bytes())
        complete = {origin: Completeness(origin, *counts) for origin, counts in told.pop("complete").items()}
        return Progress(**told, complete=complete)
    except (OSError, ValueError, KeyError, TypeError):
        return Progress()


def by_origin(found: Iterable[Completeness]) -> dict[str, Completeness]:
    return {one.origin: one for one in found}


def quarantined(directory: Path) -> int:
    """How many records the cluster would not take, ever."""
    return sum(path.read_bytes().count(b"\n") for path in directory.glob("quarantine-*.jsonl"))
