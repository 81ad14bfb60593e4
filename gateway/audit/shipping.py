"""Carries the record to a cluster: in order, at least once, found there once. The segments stay the original.

Where it got to is one small file an origin, replaced after each batch is settled. What a cluster will not take goes to a
quarantine file and leaves an envelope behind, so that the counts still agree. What a cluster lost is `reconcile`'s.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

import orjson

from gateway.audit import frames
from gateway.audit.checkpoint import parse, split
from gateway.audit.disk import replace_durably
from gateway.audit.documents import Document, Documents, stream
from gateway.audit.elastic import Busy, Verdict
from gateway.audit.export import iso
from gateway.audit.frames import Damage, Frame
from gateway.core.errors import AuditError

BATCH_RECORDS = 500
BATCH_BYTES = 5 << 20  # what a cluster takes well in one request
POLL_SECONDS = 1.0
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  # seconds between attempts while the cluster is away


class Target(Protocol):
    """The part of a cluster that shipping needs; `elastic.Cluster` is one."""

    async def create(self, documents: Sequence[Document]) -> list[Verdict]: ...

    async def leaves(self, ids: Sequence[str]) -> dict[str, str]: ...

    async def numbers(self, site: str, origin: str, begin: int, end: int) -> list[int]: ...

    async def refresh(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Completeness:
    """One origin compared: produced here, found there, shipped again, and found more than once."""

    origin: str
    produced: int
    indexed: int
    reshipped: int
    doubled: int

    @property
    def ratio(self) -> float:
        """Of what was produced, how much was found before anything was shipped again. For the gauge."""
        return 1.0 if self.produced == 0 else self.indexed / self.produced


@dataclass(slots=True)
class Position:
    """How far an origin was shipped: the last number, and where its frame is."""

    seq: int = -1
    first: int = 0
    offset: int | None = None


@dataclass(slots=True)
class Counts:
    """For metrics: records shipped and quarantined since the start, attempts that met a busy cluster, and why.

    `caught_up` is when nothing was left to send, in Unix seconds.
    """

    shipped: int = 0
    quarantined: int = 0
    busy: int = 0
    trouble: str = ""
    caught_up: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How shipping waits and how much it takes at once. `sleep`, `jitter` and `clock` are handed in so that tests need not wait."""

    records: int = BATCH_RECORDS
    bytes: int = BATCH_BYTES
    poll: float = POLL_SECONDS
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    clock: Callable[[], float] = time.time


