"""One caller's answer in another's prompt: noticed by the marks that came in, off the way of any exchange, and put on record.

A watcher of the journal. The stage that scrubs prompts notes which marks of ours it took out; whose they are is known here
from what was written lately, and from the record for what was written before. Tracing a leaked text is `watermark`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from gateway.audit.merkle import Frontier
from gateway.audit.projection import Projection
from gateway.audit.record import Closed, Event, Opened, Record, event
from gateway.audit.segment import Item
from gateway.core.errors import AuditError

KIND = "mark.reused"
MARKED = "mark:"  # the note, and the mark in hexadecimal
POLL_SECONDS = 1.0  # nobody waits for this
MAX_ISSUED = 65_536  # marks whose owner is kept at hand: some 10 MB, an hour of a busy gateway
MAX_TOLD = 65_536  # pairs of caller and mark already told: a conversation repeats its answers at every turn
MAX_WAITING = 10_000  # exchanges with marks not yet looked at; beyond this some go unseen, and that is said


class Appends(Protocol):
    """The part of a journal that this needs."""

    async def append(self, record: Record) -> object: ...


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom an answer was given to, and in which exchange."""

    tenant: str
    user: str
    exchange: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """An exchange whose prompt carried marks of ours."""

    exchange: str
    tenant: str
    user: str
    at: int
    marks: tuple[int, ...]


Owners = Callable[[Sequence[int]], Mapping[int, Owner]]


class Reuse:
    """Hand it to `Journal.open(watchers=[…])`, and run `run` beside the gateway. `owners` asks the record."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners
        self._issued: dict[int, Owner] = {}
        self._told: dict[tuple[str, str, int], None] = {}
        self._waiting: SimpleQueue[_Seen] = SimpleQueue()
        self._closed = False
        self.fault = ""
        self.sealed = 0

    def begin(self, tree: Frontier) -> None:
        """Nothing is needed of the past."""

    def written(self, first: int, items: Sequence[Item], hashes: Sequence[bytes], tree: Frontier) -> None:
        for item in items:
            record = item.record
            if isinstance(record, Opened):
                self._learn(record)

    def close(self) -> None:
        self._closed = True

    async def run(self, journal: Appends) -> None:
        """Until the journal is closed, or cancelled."""
        while not self._closed:
            await self.tell(journal)
            await asyncio.sleep(POLL_SECONDS)

    async def tell(self, journal: Appends) -> None:
        """Everything that came in since the last time."""
        seen = list(self._take())
        unknown = sorted({mark for each in seen for mark in each.marks} - self._issued.keys())
        try:
            known = dict(await asyncio.to_thread(self._owners, unknown)) if unknown else {}
            for each in seen:
                for told in self._reused(each, known):
                    await journal.append(told)
        except AuditError as error:
            self.fault = f"marks in prompts were not looked up, or not told: {error}"

    def _learn(self, record: Opened) -> None:
        self._issued[record.mark] = Owner(record.tenant, record.user, record.id)
        if len(self._issued) > MAX_ISSUED:
            del self._issued[next(iter(self._issued))]
        marks = [int(note[len(MARKED) :], 16) for note in record.notes if note.startswith(MARKED)]
        if not marks:
            return
        if self._waiting.qsize() > MAX_WAITING:
            self.fault = f"{MAX_WAITING} exchanges with marks wait to be looked at: some go unseen"
            return
        self._waiting.put(_Seen(record.id, record.tenant, record.user, record.at, tuple(marks)))

    def _take(self) -> Iterable[_Seen]:
        try:
            while True:
                yield self._waiting.get_nowait()
        except Empty:
            return

    def _reused(self, seen: _Seen, known: Mapping[int, Owner]) -> Iterable[Event]:
        for mark in seen.marks:
            owner = self._issued.get(mark) or known.get(mark)
            if owner is None or (owner.tenant, owner.user) == (seen.tenant, seen.user):
                continue
            if (seen.tenant, seen.user, mark) in self._told:
                continue
            self._told[seen.tenant, seen.user, mark] = None
            if len(self._told) > MAX_TOLD:
                del self._told[next(iter(self._told))]
            facts = {
                "exchange": seen.exchange,
                "answer": owner.exchange,
                "owner_tenant": owner.tenant,
                "owner": owner.user,
            }
            yield event(KIND, seen.at / 1000, facts, tenant=seen.tenant, subject=seen.user)


def owners_on_record(directory: Path) -> Owners:
    """Asks the record under a site's audit directory."""

    def owners(marks: Sequence[int]) -> Mapping[int, Owner]:
        found: dict[int, Owner] = {}
        with Projection.open(directory) as record:
            for mark in marks:
                for entry in record.marked(mark):
                    if isinstance(entry.record, Closed | Opened):
                        found[mark] = Owner(entry.record.tenant, entry.record.user, entry.record.id)
        return found

    return owners
