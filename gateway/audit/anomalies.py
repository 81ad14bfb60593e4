"""Sees what single exchanges do not show: bursts, floods, strangers, odd hours. Sync and pure; what is done about it is `alarms`'.

Each detector keeps a window per key and forgets the rest; time is that of the records, so a replayed day gives the same
alarms. Windows slide; after an alarm its key is quiet for one window.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, timezone
from enum import StrEnum
from typing import Literal, TypeVar

from gateway.audit.record import Closed, Opened, Record
from gateway.core.verdict import Finding

_HOUR_SECONDS, _DAY_SECONDS = 3_600, 86_400
MAX_KEYS = 50_000  # users, certificates, addresses watched at once; the longest silent is forgotten first


class Kind(StrEnum):
    """What may be noticed. The words are on the record as `anomaly.<kind>`."""

    REFUSALS = "refusals"
    ATTACKS = "attacks"
    PERSONAL_DATA = "personal_data"
    TOKENS = "tokens"
    REQUESTS = "requests"
    IDENTITIES = "identities"
    FAILURES = "failures"
    CANARY = "canary"
    ODD_HOUR = "odd_hour"
    NEW_MODEL = "new_model"


Action = Literal["record", "webhook", "throttle", "step_up", "block"]


@dataclass(frozen=True, slots=True)
class Watch:
    """How much of a kind within how many seconds is too much, what to do, and for how many seconds.

    `every` is how many seconds lie between two exchanges of a throttled caller.
    """

    kind: Kind
    threshold: int
    window: float = 300.0
    action: Action = "record"
    lasting: float = 600.0
    every: float = 10.0


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something noticed: whose, how much, and the record that gave the last push. `at` is that record's, Unix seconds."""

    kind: Kind
    tenant: str
    subject: str
    amount: int
    at: float
    exchange: str
    watch: Watch


WATCHES = (
    Watch(Kind.REFUSALS, 20),
    Watch(Kind.ATTACKS, 5, action="webhook"),
    Watch(Kind.PERSONAL_DATA, 100),
    Watch(Kind.TOKENS, 200_000),
    Watch(Kind.REQUESTS, 600, window=60.0),
    Watch(Kind.IDENTITIES, 5),
    Watch(Kind.FAILURES, 5, window=60.0, action="webhook"),
    Watch(Kind.CANARY, 1, action="webhook"),
    Watch(Kind.ODD_HOUR, 1, window=86_400.0),
    Watch(Kind.NEW_MODEL, 1, window=86_400.0),
)

ATTACKS = frozenset(
    {"attack_detected", "prompt_injection", "control_token_forged", "url_not_allowed", "schema_too_complex"}
)
HABITS = frozenset({Kind.ODD_HOUR, Kind.NEW_MODEL})  # learnt of each caller; all else is counted within a window
FAILURES = frozenset({"stage_failed", "stage_timeout", "audit_unavailable", "sealing_unavailable", "keys_unavailable"})

T = TypeVar("T")
Key = tuple[str, str]  # tenant and subject
Seen = tuple[Kind, Key, int, str]  # of what kind, whose, how much, and for distinct counts what


def sights(record: Record) -> list[Seen]:
    """What one record shows of each kind that is counted. Nearly every record shows one thing or two."""
    if isinstance(record, Opened):
        who = _who(record)
        seen: list[Seen] = [(Kind.REQUESTS, who, 1, "")]
        if record.thumbprint and record.user:  # distinct users behind one certificate
            certificate = record.certificate or record.thumbprint
            seen.append((Kind.IDENTITIES, ("", certificate), 1, f"{record.tenant}/{record.user}"))
        if record.code:
            seen += _refused(record, who)
        return seen + _found(record.findings, who)
    if not isinstance(record, Closed):
        return []
    who = _who(record)
    used = record.usage
    tokens: list[Seen] = [(Kind.TOKENS, who, used.prompt_tokens + used.completion_tokens, "")] if used else []
    return tokens + _found(record.findings, who)


def _refused(record: Opened, who: Key) -> list[Seen]:
    seen: list[Seen] = [(Kind.REFUSALS, who, 1, "")]
    if record.code in ATTACKS:
        seen.append((Kind.ATTACKS, who, 1, ""))
    if record.code in FAILURES:  # somebody's at first: what is failing matters, not who met it
        stage = next((d.stage for d in record.rulings if d.decision == "refuse"), "")
        seen.append((Kind.FAILURES, ("", stage or record.code), 1, ""))
    return seen


def _found(findings: tuple[Finding, ...], who: Key) -> list[Seen]:
    personal, canaries = 0, 0
    for finding in findings:
        personal += finding.kind == "pii"
        canaries += "canary" in finding.rule or finding.entity == "canary"
    seen: list[Seen] = [(Kind.PERSONAL_DATA, who, personal, "")] if personal else []
    return [*seen, (Kind.CANARY, who, 1, "")] if canaries else seen  # a planted value that only a leak can show


