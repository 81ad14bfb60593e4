"""Logs whose worker is gone for good: their open exchanges get an end, and their head the key in use, by somebody else's hand.

A log is only touched while nobody holds its lock, through the same door as its own worker would: `Journal.open` mends it,
says on record who opened it, and gives every exchange without an end one (`unknown`, fault `interrupted`).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable, Collection
from pathlib import Path

from gateway.audit import frames
from gateway.audit.checkpoint import is_signed
from gateway.audit.heads import last_checkpoint
from gateway.audit.journal import Journal
from gateway.audit.recovery import left_open
from gateway.core.errors import AuditError

Opening = Callable[[str], Journal]  # opens the log of an origin, as its own worker would


def orphans(directory: Path, public: bytes, ours: Collection[str] = ()) -> list[str]:
    """The logs that want finishing: not ours, held by nobody, with exchanges left open or a head that is not by this key."""
    others = [origin for origin in frames.origins(directory) if origin not in ours]
    return [origin for origin in others if not _is_held(directory, origin) and _wants(directory, origin, public)]


async def finish(origin: str, opening: Opening) -> bool:
    """Open a log and close it again. False when its own worker came first."""
    try:
        journal = await asyncio.to_thread(opening, origin)
    except AuditError as error:
        if "another process" in error.what:
            return False
        raise
    await journal.close()
    return True


def _wants(directory: Path, origin: str, public: bytes) -> bool:
    head = last_checkpoint(directory, origin)
    return head is None or not is_signed(head, public) or bool(left_open(directory, origin))


def _is_held(directory: Path, origin: str) -> bool:
    path = directory / f"lock-{origin}"
    if not path.exists():
        return False
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(fd)
