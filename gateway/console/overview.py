"""What happened lately, counted. Asking and counting only; how it looks is the template's matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.audit.query import Head
from gateway.audit.record import Closed, Event, Opened
from gateway.audit.survey import Count, Survey

HOUR_SECONDS, DAY_SECONDS = 3600, 86_400
MAX_READ = 2_000  # records read whole for their findings: a tenth of a second of processor time; the page says where it stopped
MOST = 10  # rows of a "most" table
EVENTS = 12  # latest events shown


@dataclass(frozen=True, slots=True)
class Fired:
    """What rules saw: the kind of finding and the rule, in which direction, how often."""

    kind: str
    rule: str
    direction: str
    number: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The last hour and the day since `since`, as the list of exchanges takes it. Findings are of the `read` newest records of the day; `all_read` when that was all."""

    since: str
    hour: dict[str, int]
    day: dict[str, int]
    codes: tuple[tuple[str, int, int], ...]  # code, in the hour, in the day
    callers: list[Count]
    kinds: list[Fired]
    rules: list[Fired]
    read: int
    all_read: bool
    heads: tuple[Head, ...]
    events: list[Event]


def survey(record: Survey, now: float) -> Overview:
    """The overview at `now`, in Unix seconds."""
    hour, day = now - HOUR_SECONDS, now - DAY_SECONDS
    entries = record.latest(("opened", "closed"), day, MAX_READ)
    fired = Counter(_fired(entry.record for entry in entries))
    in_hour = dict(_named(record.codes(hour)))
    return Overview(
        f"{datetime.fromtimestamp(day, UTC):%Y-%m-%dT%H:%M:%S}",
        dict(_named(record.outcomes(hour))),
        dict(_named(record.outcomes(day))),
        tuple((code, in_hour.get(code, 0), number) for code, number in _named(record.codes(day))),
        record.callers(day, MOST),
        _kinds(fired),
        [Fired(*what, number) for what, number in fired.most_common(MOST)],
        len(entries),
        len(entries) < MAX_READ,
        tuple(record.heads()),
        [entry.record for entry in record.latest(("event",), 0, EVENTS) if isinstance(entry.record, Event)],
    )


def _named(counts: Iterable[Count]) -> list[tuple[str, int]]:
    return [(count.what[0], count.number) for count in counts]


def _fired(records: Iterable[object]) -> Iterable[tuple[str, str, str]]:
    for record in records:
        match record:
            case Opened():
                yield from ((one.kind, one.rule, "request") for one in record.findings)
            case Closed():
                yield from ((one.kind, one.rule, "response") for one in record.findings)


def _kinds(fired: Counter[tuple[str, str, str]]) -> list[Fired]:
    kinds: Counter[tuple[str, str]] = Counter()
    for (kind, _, direction), number in fired.items():
        kinds[kind, direction] += number
    return [Fired(kind, "", direction, number) for (kind, direction), number in sorted(kinds.items())]
