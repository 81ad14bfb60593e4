"""Records handed out: JSON lines with everything, CSV for spreadsheets, tiles for other transparency-log tools.

CSV cells that a spreadsheet would run as a formula get a leading apostrophe. Which records is `query`'s matter.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from gateway.audit import canonical, frames
from gateway.audit.hashes import LEVELS, STEP, Hashes
from gateway.audit.query import Entry
from gateway.audit.record import Closed, Event, Opened, Record

COLUMNS = (
    *("origin", "seq", "record", "time", "exchange", "tenant", "user", "certificate", "address", "route", "action"),
    *("model", "backend", "streaming", "outcome", "code", "policy", "rules", "prompt_tokens", "completion_tokens"),
    *("seconds", "mark", "texts"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def json_lines(entries: Iterable[Entry]) -> Iterator[bytes]:
    """One JSON object a line."""
    for entry in entries:
        yield canonical.canonical({"origin": entry.origin, "seq": entry.seq, **canonical.plain(entry.record)}) + b"\n"


def csv_lines(entries: Iterable[Entry]) -> Iterator[bytes]:
    """A header and one row a record, UTF-8 with a byte order mark: spreadsheets take Chinese for Latin without it."""
    yield b"\xef\xbb\xbf" + _csv(COLUMNS)
    for entry in entries:
        row = {"origin": entry.origin, "seq": entry.seq, **_row(entry.record)}
        yield _csv([safe(str(row.get(name, ""))) for name in COLUMNS])


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return "'" + cell if cell.startswith(_FORMULA) else cell


def iso(at: int) -> str:
    """Unix milliseconds as people write them, in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _csv(cells: Iterable[str]) -> bytes:
    line = StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()


def _row(record: Record) -> dict[str, object]:
    told: dict[str, object] = {"record": canonical.NAMES[canonical.TYPES[type(record)]], "time": iso(record.at)}
    match record:
        case Opened():
            for name in (
                "tenant",
                "user",
                "certificate",
                "address",
                "route",
                "action",
                "model",
                "backend",
                "streaming",
            ):
                told[name] = getattr(record, name)
            told |= {"exchange": record.id, "code": record.code, "policy": record.policy, "mark": record.mark or ""}
            told |= {"rules": _rules(record), "texts": "\n".join(passage.text for passage in record.passages)}
        case Closed():
            told |= {"exchange": record.id, "tenant": record.tenant, "user": record.user, "outcome": record.outcome}
            told |= {"code": record.code, "rules": _rules(record), "mark": record.mark or "", **_cost(record)}
            told["texts"] = "\n".join(answer.text for answer in record.answers)
        case Event():
            told |= {"tenant": record.tenant, "user": record.actor, "outcome": record.kind, "exchange": record.subject}
            told["texts"] = "; ".join(f"{name}={value}" for name, value in record.facts)
        case _:
            told |= {"exchange": record.id, "tenant": record.tenant, "user": record.user}
    return told


def _rules(record: Opened | Closed) -> str:
    return " ".join(sorted({f"{finding.kind}:{finding.rule}" for finding in record.findings}))


def _cost(record: Closed) -> dict[str, object]:
    usage, total = record.usage, dict(record.timings).get("total")
    told: dict[str, object] = {"seconds": "" if total is None else total / 1e6}
    if usage is not None:
        told |= {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens}
    return told


# ---- C2SP tlog-tiles


def tiles(directory: Path, origin: str, size: int, note: bytes, out: Path) -> int:
    """Write the log as C2SP tlog-tiles (hash tiles, entry bundles, checkpoint) under `out`; gives the number of files.

    An entry is a record's leaf: the SHA-256 of its head. It names the record and tells nothing of it, so that tiles may
    be published.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "checkpoint").write_bytes(note)
    store = Hashes(directory, origin)
    written = 1
    try:
        for n, level in enumerate(LEVELS):
            count = size >> level
            for index in range((count + 255) // 256):
                width = min(256, count - 256 * index)
                _put(out / "tile" / str(n), index, width, store.read(level, index << STEP, width))
                written += 1
    finally:
        store.close()
    return written + _entries(directory, origin, size, out / "tile" / "entries")


def _entries(directory: Path, origin: str, size: int, out: Path) -> int:
    bundle: list[bytes] = []
    index = 0
    for leaf in _leaves(directory, origin, size):
        bundle.append(len(leaf).to_bytes(2, "big") + leaf)
        if len(bundle) == 256:
            _put(out, index, 256, b"".join(bundle))
            bundle, index = [], index + 1
    if bundle:
        _put(out, index, len(bundle), b"".join(bundle))
    return index + bool(bundle)


def _leaves(directory: Path, origin: str, size: int) -> Iterator[bytes]:
    listed = frames.segments(directory, origin)
    for n, (first, path) in enumerate(listed):
        stop = listed[n + 1][0] if n + 1 < len(listed) else size
        if first < size:
            for frame in frames.read(path, min(stop, size)):
                yield canonical.leaf(frame.head)


def _put(folder: Path, index: int, width: int, data: bytes) -> None:
    path = folder / tile_name(index, width)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def tile_name(index: int, width: int) -> str:
    """C2SP: thousands in folders, each but the last marked with an x; a partial tile says how wide it is."""
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[n : n + 3] for n in range(0, len(digits), 3)]
    name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return name if width == 256 else f"{name}.p/{width}"
