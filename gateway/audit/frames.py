"""The journal's files as bytes: segment headers and frames, packing and reading. What is in a frame is `canonical`'s matter.

Documented for outsiders in docs/reference/audit-format.md; change both or neither. All integers are little-endian.

    segment  = "HANGUAJ1" | u32 length | u32 crc32 | header (JSON) | frame*  | zeros (space reserved, not yet written)
    frame    = u32 head length | u32 body length | u64 seq | u32 type | u32 crc32(the 20 bytes before, head) | u32 crc32(body)
             | head | body
    an erased body is all zeros; its checksum stays that of what was there
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from zlib import crc32

import orjson

from gateway.core.errors import AuditError

MAGIC = b"HANGUAJ1"
_START = struct.Struct("<II")
_FIXED = struct.Struct("<IIQI")
_SUMS = struct.Struct("<II")
FRAME_BYTES = _FIXED.size + _SUMS.size  # 28, before head and body
MAX_PART_BYTES = 1 << 26  # 64 MiB: no header is longer
MAX_FRAME_BYTES = 1 << 27  # 128 MiB: a length above it is damage, not data
PIECE_BYTES = 4 << 20  # read at once: few calls, and little memory whatever a segment's size


class Frame(NamedTuple):
    """One record as it lies in a file. `offset` is where its frame begins."""

    offset: int
    seq: int
    kind: int
    head: bytes
    body: bytes
    erased: bool

    @property
    def body_offset(self) -> int:
        return self.offset + FRAME_BYTES + len(self.head)


@dataclass(frozen=True, slots=True)
class Header:
    """What a segment says of itself, and the state before its first record, so that a start reads one segment only.

    `tree` is the frontier; `open` holds id, tenant and user of each exchange not yet closed.
    """

    origin: str
    first: int
    created: int  # Unix milliseconds
    reason: str  # "start", "size", "age", "io_error": why it was begun
    tree: tuple[bytes, ...] = ()
    open: tuple[tuple[str, str, str], ...] = ()


class Damage(Exception):
    """A frame that cannot be what was written. `offset` is where it begins, `seq` the record expected there.

    `torn` says that it looks like a write that is under way or was cut short, not like one that was changed.
    """

    def __init__(self, what: str, offset: int, seq: int, *, torn: bool = False) -> None:
        super().__init__(what)
        self.what, self.offset, self.seq, self.torn = what, offset, seq, torn


def pack(seq: int, kind: int, head: bytes, body: bytes) -> bytes:
    """One frame."""
    fixed = _FIXED.pack(len(head), len(body), seq, kind)
    return b"".join((fixed, _SUMS.pack(crc32(head, crc32(fixed)), crc32(body)), head, body))


def pack_header(header: Header) -> bytes:
    """The bytes a segment begins with."""
    told = {
        "v": 1,
        "origin": header.origin,
        "first": header.first,
        "created": header.created,
        "reason": header.reason,
        "tree": [node.hex() for node in header.tree],
        "open": header.open,
    }
    data = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    return MAGIC + _START.pack(len(data), crc32(data)) + data


def read_header(data: bytes, where: str) -> tuple[Header, int]:
    """The header, and where the first frame begins."""
    begin = len(MAGIC) + _START.size
    if len(data) < begin or data[: len(MAGIC)] != MAGIC:
        raise AuditError("not an audit segment: it does not begin with HANGUAJ1", where)
    length, checksum = _START.unpack_from(data, len(MAGIC))
    text = data[begin : begin + length]
    if len(text) != length or crc32(text) != checksum:
        raise AuditError("the segment's header is damaged", where)
    return _header(orjson.loads(text)), begin + length


def _header(told: dict[str, Any]) -> Header:
    tree = tuple(bytes.fromhex(node) for node in told["tree"])
    left = tuple((id_, tenant, user) for id_, tenant, user in told["open"])
    return Header(told["origin"], told["first"], told["created"], told["reason"], tree, left)


def _frames(file: BinaryIO, offset: int, seq: int) -> Iterator[Frame]:
    """Each frame from `offset` of an open file, whose numbers must run from `seq`. Ends at the reserved zeros.

    Read in pieces and never mapped: a writer may cut the reserve off the file meanwhile. Raises `Damage`.
    """
    file.seek(offset)
    data, at = file.read(PIECE_BYTES), 0
    while True:
        length = _length(data, at)
        if length > MAX_FRAME_BYTES:
            break
        if length > len(data) - at:
            piece = file.read(max(PIECE_BYTES, length))
            if not piece:
                break
            data, offset, at = data[at:] + piece, offset + at, 0
            continue
        if length == 0:
            break
        yield _frame(data, at, offset + at, seq)
        at, seq = at + length, seq + 1
    _must_be_reserve(data, at, file, Damage("bytes that are no frame", offset + at, seq, torn=True))


def _length(data: bytes, at: int) -> int:
    """How long the frame at a place is; 0 where nothing was written; more than there is where a piece is missing."""
    if len(data) - at < FRAME_BYTES:
        return FRAME_BYTES
    head_length, body_length, _, _ = _FIXED.unpack_from(data, at)
    return FRAME_BYTES + head_length + body_length if head_length else 0


def _must_be_reserve(data: bytes, at: int, file: BinaryIO, damage: Damage) -> None:
    """From here on there is nothing but the zeros that were reserved, or nothing at all."""
    rest = data[at:]
    while rest:
        if rest.strip(b"\0"):
            raise damage
        rest = file.read(PIECE_BYTES)


def _frame(data: bytes, at: int, offset: int, seq: int) -> Frame:
    """The frame at a place in `data`, all of which is there. `offset` is that place in its file."""
    head_length, body_length, number, kind = _FIXED.unpack_from(data, at)
    head_sum, body_sum = _SUMS.unpack_from(data, at + _FIXED.size)
    start = at + FRAME_BYTES
    middle, end = start + head_length, start + head_length + body_length
    head, body = data[start:middle], data[middle:end]
    if crc32(head, crc32(data[at : at + _FIXED.size])) != head_sum:
        raise Damage("its head does not match its checksum", offset, seq, torn=_has_holes(data, start, end))
    if number != seq:
        raise Damage(f"it is numbered {number} where {seq} belongs", offset, seq)
    if crc32(body) == body_sum:
        return Frame(offset, seq, kind, head, body, False)
    if body.strip(b"\0"):
        raise Damage("its body does not match its checksum", offset, seq, torn=_has_holes(data, start, end))
    return Frame(offset, seq, kind, head, b"", True)


def _has_holes(data: bytes, start: int, end: int) -> bool:
    """Are there bytes that were never written? JSON holds no zero byte; space reserved for it holds nothing else."""
    return b"\0" in data[start:end] or data[start - _SUMS.size : start] == bytes(_SUMS.size)


# ---- files


def segment_name(origin: str, first: int) -> str:
    return f"seg-{origin}-{first:016d}.wal"


def segments(directory: Path, origin: str) -> list[tuple[int, Path]]:
    """An origin's segments and the number each begins with, in order."""
    found = ((path.stem.rpartition("-"), path) for path in directory.glob(f"seg-{origin}-*.wal"))
    return sorted(
        (int(number), path) for (name, _, number), path in found if name == f"seg-{origin}" and number.isdigit()
    )