@dataclass(slots=True)
class _Window:
    """What one key did lately: (when, how much, what); and how often each thing, where those are counted."""

    events: deque[tuple[float, int, str]] = field(default_factory=deque)
    things: dict[str, int] = field(default_factory=dict)
    total: int = 0
    quiet_until: float = float("-inf")

    def add(self, at: float, amount: int, what: str, span: float) -> int:
        """The amount within the window: the sum, or how many distinct things."""
        events = self.events
        events.append((at, amount, what))
        self.total += amount
        if what:
            self.things[what] = self.things.get(what, 0) + 1
        while events[0][0] <= at - span:
            self._forget()
        return len(self.things) if what else self.total

    def _forget(self) -> None:
        _, gone, thing = self.events.popleft()
        self.total -= gone
        if thing:
            self.things[thing] -= 1
            if not self.things[thing]:
                del self.things[thing]


class Burst:
    """Too much of one kind within a window."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._windows: OrderedDict[Key, _Window] = OrderedDict()

    def see(self, seen: Seen, record: Record) -> Alarm | None:
        """`seen` is of this burst's kind."""
        _, key, amount, what = seen
        at = record.at / 1000
        window = _touched(self._windows, key, _Window)
        total = window.add(at, amount, what, self._watch.window)
        if total < self._watch.threshold or at < window.quiet_until:
            return None
        window.quiet_until = at + self._watch.window
        return Alarm(self._watch.kind, *key, total, at, getattr(record, "id", ""), self._watch)


@dataclass(slots=True)
class _Habit:
    """When, and with which models, one caller usually comes; and until when each watch has said enough of it."""

    hours: list[int] = field(default_factory=lambda: [0] * 24)
    days: set[int] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    count: int = 0
    quiet_until: dict[Watch, float] = field(default_factory=dict)


class Habits:
    """A caller at an hour, or on a model, that is not its own. Says nothing before it knows the caller."""

    KNOWN_DAYS = 5  # fewer days show a shift, not a habit
    KNOWN_COUNT = 50
    RARE = 0.01  # share of a caller's exchanges under which an hour, its neighbours included, is odd
    LASTING_DAYS = 60  # habits change: what is two months old no longer counts as knowing somebody

    def __init__(self, watches: Iterable[Watch], zone: timezone = UTC) -> None:
        self._watches = tuple(watches)
        self._east = zone.utcoffset(None).total_seconds()
        self._habits: OrderedDict[Key, _Habit] = OrderedDict()

    def see(self, record: Opened) -> list[Alarm]:
        """Of a record that names a user and was not refused."""
        key, at = _who(record), record.at / 1000
        day, second = divmod(at + self._east, _DAY_SECONDS)
        hour = int(second // _HOUR_SECONDS)
        habit = _touched(self._habits, key, _Habit)
        known = habit.count >= self.KNOWN_COUNT and len(habit.days) >= self.KNOWN_DAYS
        odd = [watch for watch in self._watches if self._is_odd(habit, watch, record.model, hour)] if known else []
        self._learn(habit, record.model, int(day), hour)
        return [alarm for watch in odd if (alarm := _told(habit, watch, key, record)) is not None]

    def _is_odd(self, habit: _Habit, watch: Watch, model: str, hour: int) -> bool:
        if watch.kind is Kind.NEW_MODEL:
            return model not in habit.models
        near = sum(habit.hours[(hour + shift) % 24] for shift in (-1, 0, 1))
        return near < self.RARE * habit.count

    def _learn(self, habit: _Habit, model: str, day: int, hour: int) -> None:
        habit.hours[hour] += 1
        habit.days.add(day)
        habit.models.add(model)
        habit.count += 1
        if len(habit.days) > self.LASTING_DAYS:
            habit.days = {each for each in habit.days if each > day - self.LASTING_DAYS}


class Detectors:
    """All of them, each asked of what it watches for."""

    def __init__(self, watches: Iterable[Watch] = WATCHES, zone: timezone = UTC) -> None:
        watches = tuple(watches)
        self._bursts: dict[Kind, list[Burst]] = {}
        for watch in watches:
            if watch.kind not in HABITS:
                self._bursts.setdefault(watch.kind, []).append(Burst(watch))
        self._habits = Habits([watch for watch in watches if watch.kind in HABITS], zone)

    def see(self, record: Record) -> list[Alarm]:
        alarms: list[Alarm] = []
        for seen in sights(record):
            for burst in self._bursts.get(seen[0], ()):
                if (alarm := burst.see(seen, record)) is not None:
                    alarms.append(alarm)
        if isinstance(record, Opened) and record.user and not record.code:
            alarms += self._habits.see(record)
        return alarms


def _told(habit: _Habit, watch: Watch, key: Key, record: Opened) -> Alarm | None:
    """The alarm, unless it was raised a while ago."""
    at = record.at / 1000
    if at < habit.quiet_until.get(watch, at):
        return None
    habit.quiet_until[watch] = at + watch.window
    return Alarm(watch.kind, *key, 1, at, record.id, watch)


def _touched(held: OrderedDict[Key, T], key: Key, make: Callable[[], T]) -> T:
    """What is kept under a key, made when new; the longest untouched makes room."""
    found = held.get(key)
    if found is not None:
        held.move_to_end(key)
        return found
    found = held[key] = make()
    if len(held) > MAX_KEYS:
        held.popitem(last=False)
    return found


def _who(record: Opened | Closed) -> Key:
    return record.tenant, record.user or (record.address if isinstance(record, Opened) else "")
