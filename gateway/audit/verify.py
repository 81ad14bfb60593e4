"""Is the record whole and unchanged? Needs the files and the public key alone, and imports no writer.

Steps: 1 every segment follows the one before; 2 every frame is whole and in order; 3 every body is what its head commits
to, or was erased on record; 4 every checkpoint we know of, here or kept elsewhere, is signed and is a tree of these very
records; 5 every origin that ever was is here. Each problem names the first bad record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

import orjson

from gateway.audit import frames, witnesses
from gateway.audit.checkpoint import Checkpoint, Publics, each_of
from gateway.audit.frames import Damage, Frame
from gateway.audit.merkle import Frontier
from gateway.audit.witnesses import Problem
from gateway.core.errors import AuditError

_TELLING = {"route": 1, "outcome": 2, "facts": 3, "answers": 4}  # in this order: `answers` are in closed records too


@dataclass(slots=True)
class Log:
    """One origin's log as found. `sealed` is the size of its largest good checkpoint, `root` that of all its records."""

    origin: str
    records: int = 0
    root: bytes = b""
    sealed: int = 0
    checkpoints: int = 0
    erased: int = 0
    open: int = 0
    torn: bool = False
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, over all origins. `notes` are worth reading but nothing wrong."""

    logs: tuple[Log, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()

    @property
    def records(self) -> int:
        return sum(log.records for log in self.logs)

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(directory: Path, public: Publics, kept: Sequence[Path] = ()) -> Report:
    """Check `DIR/audit` with the 32 bytes of the public key; of several keys, all but the first are retired.

    `kept` are checkpoints from elsewhere: files, or folders of them. What a retired key signed counts, but each log's newest
    checkpoint must be by the key in use: whoever stole a retired one cannot go on with it.

    Raises AuditError when there is nothing that could be checked.
    """
    found = frames.origins(directory)
    if not found:
        raise AuditError("no audit segments here", str(directory), "is this a site's audit directory?")
    notes, problems = witnesses.checkpoints((directory, *kept), public)
    seen = _Seen()
    logs = [_Reading(directory, origin, notes.get(origin, []), seen).log for origin in found]
    problems += [problem for log in logs for problem in log.problems]
    problems += witnesses.missing_origins(directory, public, found, {*notes, *seen.origins})
    problems += witnesses.retired(notes, each_of(public)[0])
    problems += seen.unexplained()
    return Report(tuple(logs), tuple(problems), tuple(_remarks(logs)))


class _Seen:
    """What one record says that another must answer for: erasures, and the origins that there are."""

    def __init__(self) -> None:
        self.origins: set[str] = set()
        self._erasures: list[tuple[str, str, str, int]] = []
        self._claims: list[tuple[dict[str, Any], Problem]] = []

    def event(self, head: dict[str, Any]) -> None:
        facts = dict(head["facts"])
        if head["kind"] == "journal.started":
            self.origins.update(facts["origins"].split(","))
        elif head["kind"] == "record.erased":
            self._erasures.append((head["tenant"], head["subject"], facts.get("exchange", ""), head["at"]))

    def erased(self, head: dict[str, Any], problem: Problem) -> None:
        self._claims.append((head, problem))

    def unexplained(self) -> list[Problem]:
        return [problem for head, problem in self._claims if not any(self._covers(head, e) for e in self._erasures)]

    def _covers(self, head: dict[str, Any], erasure: tuple[str, str, str, int]) -> bool:
        tenant, user, exchange, at = erasure
        if exchange:
            return bool(exchange == head["id"])
        return bool((tenant, user) == (head["tenant"], head["user"]) and head["at"] <= at)


class _Changed(Exception):
    """The record is not what was sealed; everything after it differs too."""


class _Reading:
    """One pass over one origin."""

    def __init__(self, directory: Path, origin: str, checkpoints: list[tuple[Checkpoint, Path]], seen: _Seen) -> None:
        self.log = Log(origin, checkpoints=len(checkpoints))
        self._directory, self._seen = directory, seen
        self._due = sorted(checkpoints, key=lambda known: known[0].size, reverse=True)
        self._tree = Frontier()
        self._open: set[str] = set()
        self._agreed = 0
        self._read(frames.segments(directory, origin))
        self.log.records, self.log.root, self.log.open = self._tree.size, self._tree.root(), len(self._open)

    def _read(self, listed: list[tuple[int, Path]]) -> None:
        for n, (first, path) in enumerate(listed):
            stop = listed[n + 1][0] if n + 1 < len(listed) else None
            try:
                self._segment(path, first, stop)
            except Damage as damage:
                return self._damage(damage, path, last=stop is None)
            except AuditError as error:
                return self._problem(error.what, path, self._tree.size)
            except (ValueError, KeyError, TypeError):
                return self._problem("its head is not a record's", path, self._tree.size - 1)
            except _Changed:
                return None
        return self._end()

    def _segment(self, path: Path, first: int, stop: int | None) -> None:
        header = frames.read_segment_header(path)
        if first != self._tree.size or (header.origin, header.first) != (self.log.origin, first):
            self._changed(f"a segment begins with record {first} where {self._tree.size} belongs", path, first)
        if list(header.tree) != self._tree.stack:
            self._changed("not what the next segment's header says was written", path, first)
        self._agreed = first
        self._check(path)
        add, due = self._tree.add, self._due
        for frame in frames.read(path, stop):
            add(sha256(b"\0" + sha256(frame.head).digest()).digest())
            self._record(frame, path)
            if due and due[-1][0].size <= self._tree.size:
                self._check(path)

    def _record(self, frame: Frame, path: Path) -> None:
        head = orjson.loads(frame.head)
        if frame.kind != (kind := _kind_of(head)):  # the frame's own word for it is not sealed; what the head holds is
            self._problem("it is kept as another kind of record than its head is", path, frame.seq)
        committed = head.get("body")
        if frame.erased:
            self.log.erased += 1
            self._seen.erased(head, Problem("its text is gone, and no erasure is on record", path.name, frame.seq))
        elif (committed is not None or frame.body) and sha256(frame.body).hexdigest() != committed:
            self._problem("its text is not the one its head commits to", path, frame.seq)
        if kind == 1:
            if not head["code"]:
                self._open.add(head["id"])
        elif kind == 2:
            self._open.discard(head["id"])
        elif kind == 3:
            self._seen.event(head)

    def _check(self, path: Path) -> None:
        """Every checkpoint of the present size must have the present root."""
        while self._due and self._due[-1][0].size <= self._tree.size:
            checkpoint, kept = self._due.pop()
            if checkpoint.root != self._tree.root():
                self._changed(
                    f"not what the checkpoint of {checkpoint.size} in {kept.name} sealed", path, checkpoint.size
                )
            self._agreed = self.log.sealed = checkpoint.size

    def _changed(self, what: str, path: Path, end: int) -> NoReturn:
        """Somewhere since we last agreed the record is another: say where, as exactly as can be told, and read no further."""
        exact = _first_difference(self._directory, self.log.origin, self._agreed)
        if exact is None and end - 1 > self._agreed:
            what = f"one of records {self._agreed} to {end - 1}: {what}"
        self._problem(what, path, self._agreed if exact is None else exact)
        raise _Changed

    def _end(self) -> None:
        """Checkpoints larger than the log: its tail was cut, or an older copy was put back."""
        if self._due:
            checkpoint, kept = self._due[0]
            what = f"records {self._tree.size} to {checkpoint.size - 1} are missing: {kept.name} holds a checkpoint of {checkpoint.size}"
            self.log.problems.append(Problem(what, self.log.origin, self._tree.size))
        elif not self.log.checkpoints:
            self.log.problems.append(
                Problem("no checkpoint: nothing shows that this is what was written", self.log.origin, 0)
            )

    def _damage(self, damage: Damage, path: Path, *, last: bool) -> None:
        """Past everything sealed, at the very end, this is a write under way or one that a crash tore: never acknowledged."""
        if last and damage.torn and not self._due and self.log.checkpoints:
            self.log.torn = True
        else:
            self._problem(damage.what, path, damage.seq)

    def _problem(self, what: str, path: Path, seq: int) -> None:
        self.log.problems.append(Problem(what, path.name, seq))


def _kind_of(head: dict[str, Any]) -> int:
    """The number of the kind of record that has these fields; 0 for none that we know."""
    return next((kind for field, kind in _TELLING.items() if field in head), 0)


def _first_difference(directory: Path, origin: str, begin: int) -> int | None:
    """The first record from `begin` whose leaf hash is not the one noted when it was written, if the notes are there."""
    noted = directory / f"hashes-{origin}-0"
    known = noted.read_bytes() if noted.exists() else b""
    seq = -1
    with suppress(Damage, AuditError):  # what is damaged was reported, or will be: here only the comparing counts
        for seq, hashed in enumerate(_leaf_hashes(directory, origin)):
            if begin <= seq < len(known) // 32 and known[32 * seq : 32 * seq + 32] != hashed:
                return seq
    return seq + 1 if begin <= seq + 1 < len(known) // 32 else None


def _leaf_hashes(directory: Path, origin: str) -> Iterator[bytes]:
    for _first, path in frames.segments(directory, origin):
        for frame in frames.read(path):
            yield sha256(b"\0" + sha256(frame.head).digest()).digest()


def _remarks(logs: Iterable[Log]) -> list[str]:
    told = []
    for log in logs:
        if log.records > log.sealed and not log.problems:
            told.append(f"{log.origin}: the last {log.records - log.sealed} records are not sealed yet")
        if log.torn:
            told.append(f"{log.origin}: the last write is under way, or was cut short by a crash")
        if log.open:
            told.append(f"{log.origin}: {log.open} exchanges have no end yet")
    return told
