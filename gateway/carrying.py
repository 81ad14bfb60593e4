"""Carries the record to Elasticsearch beside the gateway, in a process of its own: encoding thousands of records must not
hold up an exchange. What is shipped and how belongs to `audit.shipping`; the verb is `hangu audit ship`.

What that process says of its progress, in a file, is told to whoever draws gauges."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import structlog

from gateway.audit import progress
from gateway.audit.progress import Progress

LOOK_SECONDS = 5.0  # as often as it is written
AGAIN_SECONDS = 5.0  # after it ended by itself: long enough not to spin, short enough that nobody misses it

_log = structlog.get_logger()


async def carry(site: Path, again: float = AGAIN_SECONDS) -> None:
    """Until cancelled: keep `hangu audit ship` running for this site. The journal never waits for it."""
    while True:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway.cli.main", "audit", "ship", str(site), stdout=asyncio.subprocess.DEVNULL
        )
        try:
            ended = await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        _log.warning("shipping_ended", code=ended)
        await asyncio.sleep(again)


async def follow(directory: Path, tell: Callable[[Progress], None], every: float = LOOK_SECONDS) -> None:
    """Until cancelled: tell how far shipping is, as often as it may have changed."""
    while True:
        tell(await asyncio.to_thread(progress.load, directory))
        await asyncio.sleep(every)
