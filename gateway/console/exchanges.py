"""The list of exchanges: what a visitor filters by, and one page of rows. One exchange's own page is `exchange`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.audit.query import Filter
from gateway.audit.record import Outcome
from gateway.audit.survey import UNDER_WAY, Line, Survey
from gateway.core.verdict import Code

PAGE = 50  # rows: what a person reads through
MAX_WORD = 200  # characters of one filter; names in policies are no longer
OUTCOMES = (*(outcome.value for outcome in Outcome), UNDER_WAY)
CODES = tuple(sorted(code.value for code in Code))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for, as it was typed; `wrong` names the fields that could not be read."""

    since: str = ""
    until: str = ""
    tenant: str = ""
    user: str = ""
    outcome: str = ""
    code: str = ""
    exchange: str = ""
    before: str = ""
    wrong: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, str]:
        """The filter as a query, without the page."""
        names = ("since", "until", "tenant", "user", "outcome", "code", "exchange")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


@dataclass(frozen=True, slots=True)
class Listed:
    """One page. `next` is the `before` of the page after it, empty on the last."""

    lines: list[Line]
    next: str


def wanted(query: Mapping[str, str]) -> Wanted:
    """The filter that a query means. What cannot be read is named, never left out in silence.

    Times are told again as a form's fields show them, so that no filter is in force that nobody sees.
    """
    given = {name: query.get(name, "").strip()[:MAX_WORD] for name in Wanted.__dataclass_fields__ if name != "wrong"}
    times = {name: _time(given[name]) for name in ("since", "until") if given[name]}
    wrong = [name for name, time in times.items() if time is None]
    given |= {name: _typed(time) for name, time in times.items() if time is not None}
    if given["outcome"] and given["outcome"] not in OUTCOMES:
        wrong.append("outcome")
    if given["code"] and given["code"] not in CODES:
        wrong.append("code")
    if given["before"] and _place(given["before"]) is None:
        wrong.append("before")
    return Wanted(**given, wrong=tuple(wrong))


def listed(record: Survey, asked: Wanted) -> Listed:
    """The page; nothing at all when a field could not be read."""
    if asked.wrong:
        return Listed([], "")
    filtered = Filter(
        since=_time(asked.since),
        until=_time(asked.until),
        tenant=asked.tenant,
        user=asked.user,
        exchange=asked.exchange,
        word=asked.outcome,
        code=asked.code,
    )
    lines = record.lines(filtered, _place(asked.before), PAGE + 1)
    more = lines[PAGE - 1] if len(lines) > PAGE else None
    return Listed(lines[:PAGE], f"{more.at}.{more.number}" if more else "")


def _time(text: str) -> float | None:
    """ISO 8601, as a browser's field for date and time gives it; without an offset it is UTC."""
    try:
        told = datetime.fromisoformat(text)
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _typed(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%S}"


def _place(text: str) -> tuple[int, int] | None:
    at, _, number = text.partition(".")
    plain = at.isascii() and number.isascii() and at.isdigit() and number.isdigit() and len(text) < 40
    place = (int(at), int(number)) if plain else None
    return place if place is not None and max(place) < 1 << 63 else None
