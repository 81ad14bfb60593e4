"""A real record on disk: written by the journal, sealed by a key, as a site has it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from gateway.audit.journal import Journal
from gateway.audit.record import Record, event, opened
from gateway.audit.seal import FileSigner
from tests.audit.examples import AT, DIGEST, a_closed, an_exchange, an_opened, turned_away

MINUTE = 60.0


def some_records(count: int = 20) -> list[Record]:
    """Exchanges a minute apart, every fifth refused."""
    records: list[Record] = [event("gateway.started", AT, policy=DIGEST)]
    for n in range(count):
        at = AT + n * MINUTE
        if n % 5 == 4:
            asked = an_exchange(f"x{n}")
            records.append(opened(asked, turned_away(asked), DIGEST, at, tls={"version": "1.3"}))
        else:
            records += [an_opened(f"x{n}", at=at), replace(a_closed(f"x{n}", at=at + 1), mark=n + 1)]
    return records


def write(directory: Path, signer: FileSigner, records: list[Record], origin: str = "w0") -> None:
    """Append them, and leave the log closed and sealed. The clock stands at the records' time."""

    async def all_of_them() -> None:
        async with Journal.open(directory, origin, signer=signer, clock=lambda: AT) as journal:
            for one in records:
                await journal.append(one)

    asyncio.run(all_of_them())
