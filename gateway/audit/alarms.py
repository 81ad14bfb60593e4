"""From an alarm to what is done: put on record, told to somebody, and the caller slowed or stopped for a while.

A watcher of the journal: it sees each record once it is durable, and detection never delays one. Deciding what is odd is
`anomalies`' matter; refusing a caller under a sanction is that of whoever holds the door and asks `Sanctions`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.audit.anomalies import Action, Alarm, Detectors, Key
from gateway.audit.merkle import Frontier
from gateway.audit.record import Event, Record, event
from gateway.audit.segment import Item
from gateway.core.errors import AuditError

POLL_SECONDS = 0.25  # how long a record may wait to be looked at: far under the seconds an answer to an alarm takes
MAX_WAITING = 100_000  # records not yet looked at; beyond this the oldest go unseen, and that is said

HARDER: dict[Action, int] = {"throttle": 1, "step_up": 2, "block": 3}  # what holds a caller up, and which more

Notify = Callable[[Alarm], Awaitable[None]]


class Appends(Protocol):
    """The part of a journal that alarms need."""

    async def append(self, record: Record) -> object: ...


@dataclass(frozen=True, slots=True)
class Sanction:
    """What a caller is under, why, since when and until when (Unix seconds); `every` is a throttled caller's pace."""

    action: Action
    why: str
    since: float
    until: float
    every: float


class Sanctions:
    """Who is under a sanction now. Read at the door, by the event loop that writes it."""

    def __init__(self) -> None:
        self._held: dict[Key, Sanction] = {}
        self._passed: dict[Key, float] = {}

    def __len__(self) -> int:
        return len(self._held)

    def impose(self, alarm: Alarm) -> None:
        """The harder of this and what the caller is under already."""
        key, watch = (alarm.tenant, alarm.subject), alarm.watch
        held = self._held.get(key)
        if held is None or held.until <= alarm.at or HARDER[held.action] <= HARDER[watch.action]:
            until = alarm.at + watch.lasting
            self._held[key] = Sanction(watch.action, f"anomaly:{alarm.kind}", alarm.at, until, watch.every)

    def on(self, tenant: str, user: str, now: float) -> Sanction | None:
        """The sanction that this caller is under, if any."""
        held = self._held.get((tenant, user))
        if held is not None and held.until <= now:
            self.lift(tenant, user)
            return None
        return held

    def wait(self, tenant: str, user: str, held: Sanction, now: float) -> float:
        """Seconds until a throttled caller may come; 0 lets it in now, and notes that it came."""
        free = self._passed.get((tenant, user), held.since) + held.every
        if now < free:
            return free - now
        self._passed[tenant, user] = now
        return 0.0

    def lift(self, tenant: str, user: str) -> bool:
        """End one early. False when there was none."""
        self._passed.pop((tenant, user), None)
        return self._held.pop((tenant, user), None) is not None


class Alarms:
    """Looks at every durable record. Hand it to `Journal.open(watchers=[…])`, and run `run` beside the gateway."""

    def __init__(self, detectors: Detectors, sanctions: Sanctions) -> None:
        self._detectors, self.sanctions = detectors, sanctions
        self._waiting: deque[Record] = deque()  # the writing thread puts in, the event loop takes out
        self._closed = False
        self.fault = ""
        self.sealed = 0
        self.raised = 0

    def begin(self, tree: Frontier) -> None:
        """Nothing is needed of the past."""

    def written(self, first: int, items: Sequence[Item], hashes: Sequence[bytes], tree: Frontier) -> None:
        if len(self._waiting) > MAX_WAITING:
            self.fault = f"{MAX_WAITING} records wait to be looked at: some go unseen"
            return
        self._waiting.extend([item.record for item in items if not isinstance(item.record, Event)])

    def close(self) -> None:
        self._closed = True

    async def run(self, journal: Appends, notify: Notify | None = None) -> None:
        """Until the journal is closed, or cancelled."""
        while not self._closed:
            for alarm in self.look():
                await self._act(alarm, journal, notify)
            await asyncio.sleep(POLL_SECONDS)

    def look(self) -> list[Alarm]:
        """Everything written since the last look."""
        found: list[Alarm] = []
        while self._waiting:
            found += self._detectors.see(self._waiting.popleft())
        return found

    async def _act(self, alarm: Alarm, journal: Appends, notify: Notify | None) -> None:
        """A sanction takes hold before anything that waits; then the record; then whoever is to be told."""
        self.raised += 1
        if alarm.watch.action in HARDER:
            self.sanctions.impose(alarm)
        try:
            await journal.append(as_event(alarm))
            if notify is not None and alarm.watch.action != "record":
                await notify(alarm)
        except AuditError as error:
            self.fault = f"an alarm was not recorded, or not told: {error}"


def as_event(alarm: Alarm) -> Event:
    """The alarm as it goes on record."""
    facts = {
        "amount": alarm.amount,
        "threshold": alarm.watch.threshold,
        "window": alarm.watch.window,
        "action": alarm.watch.action,
        "exchange": alarm.exchange,
    }
    return event(f"anomaly.{alarm.kind}", alarm.at, facts, actor="hangu", tenant=alarm.tenant, subject=alarm.subject)
