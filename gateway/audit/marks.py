"""The record as the registry that `watermark` traces with: which exchange a mark was issued to, and what it said.

Nothing is stored twice: marks and released texts are the record's own. Looking for marks in a text is `watermark`'s.
"""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.audit.projection import Projection
from gateway.audit.query import Entry
from gateway.audit.record import Closed
from watermark.codebook import Codebook
from watermark.keys import Keys
from watermark.registry import Issued

CONTENT = ".content"  # the channels whose text is marked


class RecordedMarks:
    """A `watermark.registry.Registry` over the local projection."""

    def __init__(self, record: Projection) -> None:
        self._record = record
        self._book, self._booked = Codebook(), 0

    def by_mark(self, mark_id: int) -> Issued | None:
        return _issued(self._record.marked(mark_id))

    def by_exchange(self, exchange: str) -> Issued | None:
        return _issued(self._record.of(exchange))

    def count(self) -> int:
        return self._record.count_marks()

    def codebook(self, keys: Keys) -> Codebook:
        """The record does not say which epoch's key made a mark, so each id is entered under every live one."""
        for number, mark in self._record.marks(self._booked):
            for epoch in keys.epochs:
                self._book.add(mark, epoch)
            self._booked = number
        return self._book


def _issued(entries: tuple[Entry, ...]) -> Issued | None:
    ends = [entry.record for entry in entries if isinstance(entry.record, Closed)]
    if not ends:
        return None
    end = ends[-1]
    text = "".join(answer.text for answer in end.answers if answer.channel.endswith(CONTENT))
    when = datetime.fromtimestamp(end.at / 1000, UTC).isoformat(timespec="milliseconds")
    return Issued(end.id, end.tenant, end.user, when, end.mark or None, text=text or None)