def origins(directory: Path) -> list[str]:
    """Every origin that has segments here."""
    return sorted({path.stem[4:].rpartition("-")[0] for path in directory.glob("seg-*.wal")})


def read(path: Path, stop: int | None = None) -> Iterator[Frame]:
    """Each frame of one segment, up to but without number `stop`: where the next segment takes over."""
    yield from read_from(path, None, -1, stop)


def read_from(path: Path, offset: int | None, seq: int, stop: int | None) -> Iterator[Frame]:
    """The frames after number `seq`, whose frame is at `offset` of this segment; from the beginning without one."""
    with path.open("rb") as file:
        begin, first = offset, seq
        if begin is None:
            header, begin = _read_header(file, path)
            first = header.first
        for frame in _frames(file, begin, first):
            if stop is not None and frame.seq >= stop:
                return
            if frame.seq > seq:
                yield frame


def read_one(path: Path, offset: int, seq: int) -> Frame:
    """The one frame that is at an offset. Raises AuditError when it is not there."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            start = file.read(FRAME_BYTES)
            length = _length(start, 0)
            return _frame(start + file.read(length - FRAME_BYTES), 0, offset, seq)
    except (OSError, struct.error, ValueError, Damage) as error:
        raise AuditError(f"record {seq} cannot be read: {error}", path.name, "run `hangu audit verify`") from error


def read_segment_header(path: Path) -> Header:
    """The header of one segment."""
    with path.open("rb") as file:
        return _read_header(file, path)[0]


def _read_header(file: BinaryIO, path: Path) -> tuple[Header, int]:
    start = file.read(len(MAGIC) + _START.size)
    length = _START.unpack_from(start, len(MAGIC))[0] if len(start) == len(MAGIC) + _START.size else 0
    return read_header(start + file.read(min(length, MAX_PART_BYTES)), str(path))
