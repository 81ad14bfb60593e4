"""Sees what single exchanges do not show: bursts, floods, strangers, odd hours. Sync and pure; what is done about it is `alarms`'.

Each detector keeps a window per key and forgets the rest; time is that of the records, so a replayed day gives the same
alarms. Windows slide; after an alarm its key is quiet for one window.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Literal, TypeVar

from gateway.audit.record import Closed, Opened, Record

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
FAILURES = frozenset({"stage_failed", "stage_timeout", "audit_unavailable", "sealing_unavailable", "keys_unavailable"})

T = TypeVar("T")
Key = tuple[str, str]  # tenant and subject
Seen = tuple[Key, int, str]  # whose, how much, and for distinct counts what


def refusals(record: Record) -> Seen | None:
    return (_who(record), 1, "") if isinstance(record, Opened) and record.code else None


def attacks(record: Record) -> Seen | None:
    return (_who(record), 1, "") if isinstance(record, Opened) and record.code in ATTACKS else None


def personal_data(record: Record) -> Seen | None:
    if not isinstance(record, Opened | Closed):
        return None
    count = sum(1 for finding in record.findings if finding.kind == "pii")
    return (_who(record), count, "") if count else None


def tokens(record: Record) -> Seen | None:
    if not isinstance(record, Closed) or record.usage is None:
        return None
    return _who(record), record.usage.prompt_tokens + record.usage.completion_tokens, ""


def requests(record: Record) -> Seen | None:
    return (_who(record), 1, "") if isinstance(record, Opened) else None


def identities(record: Record) -> Seen | None:
    """Distinct users behind one certificate."""
    if not isinstance(record, Opened) or not record.thumbprint or not record.user:
        return None
    return ("", record.certificate or record.thumbprint), 1, f"{record.tenant}/{record.user}"


def failures(record: Record) -> Seen | None:
    """Checks that fail are somebody's at first: what is failing matters, not who met it."""
    if not isinstance(record, Opened) or record.code not in FAILURES:
        return None
    stage = next((d.stage for d in record.rulings if d.decision == "refuse"), "")
    return ("", stage or record.code), 1, ""


def canary(record: Record) -> Seen | None:
    """A planted value that only a leak can show."""
    if not isinstance(record, Opened | Closed):
        return None
    hit = any("canary" in finding.rule or finding.entity == "canary" for finding in record.findings)
    return (_who(record), 1, "") if hit else None


SIGHTS: dict[Kind, Callable[[Record], Seen | None]] = {
    Kind.REFUSALS: refusals,
    Kind.ATTACKS: attacks,
    Kind.PERSONAL_DATA: personal_data,
    Kind.TOKENS: tokens,
    Kind.REQUESTS: requests,
    Kind.IDENTITIES: identities,
    Kind.FAILURES: failures,
    Kind.CANARY: canary,
}


@dataclass(slots=True)
class _Window:
    """What one key did lately: (when, how much, what)."""

    events: deque[tuple[float, int, str]] = field(default_factory=deque)
    things: Counter[str] = field(default_factory=Counter)
    total: int = 0
    quiet_until: float = float("-inf")

    def add(self, at: float, amount: int, what: str, span: float) -> int:
        """The amount within the window: the sum, or how many distinct things."""
        self.events.append((at, amount, what))
        self.total += amount
        self.things[what] += 1
        while self.events[0][0] <= at - span:
            _, gone, thing = self.events.popleft()
            self.total -= gone
            self.things[thing] -= 1
            if not self.things[thing]:
                del self.things[thing]
        return len(self.things) if what else self.total


class Burst:
    """Too much of one kind within a window."""

    def __init__(self, watch: Watch) -> None:
        self._watch, self._sight = watch, SIGHTS[watch.kind]
        self._windows: OrderedDict[Key, _Window] = OrderedDict()

    def see(self, record: Record) -> Alarm | None:
        seen = self._sight(record)
        if seen is None:
            return None
        key, amount, what = seen
        at = record.at / 1000
        window = _touched(self._windows, key, _Window)
        total = window.add(at, amount, what, self._watch.window)
        if total < self._watch.threshold or at < window.quiet_until:
            return None
        window.quiet_until = at + self._watch.window
        return Alarm(self._watch.kind, *key, total, at, getattr(record, "id", ""), self._watch)


@dataclass(slots=True)
class _Habit:
    """When, and with which models, one caller usually comes."""

    hours: list[int] = field(default_factory=lambda: [0] * 24)
    days: set[int] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    count: int = 0
    quiet_until: float = float("-inf")


class Habits:
    """A caller at an hour, or on a model, that is not its own. Says nothing before it knows the caller."""

    KNOWN_DAYS = 5  # fewer days show a shift, not a habit
    KNOWN_COUNT = 50
    RARE = 0.01  # share of a caller's exchanges under which an hour, its neighbours included, is odd

    def __init__(self, watch: Watch, zone: timezone = UTC) -> None:
        self._watch, self._zone = watch, zone
        self._habits: OrderedDict[Key, _Habit] = OrderedDict()

    def see(self, record: Record) -> Alarm | None:
        if not isinstance(record, Opened) or not record.user or record.code:
            return None
        key, at = _who(record), record.at / 1000
        habit = _touched(self._habits, key, _Habit)
        odd = self._is_odd(habit, record, at)
        _learn(habit, record, datetime.fromtimestamp(at, self._zone))
        if not odd or at < habit.quiet_until:
            return None
        habit.quiet_until = at + self._watch.window
        return Alarm(self._watch.kind, *key, 1, at, record.id, self._watch)

    def _is_odd(self, habit: _Habit, record: Opened, at: float) -> bool:
        if habit.count < self.KNOWN_COUNT or len(habit.days) < self.KNOWN_DAYS:
            return False
        if self._watch.kind is Kind.NEW_MODEL:
            return record.model not in habit.models
        hour = datetime.fromtimestamp(at, self._zone).hour
        near = sum(habit.hours[(hour + shift) % 24] for shift in (-1, 0, 1))
        return near < self.RARE * habit.count


class Detectors:
    """All of them, asked in turn."""

    def __init__(self, watches: Iterable[Watch] = WATCHES, zone: timezone = UTC) -> None:
        self._all = [Burst(watch) if watch.kind in SIGHTS else Habits(watch, zone) for watch in watches]

    def see(self, record: Record) -> list[Alarm]:
        return [alarm for detector in self._all if (alarm := detector.see(record)) is not None]


def _learn(habit: _Habit, record: Opened, when: datetime) -> None:
    habit.hours[when.hour] += 1
    habit.days.add(when.toordinal())
    habit.models.add(record.model)
    habit.count += 1
    if len(habit.days) > 60:  # habits change: what is two months old no longer counts as knowing somebody
        habit.days = {day for day in habit.days if day > when.toordinal() - timedelta(days=60).days}


def _touched(held: OrderedDict[Key, T], key: Key, make: Callable[[], T]) -> T:
    """What is kept under a key, made when new; the longest untouched makes room."""
    if key in held:
        held.move_to_end(key)
    else:
        held[key] = make()
        if len(held) > MAX_KEYS:
            held.popitem(last=False)
    return held[key]


def _who(record: Opened | Closed) -> Key:
    return record.tenant, record.user or (record.address if isinstance(record, Opened) else "")
