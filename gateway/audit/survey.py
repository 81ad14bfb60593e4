"""The record at a glance, newest first: exchanges as rows, and counts. One record at a time is `query`'s matter.

Rows and counts come from the projection's columns, so that a day of a million exchanges is counted without reading one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.audit import canonical
from gateway.audit.projection import Projection
from gateway.audit.query import Entry, Filter
from gateway.audit.record import millis

UNDER_WAY = "under_way"  # the outcome of an exchange that was opened and has not been closed

_KINDS = {name: number for number, name in canonical.NAMES.items()}
_OPENED, _CLOSED = _KINDS["opened"], _KINDS["closed"]
_OUTCOME = f"COALESCE(c.word, '{UNDER_WAY}')"
_CODE = "COALESCE(c.code, o.code)"
_LINES = f"""
SELECT o.number, o.at, o.exchange, o.tenant, o.user, o.model, {_OUTCOME}, {_CODE}
FROM records o LEFT JOIN records c ON c.exchange = o.exchange AND c.kind = {_CLOSED}
WHERE o.kind = {_OPENED}
"""  # noqa: S608 - only our own constants stand in it


@dataclass(frozen=True, slots=True)
class Line:
    """One exchange. `at` is Unix milliseconds; `number` orders those of one millisecond."""

    number: int
    at: int
    exchange: str
    tenant: str
    user: str
    model: str
    outcome: str
    code: str


@dataclass(frozen=True, slots=True)
class Count:
    """How often something stands in the record: an outcome, a code, or a caller as (tenant, user)."""

    what: tuple[str, ...]
    number: int


class Survey(Projection):
    """A projection that counts. Made with `Survey.open`; one thread at a time."""

    def lines(self, wanted: Filter, before: tuple[int, int] | None, limit: int) -> list[Line]:
        """Exchanges, newest first, from below `before` (a line's `at` and `number`) on. `wanted.word` is an outcome."""
        tests = [(test, value) for test, value in _tests(wanted) if value is not None]
        if before is not None:
            tests.append(("o.at <= ? AND (o.at, o.number) < (?, ?)", (before[0], *before)))
        where = "".join(f" AND {test}" for test, _ in tests)
        values = [one for _, value in tests for one in (value if isinstance(value, tuple) else (value,))]
        rows = self._db.execute(f"{_LINES}{where} ORDER BY o.at DESC, o.number DESC LIMIT ?", [*values, limit])
        return [Line(*row) for row in rows.fetchall()]

    def outcomes(self, since: float) -> list[Count]:
        """Exchanges that ended since then, by outcome."""
        return self._counted("word", f"kind = {_CLOSED}", since, 100)

    def codes(self, since: float) -> list[Count]:
        """Refusals and failures since then, by code, the most frequent first."""
        return self._counted("code", f"kind = {_CLOSED} AND code != ''", since, 100)

    def callers(self, since: float, most: int) -> list[Count]:
        """Who asked most since then."""
        return self._counted("tenant, user", f"kind = {_OPENED} AND user != ''", since, most)

    def latest(self, kinds: Sequence[str], since: float, limit: int) -> list[Entry]:
        """The newest records of some kinds, newest first, read whole."""
        chosen = " OR ".join(f"kind = {_KINDS[kind]}" for kind in kinds)  # `kind = 3` by itself has an index
        sql = f"SELECT origin, seq, first, offset FROM records WHERE at >= ? AND ({chosen})"  # noqa: S608
        rows = self._db.execute(f"{sql} ORDER BY at DESC, number DESC LIMIT ?", (millis(since), limit)).fetchall()
        return [Entry(origin, seq, self._read(origin, first, offset, seq)) for origin, seq, first, offset in rows]

    def _counted(self, columns: str, where: str, since: float, most: int) -> list[Count]:
        """`columns` and `where` are ours, never anybody's input."""
        sql = f"SELECT {columns}, COUNT(*) FROM records WHERE at >= ? AND {where} GROUP BY {columns}"  # noqa: S608
        rows = self._db.execute(f"{sql} ORDER BY COUNT(*) DESC, {columns} LIMIT ?", (millis(since), most))
        return [Count(tuple(row[:-1]), row[-1]) for row in rows]


def _tests(wanted: Filter) -> list[tuple[str, Any]]:
    return [
        ("o.at >= ?", None if wanted.since is None else millis(wanted.since)),
        ("o.at < ?", None if wanted.until is None else millis(wanted.until)),
        ("o.tenant = ?", wanted.tenant or None),
        ("o.user = ?", wanted.user or None),
        ("o.exchange = ?", wanted.exchange or None),
        ("o.model = ?", wanted.model or None),
        (f"{_OUTCOME} = ?", wanted.word or None),
        (f"{_CODE} = ?", wanted.code or None),
    ]