@dataclass(slots=True)
class Shipper:
    """Ships every origin under `DIR/audit`. One at a time a site: a second would only send what is there already."""

    directory: Path
    target: Target
    site: str = "hangu"
    index: str = "hangu"
    with_text: bool = False
    pace: Pace = field(default_factory=Pace)
    counts: Counts = field(default_factory=Counts)
    _documents: dict[str, Documents] = field(default_factory=dict)
    _positions: dict[str, Position] = field(default_factory=dict)
    _heads: dict[str, int] = field(default_factory=dict)
    _stepping: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            sent = await self.catch_up()
            await self.ship_heads()
            self.counts.caught_up = self.pace.clock()
            if not sent:
                await self.pace.sleep(self.pace.poll)

    async def catch_up(self) -> int:
        """Ship all there is now; gives how many records."""
        sent = 0
        for origin in frames.origins(self.directory):
            while taken := await self.step(origin):
                sent += taken
        return sent

    async def step(self, origin: str) -> int:
        """Ship one batch of an origin. It is settled, whatever the cluster says, when this returns."""
        async with self._stepping:  # comparing ships what is pending too, beside the endless shipping
            batch = await asyncio.to_thread(self._next, origin)
            if not batch:
                return 0
            await self.settle(origin, [self._made(origin).of(origin, frame) for _, frame in batch])
            first, last = batch[-1]
            self._positions[origin] = Position(last.seq, first, last.offset)
            await asyncio.to_thread(self._save, origin)
            return len(batch)

    async def settle(self, origin: str, documents: Sequence[Document]) -> None:
        """Send until each is there, or is known never to be."""
        left, size, wait = list(documents), len(documents), FIRST_WAIT
        while left:
            try:
                again = await self._sorted(origin, left[:size], await self.target.create(left[:size]))
                left, size = again + left[size:], 2 * size
                self.counts.trouble = f"{len(again)} are to be sent again" if again else ""
            except Busy as error:  # a batch may be more than a crowded cluster has room for at any time
                again, size = left, max(1, size // 2)
                self.counts.trouble = str(error)
            if not again:
                wait = FIRST_WAIT
                continue
            self.counts.busy += 1
            await self.pace.sleep(wait * (0.5 + self.pace.jitter()))
            wait = min(2 * wait, LONGEST_WAIT)

    async def ship_heads(self) -> None:
        """Send each origin's newest checkpoint, so that the cluster too can tell if the segments are changed later."""
        for origin in frames.origins(self.directory):
            path = self.directory / f"checkpoint-{origin}"
            notes = list(split(path.read_bytes())) if path.exists() else []
            if notes and parse(notes[-1]).size > self._heads.get(origin, 0):
                head = parse(notes[-1])
                with suppress(Busy):  # the next one says more
                    await self.target.create([self._head(origin, head.size, notes[-1])])
                    self._heads[origin] = head.size

    async def tell(self, found: Sequence[Completeness], at: float) -> None:
        """Send what a comparison found, so that dashboards and rules in the cluster know of holes. `at` is Unix seconds."""
        with suppress(Busy):  # the gauge has it too
            await self.target.create([self._completeness(one, round(at * 1000)) for one in found])

    async def _sorted(self, origin: str, documents: Sequence[Document], verdicts: Sequence[Verdict]) -> list[Document]:
        """What is still to be sent. An id that was taken is fine only if it holds this very record."""
        pairs = list(zip(documents, verdicts, strict=True))
        if why := next((verdict.why for verdict in verdicts if verdict.fate == "forbidden"), ""):
            raise AuditError(
                f"the cluster does not permit it: {why}", hint="see the privileges that `hangu deploy` prints"
            )
        taken = [document for document, verdict in pairs if verdict.fate == "present"]
        if taken:
            await self.target.refresh()
        known = await self.target.leaves([document.id for document in taken]) if taken else {}
        again = []
        for document, verdict in pairs:
            if verdict.fate == "again" or (verdict.fate == "present" and document.id not in known):
                again.append(document)
            elif verdict.fate == "refused":
                await self._quarantine(origin, document, verdict.why)
            elif verdict.fate == "present" and known[document.id] != document.source["hangu"]["leaf"]:
                await self._quarantine(origin, document, "another record is stored under its id")
            else:
                self.counts.shipped += 1
        return again

    async def _quarantine(self, origin: str, document: Document, why: str) -> None:
        """Keep it aside, and leave an envelope in the cluster that says so: nothing goes missing without a trace."""
        self.counts.quarantined += 1
        await asyncio.to_thread(_keep_aside, self.directory / f"quarantine-{origin}.jsonl", document, why)
        source = document.source
        envelope = {
            "@timestamp": source["@timestamp"],
            "event": {name: source["event"][name] for name in ("id", "sequence", "kind", "module")},
            "observer": source["observer"],
            "organization": source.get("organization", {}),
            "hangu": {name: source["hangu"][name] for name in ("origin", "seq", "leaf", "record")},
        }
        envelope["hangu"]["quarantined"] = why[:1000]
        left = Document(stream(self.index, "audit", "default"), f"{document.id}-quarantined", envelope)
        while (await self._try(left)).fate == "again":
            await self.pace.sleep(LONGEST_WAIT)

    async def _try(self, document: Document) -> Verdict:
        try:
            return (await self.target.create([document]))[0]
        except Busy as error:
            return Verdict("again", str(error))

    def _head(self, origin: str, size: int, note: bytes) -> Document:
        id_ = f"{self.site}-{origin}-checkpoint-{size}"
        source = {
            "@timestamp": iso(round((self.directory / f"checkpoint-{origin}").stat().st_mtime * 1000)),
            "event": {"id": id_, "kind": "state", "module": "hangu", "action": "checkpoint"},
            "observer": {"type": "gateway", "product": "hangu", "name": self.site},
            "hangu": {"checkpoint": {"size": size, "note": note.decode(), "origin": origin}},
        }
        return Document(stream(self.index, "checkpoint", "default"), id_, source)

    def _completeness(self, found: Completeness, at: int) -> Document:
        id_ = f"{self.site}-{found.origin}-completeness-{at}"
        source = {
            "@timestamp": iso(at),
            "event": {"id": id_, "kind": "metric", "module": "hangu", "action": "completeness"},
            "observer": {"type": "gateway", "product": "hangu", "name": self.site},
            "hangu": {"completeness": {**asdict(found), "missing": found.produced - found.indexed}},
        }
        return Document(stream(self.index, "checkpoint", "default"), id_, source)

    def _made(self, origin: str) -> Documents:
        return self._documents.setdefault(origin, Documents(self.site, self.index, with_text=self.with_text))

    def _next(self, origin: str) -> list[tuple[int, Frame]]:
        batch, size = [], 0
        for first, frame in islice(self._after(origin, self.position(origin)), self.pace.records):
            batch.append((first, frame))
            size += len(frame.head) + len(frame.body)
            if size >= self.pace.bytes:
                break
        return batch

    def _after(self, origin: str, position: Position) -> Iterator[tuple[int, Frame]]:
        listed = frames.segments(self.directory, origin)
        for n, (first, path) in enumerate(listed):
            stop = listed[n + 1][0] if n + 1 < len(listed) else None
            if stop is None or stop > position.seq + 1:
                begin = position.offset if first == position.first else None
                with suppress(Damage):  # the tail is being written: it is whole the next time
                    yield from ((first, frame) for frame in frames.read_from(path, begin, position.seq, stop))

    def position(self, origin: str) -> Position:
        """How far this origin was shipped."""
        if origin not in self._positions:
            self._positions[origin] = _load(self.directory / f"shipped-{origin}.json")
            self._warm(origin, self._positions[origin])
        return self._positions[origin]

    def _warm(self, origin: str, position: Position) -> None:
        """Remember the requests whose ends are still to come, out of the segment that shipping stopped in."""
        path = self.directory / frames.segment_name(origin, position.first)
        if position.seq >= 0 and path.exists():
            for frame in frames.read(path, position.seq + 1):
                self._made(origin).of(origin, frame)

    def _save(self, origin: str) -> None:
        position = self._positions[origin]
        told = {"seq": position.seq, "first": position.first, "offset": position.offset}
        replace_durably(self.directory / f"shipped-{origin}.json", orjson.dumps(told))


def _load(path: Path) -> Position:
    """Where shipping got to; from the start when the file is not there or not readable: sending twice does no harm."""
    try:
        told = orjson.loads(path.read_bytes())
        return Position(told["seq"], told["first"], told["offset"])
    except (OSError, ValueError, KeyError, TypeError):
        return Position()


def _keep_aside(path: Path, document: Document, why: str) -> None:
    with path.open("ab") as file:
        file.write(orjson.dumps({"id": document.id, "why": why, "source": document.source}) + b"\n")
