"""What may be asked of the record, whoever answers: the local projection here, a cluster elsewhere. The questions, not the answers.

with open_query(Path("site/audit")) as record:
    for entry in record.find(Filter(user="ana", since=...)): ...
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateway.audit.record import Record


@dataclass(frozen=True, slots=True)
class Entry:
    """A record and where it stands: its origin and its number there, which is its leaf in that origin's tree."""

    origin: str
    seq: int
    record: Record


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records. Empty fields say nothing. Times are Unix seconds, `until` is left out of the range.

    `word` is an outcome or an event's kind; `text` is found anywhere in a prompt or an answer, in any case or width.
    `kinds` are of "opened", "closed", "event", "part".
    """

    since: float | None = None
    until: float | None = None
    tenant: str = ""
    user: str = ""
    exchange: str = ""
    word: str = ""
    code: str = ""
    model: str = ""
    text: str = ""
    kinds: tuple[str, ...] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """How far an origin's log goes, here and in the tree that was last signed."""

    origin: str
    records: int
    sealed: int
    checkpoint: str  # the signed note, empty when there is none


class AuditQuery(Protocol):
    """Answers in order of time. Every method may raise AuditError."""

    def find(self, wanted: Filter) -> Iterator[Entry]: ...

    def between(self, since: float | None, until: float | None) -> Iterator[Entry]:
        """Everything in a span of time."""
        ...

    def of(self, exchange: str) -> tuple[Entry, ...]:
        """All that is known of one exchange."""
        ...

    def by(self, user: str, tenant: str = "") -> Iterator[Entry]:
        """All that one caller did, or that was done to its data."""
        ...

    def search(self, text: str) -> Iterator[Entry]:
        """Records whose texts contain this; two characters are enough in Chinese."""
        ...

    def marked(self, mark: int) -> tuple[Entry, ...]:
        """The answers that carry a mark."""
        ...

    def heads(self) -> Sequence[Head]:
        """Each origin's log."""
        ...


def open_query(directory: Path) -> AbstractContextManager[AuditQuery]:
    """The record under `DIR/audit`, brought up to date. The projection is made when missing, and can be deleted at will."""
    from gateway.audit.projection import Projection

    return Projection.open(directory)


def folded(text: str) -> str:
    """A text as it is searched: width, case and what cannot be seen make no difference."""
    if text.isascii():
        return text.casefold()
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", text).casefold())


# Unicode's Default_Ignorable_Code_Point: where invisible marks live.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
