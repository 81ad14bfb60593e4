"""All that is recorded of one exchange, as its page shows it. Texts are a part of their own: who may read them is decided once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.audit.query import Entry
from gateway.audit.record import Answer, Closed, Event, Opened, Part, Record, Text, event
from gateway.audit.survey import UNDER_WAY, Survey
from gateway.console import way
from gateway.console.way import Stop
from gateway.core.exchange import Principal

READ = "console.read"  # the event of an auditor who read recorded texts


@dataclass(frozen=True, slots=True)
class Told:
    """One exchange. `places` are (kind, origin, number) of its records; texts in it are blank unless they may be read."""

    opened: Opened
    closed: Closed | None
    asked: list[Stop]
    answered: list[Stop]
    passages: tuple[Text, ...]
    answers: tuple[Answer, ...]
    events: tuple[Event, ...]
    places: tuple[tuple[str, str, int], ...]

    @property
    def outcome(self) -> str:
        return str(self.closed.outcome) if self.closed else UNDER_WAY

    @property
    def code(self) -> str:
        return self.closed.code if self.closed else self.opened.code

    @property
    def has_texts(self) -> bool:
        return any(one.text for one in self.passages) or any(one.text for one in self.answers)


def tell(record: Survey, exchange: str) -> Told | None:
    """The exchange with its texts, or None where there is no such exchange."""
    entries = record.of(exchange)
    opened = next((entry.record for entry in entries if isinstance(entry.record, Opened)), None)
    if opened is None:
        return None
    closed = next((entry.record for entry in entries if isinstance(entry.record, Closed)), None)
    asked, answered = way.of_record(opened, closed)
    return Told(
        opened,
        closed,
        asked,
        answered,
        opened.passages,
        _answers(closed, entries),
        tuple(entry.record for entry in entries if isinstance(entry.record, Event)),
        tuple((_kind(entry.record), entry.origin, entry.seq) for entry in entries),
    )


def without_texts(told: Told) -> Told:
    """The same for those who may not read texts: places and lengths stay."""
    return replace(
        told,
        passages=tuple(replace(one, text="") for one in told.passages),
        answers=tuple(replace(one, text="") for one in told.answers),
    )


def reading(told: Told, who: Principal, at: float) -> Event:
    """What goes on the record before `who` reads the texts: who, and which exchange of whose. `at` is Unix seconds."""
    return event(
        READ, at, {"exchange": told.opened.id}, actor=who.name, tenant=told.opened.tenant, subject=told.opened.user
    )


def _answers(closed: Closed | None, entries: tuple[Entry, ...]) -> tuple[Answer, ...]:
    """What was released: as it was closed, or as far as a stream had come."""
    if closed is not None and closed.answers:
        return closed.answers
    return tuple(answer for entry in entries if isinstance(entry.record, Part) for answer in entry.record.answers)


def _kind(record: Record) -> str:
    return record.kind if isinstance(record, Event) else type(record).__name__.lower()
