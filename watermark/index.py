"""The fingerprint index: which stored texts share passages with this one.

Nine bytes a posting (40-bit hash, 32-bit text number) in sorted, memory-mapped segments; a small SQLite file names
the texts and holds what came since the last segment. Survives a crash: a posting is in SQLite until its segment is
on disk. Not here: what sharing a passage means (`watermark.tracer`), any other store (`watermark.elastic`).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from watermark import segments
from watermark.segments import Postings, Segment

FLUSH_POSTINGS = 500_000  # 4.5 MB: seconds of marking on a busy gateway, and a merge costs a tenth of a second
COMMON_SHARE = 0.02  # a passage in 2 % of all texts says nothing about which one
_COMMON_FLOOR = 200
CANDIDATES = 12  # the longest list an investigator is shown

Places = NDArray[np.int64]
Weights = NDArray[np.float64]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS texts (number INTEGER PRIMARY KEY, exchange TEXT NOT NULL UNIQUE, size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS waiting (number INTEGER PRIMARY KEY, hashes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS segments (name TEXT PRIMARY KEY, postings INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS gone (number INTEGER PRIMARY KEY);
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A stored text, the hashes it shares with the query, their share of the query's, and their rarity (nats)."""

    exchange: str
    shared: int
    coverage: float
    weight: float


