"""The record as SQLite rows, for asking. Derived from the segments, brought up to date when opened, deleted without loss.

A row says what can be filtered by and where the frame lies; the record itself is read from its segment. Texts are kept
folded, for searching, in a table of their own that `erase` empties.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from gateway.audit import canonical, frames
from gateway.audit.checkpoint import parse, split
from gateway.audit.frames import Damage, Frame
from gateway.audit.query import Entry, Filter, Head, folded
from gateway.audit.record import Record, millis
from gateway.core.errors import AuditError

FILE = "query.sqlite"
BATCH = 2_000  # rows a transaction: a crash loses that much of a cache
READERS_MAY_TAKE_MS = 2000  # how long erasing waits for those who are reading the rows
FETCH = 500  # rows read at a time while somebody iterates

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
PRAGMA secure_delete = ON;
CREATE TABLE IF NOT EXISTS records (
  number INTEGER PRIMARY KEY, origin TEXT NOT NULL, seq INTEGER NOT NULL, first INTEGER NOT NULL, offset INTEGER NOT NULL,
  kind INTEGER NOT NULL, at INTEGER NOT NULL, exchange TEXT NOT NULL, tenant TEXT NOT NULL, user TEXT NOT NULL,
  word TEXT NOT NULL, code TEXT NOT NULL, model TEXT NOT NULL, mark INTEGER NOT NULL, UNIQUE (origin, seq)
);
CREATE INDEX IF NOT EXISTS by_time ON records (at, number);
CREATE INDEX IF NOT EXISTS by_exchange ON records (exchange);
CREATE INDEX IF NOT EXISTS by_user ON records (user, tenant, at);
CREATE INDEX IF NOT EXISTS by_mark ON records (mark) WHERE mark != 0;
CREATE INDEX IF NOT EXISTS by_event ON records (at, number) WHERE kind = 3;
CREATE TABLE IF NOT EXISTS texts (number INTEGER PRIMARY KEY, text TEXT NOT NULL);
PRAGMA user_version = 1;
"""
_INSERT = "INSERT OR IGNORE INTO records VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT number, at, origin, seq, first, offset FROM records"
_KINDS = {name: number for number, name in canonical.NAMES.items()}


