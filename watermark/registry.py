"""Who a mark was issued to: the question the tracer asks, and a small SQLite answer to it.

A gateway answers from its audit journal by giving its reader these four methods. Not here: the trace itself.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from watermark.codebook import Codebook
from watermark.keys import Keys


@dataclass(frozen=True, slots=True)
class Issued:
    """One marked (or only fingerprinted: `mark_id` None) answer. Text or fingerprints, whichever is kept, or both.

    `epoch` 0 is for registries that do not know it: every live one is tried.
    """

    exchange: str
    tenant: str
    user: str
    issued_at: str
    mark_id: int | None = None
    epoch: int = 0
    text: str | None = None
    fingerprints: tuple[int, ...] = ()


class Registry(Protocol):
    def by_mark(self, mark_id: int) -> Issued | None: ...

    def by_exchange(self, exchange: str) -> Issued | None: ...

    def count(self) -> int:
        """Mark ids issued in all live epochs: the more there are, the likelier a random id is one of them."""
        ...

    def codebook(self, keys: Keys) -> Codebook | None:
        """Codewords of all issued ids, kept up to date by the registry; None goes without damaged bursts."""
        ...


_SCHEMA = """
CREATE TABLE IF NOT EXISTS issued (
  number INTEGER PRIMARY KEY, mark_id INTEGER UNIQUE, epoch INTEGER NOT NULL, exchange TEXT NOT NULL UNIQUE,
  tenant TEXT NOT NULL, user TEXT NOT NULL, issued_at TEXT NOT NULL, text TEXT, fingerprints BLOB NOT NULL
);
"""
_COLUMNS = "exchange, tenant, user, issued_at, mark_id, epoch, text, fingerprints"


class SqliteRegistry:
    """A registry in one SQLite file (`None`: in memory). For use of this folder alone, and for tests."""

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._db = sqlite3.connect(Path(path) if path is not None else ":memory:", check_same_thread=False)
        self._db.executescript(_SCHEMA)
        self._book, self._booked = Codebook(), 0

    def add(self, issued: Issued) -> None:
        """Record an issue. Raises sqlite3.IntegrityError when the id or the exchange was recorded before."""
        blob = np.array(issued.fingerprints, dtype=np.uint64).tobytes()
        values = (
            issued.mark_id,
            issued.epoch,
            issued.exchange,
            issued.tenant,
            issued.user,
            issued.issued_at,
            issued.text,
            blob,
        )
        with self._db:
            self._db.execute("INSERT INTO issued VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def add_many(self, answers: Sequence[Issued]) -> None:
        for issued in answers:
            self.add(issued)

    def by_mark(self, mark_id: int) -> Issued | None:
        return self._one("mark_id", mark_id)

    def by_exchange(self, exchange: str) -> Issued | None:
        return self._one("exchange", exchange)

    def count(self) -> int:
        return int(self._db.execute("SELECT COUNT(mark_id) FROM issued").fetchone()[0])

    def codebook(self, keys: Keys) -> Codebook:
        rows = self._db.execute(
            "SELECT number, mark_id, epoch FROM issued WHERE number > ? AND mark_id NOTNULL", (self._booked,)
        )
        for number, mark_id, epoch in rows:
            if (epoch_keys := keys.of(epoch)) is not None:
                self._book.add(mark_id, epoch_keys)
            self._booked = number
        return self._book

    def close(self) -> None:
        self._db.close()

    def _one(self, column: str, value: int | str) -> Issued | None:
        query = f"SELECT {_COLUMNS} FROM issued WHERE {column} = ?"  # noqa: S608 (column is one of two literals)
        row = self._db.execute(query, (value,)).fetchone()
        if row is None:
            return None
        exchange, tenant, user, issued_at, known_id, epoch, text, blob = row
        hashes = tuple(np.frombuffer(blob, np.uint64).tolist())
        return Issued(exchange, tenant, user, issued_at, known_id, epoch, text, hashes)
