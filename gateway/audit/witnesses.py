"""What signed notes say of a record, here or kept elsewhere: its checkpoints, and the list of all its logs. For `verify`, and
like it without a line of the writer's. Every note that does not hold is a problem."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.audit.checkpoint import Checkpoint, Publics, is_signed, parse, read_manifest, split
from gateway.core.errors import AuditError


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, in which file, and the number of the first record that it touches (-1: none in particular)."""

    what: str
    where: str
    seq: int = -1

    def __str__(self) -> str:
        record = f": record {self.seq}" if self.seq >= 0 else ""
        return f"{self.where}{record}: {self.what}"


def checkpoints(
    places: Iterable[Path], public: Publics
) -> tuple[dict[str, list[tuple[Checkpoint, Path]]], list[Problem]]:
    """Every signed checkpoint, by origin. Unsigned ones are problems, and so are two of one size that differ."""
    good: dict[str, list[tuple[Checkpoint, Path]]] = {}
    heads: dict[tuple[str, int], bytes] = {}
    problems: list[Problem] = []
    for path in [file for place in places for file in _files(place)]:
        for note in split(path.read_bytes()):
            try:
                checkpoint = parse(note)
            except AuditError as error:
                problems.append(Problem(error.what, path.name))
                continue
            if not is_signed(checkpoint, public):
                problems.append(Problem(f"the checkpoint of {checkpoint.size} is not signed by this key", path.name))
                continue
            if heads.setdefault((checkpoint.name, checkpoint.size), checkpoint.root) != checkpoint.root:
                what = f"two checkpoints of {checkpoint.size} records differ: the log was forked"
                problems.append(Problem(what, path.name, checkpoint.size - 1))
            good.setdefault(checkpoint.origin, []).append((checkpoint, path))
    return good, problems


def _files(place: Path) -> list[Path]:
    if not place.exists():
        raise AuditError("no such checkpoint file or folder", str(place))
    return sorted(place.glob("checkpoint*-*")) if place.is_dir() else [place]


def retired(notes: dict[str, list[tuple[Checkpoint, Path]]], current: bytes) -> list[Problem]:
    """Logs whose newest checkpoint is not by the key in use."""
    problems = []
    for _origin, known in sorted(notes.items()):
        size = max(checkpoint.size for checkpoint, _ in known)
        newest = [(checkpoint, path) for checkpoint, path in known if checkpoint.size == size]
        if not any(is_signed(checkpoint, current) for checkpoint, _ in newest):
            what = f"the newest checkpoint, of {size}, is by a retired key: reload the gateway, or ask who signed it"
            problems.append(Problem(what, newest[0][1].name, size - 1))
    return problems


def missing_origins(directory: Path, public: Publics, found: list[str], known: set[str]) -> list[Problem]:
    listed = directory / "origins"
    try:
        names = {*known, *read_manifest(listed.read_bytes(), public)} if listed.exists() else known
    except AuditError as error:
        return [Problem(error.what, listed.name)]
    return [Problem("the whole log is missing", origin, 0) for origin in sorted(names - set(found))]
