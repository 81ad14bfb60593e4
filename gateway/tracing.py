"""A leaked text back to its exchange: the record as registry, the fingerprint index brought up to date from it.

The index is derived and lives beside the site (`marks/`); it can be deleted and grows again from the record. How a text
is traced is `watermark.tracer`'s matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.audit.marks import CONTENT, RecordedMarks
from gateway.audit.projection import Projection
from gateway.audit.query import Filter
from gateway.audit.record import Closed
from gateway.core.errors import AuditError
from watermark import Keys
from watermark.fingerprints import fingerprint
from watermark.index import Index
from watermark.tracer import Trace, trace

BATCH = 500  # answers indexed between two notes of progress


@dataclass(frozen=True, slots=True)
class Places:
    """Where the record and the index are."""

    audit: Path
    index: Path


def trace_text(text: str, keys: Keys, places: Places) -> Trace:
    """Trace one text over everything on record. Raises AuditError where no record is."""
    with Projection.open(places.audit) as projection, Index(places.index) as index:
        catch_up(projection, index, keys, places.index / "indexed")
        return trace(text, keys, RecordedMarks(projection), index)


def catch_up(projection: Projection, index: Index, keys: Keys, note: Path) -> int:
    """Index the answers recorded since the last time; how many those were. Re-indexing one changes nothing."""
    since = _read(note)
    latest, count = since, 0
    for entry in projection.find(Filter(since=since or None, kinds=("closed",))):
        if not isinstance(entry.record, Closed):
            continue
        latest = max(latest, entry.record.at / 1000)
        text = "\n".join(answer.text for answer in entry.record.answers if answer.channel.endswith(CONTENT))
        if text:
            index.add(entry.record.id, fingerprint(text, keys.fingerprint))
            count += 1
    note.write_text(repr(latest))
    return count


def _read(note: Path) -> float:
    try:
        return float(note.read_text())
    except FileNotFoundError:
        return 0.0
    except ValueError as error:
        raise AuditError("cannot be read", str(note), "delete the folder: it grows again from the record") from error
