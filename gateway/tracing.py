"""A leaked text back to its exchange: the record as registry, and two indices brought up to date from it.

One index holds the fingerprints of answers, the other what is nobody's: prompts, documents, boilerplate. Both are derived
and lie beside the site (`marks/`); they can be deleted and grow again from the record. How a text is traced is
`watermark.tracer`'s matter; who may ask is `tracing` of the marks policy.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from gateway.audit.disclosure import ERASED
from gateway.audit.marks import CONTENT, RecordedMarks
from gateway.audit.projection import Projection
from gateway.audit.query import Filter
from gateway.audit.record import Closed, Event, Opened
from gateway.core.errors import AuditError
from watermark import Keys, labels
from watermark.fingerprints import fingerprint
from watermark.index import Index
from watermark.tracer import Trace, trace

WRITTEN_BY_MODELS = "assistant"  # the role whose passages are answers of before, brought along
_EVERYBODY_S = (labels.visible("zh"), labels.visible("en"), *labels.EU_NOTICE.values())


@dataclass(frozen=True, slots=True)
class Places:
    """Where the record and the indices are."""

    audit: Path
    index: Path


@dataclass(frozen=True, slots=True)
class Indices:
    """The fingerprints of answers, and of what is nobody's."""

    answers: Index
    background: Index
    key: bytes

    def learn_answer(self, record: Closed) -> None:
        text = "\n".join(answer.text for answer in record.answers if answer.channel.endswith(CONTENT))
        if text:
            self.answers.add(record.id, fingerprint(text, self.key))

    def learn_prompt(self, record: Opened) -> None:
        """What a prompt says is nobody's, unless an answer said it before: else pasting a leak into a prompt would launder it."""
        for number, passage in enumerate(record.passages):
            if passage.kind == "prose" and passage.role != WRITTEN_BY_MODELS and passage.text:
                hashes = np.array(fingerprint(passage.text, self.key), np.uint64)
                if len(hashes):  # a conversation repeats its prompts at every turn: once is enough
                    fresh = ~(self.answers.knows(hashes) | self.background.knows(hashes))
                    self.background.add(f"{record.id}/{number}", hashes[fresh].tolist())

    def learn_document(self, text: str) -> bool:
        """A text that everybody has, whatever any answer says. False when it was known already."""
        before = len(self.background)
        self.background.add(
            f"text/{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}", fingerprint(text, self.key)
        )
        return len(self.background) > before

    def forget(self, exchange: str, passages: int) -> None:
        self.answers.remove(exchange)
        for number in range(passages):
            self.background.remove(f"{exchange}/{number}")


@contextmanager
def indices(places: Places, keys: Keys) -> Iterator[Indices]:
    """Both, open for writing: one process at a time, the others wait."""
    places.index.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (places.index / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _opened(places, keys) as both:
            yield both


@contextmanager
def _opened(places: Places, keys: Keys) -> Iterator[Indices]:
    with Index(places.index) as answers, Index(places.index / "background") as background:
        both = Indices(answers, background, keys.fingerprint)
        for text in _EVERYBODY_S:
            both.learn_document(text)
        yield both


def trace_text(text: str, keys: Keys, places: Places) -> Trace:
    """Trace one text over everything on record. Raises AuditError where no record is."""
    with Projection.open(places.audit) as projection, indices(places, keys) as both:
        catch_up(projection, both, places.index / "indexed")
        return trace(text, keys, RecordedMarks(projection), both.answers, both.background)


def catch_up(projection: Projection, both: Indices, note: Path) -> int:
    """Take in what was recorded since the last time; how many answers. Taking one in again changes nothing."""
    since = _read(note)
    latest, count = since, 0
    for entry in projection.find(Filter(since=since or None, kinds=("opened", "closed", "event"))):
        record = entry.record
        latest = max(latest, record.at / 1000)
        if isinstance(record, Opened):
            both.learn_prompt(record)
        elif isinstance(record, Closed):
            both.learn_answer(record)
            count += 1
        elif isinstance(record, Event) and record.kind == ERASED:
            _forget(projection, both, record)
    note.write_text(repr(latest))
    return count


def _forget(projection: Projection, both: Indices, erased: Event) -> None:
    """Whose texts were erased leaves no fingerprints of them either."""
    for entry in projection.by(erased.subject, erased.tenant):
        if isinstance(entry.record, Opened) and entry.record.at <= erased.at:
            both.forget(entry.record.id, len(entry.record.passages))


def _read(note: Path) -> float:
    try:
        return float(note.read_text())
    except FileNotFoundError:
        return 0.0
    except ValueError as error:
        raise AuditError("cannot be read", str(note), "delete the folder: it grows again from the record") from error