class Projection:
    """An AuditQuery over local files. Use it as a context; one thread at a time."""

    def __init__(self, directory: Path, db: sqlite3.Connection) -> None:
        self._directory, self._db = directory, db

    @classmethod
    def open(cls, directory: Path) -> Self:
        """The projection of `DIR/audit`, up to date. Raises AuditError where no record is."""
        if not frames.origins(directory):
            raise AuditError("no audit segments here", str(directory), "is this a site's audit directory?")
        where = directory / FILE if _may_write(directory) else ":memory:"  # an auditor's copy may be read-only
        db = sqlite3.connect(where, timeout=30, isolation_level=None)
        try:
            db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            db.close()
            raise AuditError(f"the projection is damaged: {error}", FILE, "delete it: it is made again") from error
        projection = cls(directory, db)
        projection.refresh()
        return projection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def refresh(self) -> int:
        """Take in what was written since; gives how many records."""
        return sum(self._follow(origin) for origin in frames.origins(self._directory))

    def find(self, wanted: Filter) -> Iterator[Entry]:
        where, values = _conditions(wanted)
        rows = self._rows(f"{_SELECT} WHERE {where}", values)
        for _number, _at, origin, seq, first, offset in islice(rows, wanted.limit):
            yield Entry(origin, seq, self._read(origin, first, offset, seq))

    def between(self, since: float | None, until: float | None) -> Iterator[Entry]:
        return self.find(Filter(since=since, until=until))

    def of(self, exchange: str) -> tuple[Entry, ...]:
        return tuple(self.find(Filter(exchange=exchange)))

    def by(self, user: str, tenant: str = "") -> Iterator[Entry]:
        return self.find(Filter(user=user, tenant=tenant))

    def search(self, text: str) -> Iterator[Entry]:
        return self.find(Filter(text=text))

    def marked(self, mark: int) -> tuple[Entry, ...]:
        rows = self._db.execute("SELECT origin, seq, first, offset FROM records WHERE mark = ? ORDER BY at", (mark,))
        return tuple(Entry(o, seq, self._read(o, first, offset, seq)) for o, seq, first, offset in rows.fetchall())

    def marks(self, after: int) -> Iterator[tuple[int, int]]:
        """Row number and mark of each marked answer after a row, for those who keep a list."""
        sql = "SELECT number, mark FROM records WHERE mark != 0 AND kind = 2 AND number > ? ORDER BY number"
        yield from self._db.execute(sql, (after,))

    def count_marks(self) -> int:
        """How many answers are marked."""
        row = self._db.execute("SELECT COUNT(*) FROM records WHERE mark != 0 AND kind = 2").fetchone()
        return int(row[0])

    def everybody(self) -> list[tuple[str, str]]:
        """Every tenant and user that has asked for anything."""
        sql = "SELECT DISTINCT tenant, user FROM records WHERE kind = ? AND user != '' ORDER BY tenant, user"
        return self._db.execute(sql, (_KINDS["opened"],)).fetchall()

    def heads(self) -> Sequence[Head]:
        rows = self._db.execute("SELECT origin, COUNT(*) FROM records GROUP BY origin ORDER BY origin").fetchall()
        return [Head(origin, count, *_sealed(self._directory / f"checkpoint-{origin}")) for origin, count in rows]

    def forget(self, tenant: str, user: str) -> None:
        """Remove a subject's texts from the file, not just from sight."""
        sql = "DELETE FROM texts WHERE number IN (SELECT number FROM records WHERE user = ? AND tenant = ?)"
        self._db.execute(sql, (user, tenant))
        self._db.execute(f"PRAGMA busy_timeout = {READERS_MAY_TAKE_MS}")
        busy, *_ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise AuditError("somebody is reading the rows: a copy of the texts is still in them", FILE, "erase again")

    def frames_of(self, tenant: str, user: str, until: int) -> list[tuple[Path, Frame]]:
        """The frames with a subject's texts up to a time (Unix milliseconds, included), and the files they are in."""
        sql = "SELECT origin, seq, first, offset FROM records WHERE user = ? AND tenant = ? AND at <= ? AND kind != 3"
        rows = self._db.execute(sql, (user, tenant, until)).fetchall()
        return [
            (self._directory / frames.segment_name(origin, first), self._frame(origin, first, offset, seq))
            for origin, seq, first, offset in rows
        ]

    def places(self, exchange: str) -> list[tuple[str, int, bytes]]:
        """Origin, number and head of each record of an exchange, for proofs."""
        sql = "SELECT origin, seq, first, offset FROM records WHERE exchange = ? ORDER BY at, number"
        rows = self._db.execute(sql, (exchange,)).fetchall()
        return [(origin, seq, self._frame(origin, first, offset, seq).head) for origin, seq, first, offset in rows]

    def _rows(self, sql: str, values: list[Any]) -> Iterator[tuple[Any, ...]]:
        """Page by page, so that nothing stays locked while the caller thinks."""
        last: tuple[int, int] = (-1, -1)
        while True:
            page = self._db.execute(
                f"{sql} AND (at, number) > (?, ?) ORDER BY at, number LIMIT {FETCH}", [*values, *last]
            )
            rows = page.fetchall()
            yield from rows
            if len(rows) < FETCH:
                return
            last = rows[-1][1], rows[-1][0]

    def _read(self, origin: str, first: int, offset: int, seq: int) -> Record:
        frame = self._frame(origin, first, offset, seq)
        return canonical.decode(frame.kind, frame.head, frame.body)

    def _frame(self, origin: str, first: int, offset: int, seq: int) -> Frame:
        return frames.read_one(self._directory / frames.segment_name(origin, first), offset, seq)

    def _follow(self, origin: str) -> int:
        """New records of one origin. A tail that is being written is left for the next time."""
        listed = frames.segments(self._directory, origin)
        seq, at, offset = self._last(origin)
        taken = 0
        for n, (first, path) in enumerate(listed):
            stop = listed[n + 1][0] if n + 1 < len(listed) else None
            if stop is None or stop > seq + 1:
                reading = frames.read_from(path, offset if first == at else None, seq, stop)
                taken += self._take(origin, first, reading, last=stop is None)
        return taken

    def _last(self, origin: str) -> tuple[int, int, int | None]:
        sql = "SELECT seq, first, offset FROM records WHERE origin = ? ORDER BY seq DESC LIMIT 1"
        row: tuple[int, int, int] | None = self._db.execute(sql, (origin,)).fetchone()
        return row if row else (-1, -1, None)

    def _take(self, origin: str, first: int, reading: Iterator[Frame], *, last: bool) -> int:
        taken = 0
        try:
            while batch := list(islice(reading, BATCH)):
                self._insert(origin, first, batch)
                taken += len(batch)
        except Damage as damage:
            if not last:
                raise AuditError(
                    damage.what, frames.segment_name(origin, first), "run `hangu audit verify`"
                ) from damage
        return taken

    def _insert(self, origin: str, first: int, batch: list[Frame]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        with self._db:
            for frame in batch:
                try:
                    columns, text = _columns(frame.kind, orjson.loads(frame.head)), _text(frame.body)
                except (KeyError, ValueError, TypeError) as error:
                    raise AuditError(f"record {frame.seq} is none", origin, "run `hangu audit verify`") from error
                row = self._db.execute(_INSERT, (origin, frame.seq, first, frame.offset, frame.kind, *columns))
                if text and row.rowcount:
                    self._db.execute("INSERT INTO texts VALUES (?, ?)", (row.lastrowid, text))


def _may_write(directory: Path) -> bool:
    """Can the file be made or opened for writing? It holds texts: nobody else may read it."""
    try:
        os.close(os.open(directory / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError:
        return False
    return True


def _columns(kind: int, head: dict[str, Any]) -> tuple[object, ...]:
    """What a record can be filtered by, out of its head alone: a record need not be built to be found."""
    match canonical.NAMES[kind]:
        case "opened":
            rest = (
                head["id"],
                head["tenant"],
                head["user"],
                "refused" if head["code"] else "opened",
                head["code"],
                head["model"],
                0,
            )
        case "closed":
            rest = head["id"], head["tenant"], head["user"], head["outcome"], head["code"], "", head["mark"]
        case "part":
            rest = head["id"], head["tenant"], head["user"], "part", "", "", 0
        case _:
            rest = dict(head["facts"]).get("exchange", ""), head["tenant"], head["actor"], head["kind"], "", "", 0
    return head["at"], *rest


def _text(body: bytes) -> str:
    return folded("\n".join(orjson.loads(body).get("texts", ()))) if body else ""


def _conditions(wanted: Filter) -> tuple[str, list[Any]]:
    tests: list[tuple[str, Any]] = [
        ("at >= ?", None if wanted.since is None else millis(wanted.since)),
        ("at < ?", None if wanted.until is None else millis(wanted.until)),
        ("tenant = ?", wanted.tenant or None),
        ("user = ?", wanted.user or None),
        ("exchange = ?", wanted.exchange or None),
        ("word = ?", wanted.word or None),
        ("code = ?", wanted.code or None),
        ("model = ?", wanted.model or None),
        ("number IN (SELECT number FROM texts WHERE instr(text, ?))", folded(wanted.text) or None),
    ]
    used = [(test, value) for test, value in tests if value is not None]
    kinds = [_KINDS[name] for name in wanted.kinds]
    listed = [f"kind IN ({', '.join('?' * len(kinds))})"] if kinds else []
    return " AND ".join([test for test, _ in used] + listed) or "1", [value for _, value in used] + kinds


def _sealed(latest: Path) -> tuple[int, str]:
    notes = list(split(latest.read_bytes())) if latest.exists() else []
    return (parse(notes[-1]).size, notes[-1].decode()) if notes else (0, "")