class Index:
    """One writer, in one process; open it as `Index(folder)` or `Index()` for memory only."""

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self._folder = Path(folder) if folder is not None else None
        if self._folder is not None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._db = sqlite3.connect(
            self._folder / "texts.sqlite" if self._folder else ":memory:", check_same_thread=False
        )
        self._db.executescript(("PRAGMA journal_mode=WAL;" if self._folder else "") + _SCHEMA)
        self._segments = (
            [segments.read(self._folder, name) for (name,) in self._db.execute("SELECT name FROM segments")]
            if self._folder
            else []
        )
        self._gone = {number for (number,) in self._db.execute("SELECT number FROM gone")}
        self._waiting = {
            number: np.frombuffer(blob, np.uint64) for number, blob in self._db.execute("SELECT * FROM waiting")
        }
        self._waiting_size = sum(map(len, self._waiting.values()))
        self._recent: Postings | None = None
        (self._next,) = self._db.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM texts").fetchone()
        (self._count,) = self._db.execute("SELECT COUNT(*) FROM texts").fetchone()

    def __len__(self) -> int:
        return int(self._count)

    @property
    def bytes_on_postings(self) -> int:
        return (
            sum(len(segment.postings) for segment in self._segments) * segments.POSTING_BYTES + self._waiting_size * 8
        )

    def add(self, exchange: str, hashes: Sequence[int]) -> None:
        """Store a text's fingerprint under its exchange; a second time for the same exchange is ignored.

        Durable after the next `commit`, `flush` or `close`; one transaction for many adds is a hundred times quicker.
        """
        number = self._next
        cursor = self._db.execute("INSERT OR IGNORE INTO texts VALUES (?, ?, ?)", (number, exchange, len(hashes)))
        if not cursor.rowcount:
            return
        self._next, self._count = number + 1, self._count + 1
        values = np.array(hashes, dtype=np.uint64)
        self._db.execute("INSERT INTO waiting VALUES (?, ?)", (number, values.tobytes()))
        self._waiting[number], self._recent = values, None
        self._waiting_size += len(values)
        if self._waiting_size >= FLUSH_POSTINGS:
            self.flush()

    def flush(self) -> None:
        """Make everything durable, and move what waits into a segment, merging segments of like size."""
        if self._waiting:
            self._adopt(Segment.of(self._waiting_postings()), replaces=[])
            self._waiting, self._waiting_size, self._recent = {}, 0, None
        while len(self._segments) > 1 and len(self._segments[-2].postings) < 2 * len(self._segments[-1].postings):
            last = self._segments[-2:]
            merged = segments.merge([segment.postings for segment in last], self._gone)
            self._adopt(Segment.of(merged), replaces=last)
        self._db.commit()

    def commit(self) -> None:
        """Make everything added so far durable, without sorting it into segments."""
        self._db.commit()

    def remove(self, exchange: str) -> bool:
        """Forget a text: out of every answer at once, out of the segments at their next merge."""
        row = self._db.execute("SELECT number FROM texts WHERE exchange = ?", (exchange,)).fetchone()
        if row is None:
            return False
        (number,) = row
        self._db.execute("DELETE FROM texts WHERE number = ?", (number,))
        self._db.execute("DELETE FROM waiting WHERE number = ?", (number,))
        self._db.execute("INSERT INTO gone VALUES (?)", (number,))
        self._waiting_size -= len(self._waiting.pop(number, ()))
        self._gone.add(number)
        self._count, self._recent = self._count - 1, None
        self._db.commit()
        return True

    def query(self, hashes: Iterable[int], background: Index | None = None, limit: int = CANDIDATES) -> list[Found]:
        """Stored texts that share most with the query, rarest passages counting most; at most `limit`."""
        wanted = np.unique(np.fromiter(hashes, dtype=np.uint64))
        if background is not None:
            wanted = wanted[~background.knows(wanted)]
        if not len(wanted) or not self._count:
            return []
        which, numbers = self._lookup(wanted)
        weights = self._rarity(which, len(wanted))
        shared = np.bincount(numbers, minlength=1)
        score = np.bincount(numbers, weights=weights[which], minlength=1)
        few = min(limit + 1, len(score))
        top = np.argpartition(score, len(score) - few)[-few:]
        ranked = sorted(
            ((float(score[n]), int(n)) for n in top.tolist() if score[n] > 0), key=lambda pair: (-pair[0], pair[1])
        )
        named = ((self._name(number), weight, int(shared[number])) for weight, number in ranked[:limit])
        return [Found(name, count, count / len(wanted), weight) for name, weight, count in named if name is not None]

    def knows(self, hashes: segments.Hashes) -> NDArray[np.bool_]:
        """Which of these hashes stand in any stored text."""
        known = np.zeros(len(hashes), dtype=bool)
        known[self._lookup(hashes)[0]] = True
        return known

    def _lookup(self, wanted: segments.Hashes) -> tuple[Places, Places]:
        if self._recent is None:
            self._recent = self._waiting_postings()
        places = [s.find(wanted) for s in [*self._segments, Segment.of(self._recent)]]
        which = np.concatenate([which for which, _ in places]).astype(np.int64)
        numbers = np.concatenate([numbers for _, numbers in places]).astype(np.int64)
        if self._gone:
            alive = ~np.isin(numbers, np.fromiter(self._gone, np.int64))
            which, numbers = which[alive], numbers[alive]
        return which, numbers

    def _rarity(self, which: Places, size: int) -> Weights:
        frequency = np.bincount(which, minlength=size)
        weights: Weights = np.log((self._count + 1) / np.maximum(frequency, 1)) + log(2)
        weights[frequency > max(_COMMON_FLOOR, COMMON_SHARE * self._count)] = 0.0
        return weights

    def _name(self, number: int) -> str | None:
        row = self._db.execute("SELECT exchange FROM texts WHERE number = ?", (number,)).fetchone()
        return row[0] if row else None

    def _waiting_postings(self) -> Postings:
        return Postings.of(self._waiting)

    def _adopt(self, segment: Segment, replaces: list[Segment]) -> None:
        kept = [old for old in self._segments if old not in replaces]
        stored = segments.write(self._folder, segment) if self._folder is not None else segment
        self._segments = [*kept, stored]
        with self._db:
            self._db.executemany("DELETE FROM segments WHERE name = ?", [(old.name,) for old in replaces])
            self._db.execute("INSERT OR REPLACE INTO segments VALUES (?, ?)", (stored.name, len(stored.postings)))
            if not replaces:
                self._db.execute("DELETE FROM waiting")
        if self._folder is not None:
            for old in replaces:
                segments.delete(self._folder, old.name)

    def close(self) -> None:
        self.flush()
        self._db.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
