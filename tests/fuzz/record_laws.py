"""Bytes of a record on disk, damaged or forged: readers name the damage, and the verifier sees every change that tells another story."""

from __future__ import annotations

import asyncio
import atexit
import json
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit import frames, proof
from gateway.audit.checkpoint import parse, read_manifest, split
from gateway.audit.frames import Damage, Frame
from gateway.audit.journal import Journal
from gateway.audit.seal import FileSigner
from gateway.audit.segment import Sizes
from gateway.audit.verify import verify
from gateway.core.errors import AuditError
from tests.audit.examples import a_closed, an_opened

SIGNER = FileSigner(Ed25519PrivateKey.from_private_bytes(b"k" * 32), "hangu.test")
SIZES = Sizes(segment=1 << 20, step=4096, ballast=0, reserve=0)
EXCHANGES = 4


@dataclass(frozen=True)
class Honest:
    """A record as it was written: one segment, its frames, and the folder it is in."""

    folder: Path
    segment: Path
    data: bytes
    frames: tuple[Frame, ...]


@cache
def _honest() -> Honest:
    base = "/dev/shm" if Path("/dev/shm").is_dir() else None  # thousands of copies: not on a disk where there is memory
    folder = Path(tempfile.mkdtemp(prefix="hangu-fuzz-", dir=base)) / "audit"
    atexit.register(shutil.rmtree, folder.parent, ignore_errors=True)
    asyncio.run(_write(folder))
    segment = next(folder.glob("seg-*.wal"))
    return Honest(folder, segment, segment.read_bytes(), tuple(frames.read(segment)))


async def _write(folder: Path) -> None:
    async with Journal.open(folder, "w0", sizes=SIZES, signer=SIGNER) as journal:
        for number in range(EXCHANGES):
            await journal.append(an_opened(f"x{number}"))
            await journal.append(a_closed(f"x{number}"))


def segment(data: bytes) -> None:
    """Any bytes as a segment: frames or named damage, and a verifier that says what is wrong."""
    honest = _honest()
    try:
        honest.segment.write_bytes(data)
        try:
            found = list(frames.read(honest.segment))
        except (Damage, AuditError):
            found = None
        report = verify(honest.folder, SIGNER.public)
        assert not report.ok or (found is not None and _stories(found) == _stories(honest.frames))
    finally:
        honest.segment.write_bytes(honest.data)


def segment_seeds() -> list[bytes]:
    honest = _honest()
    begin = frames.read_header(honest.data, "")[1]
    return [
        honest.data,
        honest.data[:begin],
        honest.data[:begin] + bytes(64),
        honest.data[: len(honest.data) // 2],
        frames.MAGIC,
    ]


def forged(data: bytes) -> None:
    """A careful forger's edits, checksums made right again: a record that says something else is never called whole.

    Six bytes an edit: which frame, which part, where (2), how, and with what.
    """
    honest = _honest()
    header, begin = frames.read_header(honest.data, "")
    changed = list(honest.frames)
    for at in range(0, min(len(data), 36) - 5, 6):
        changed = _edited(changed, data[at : at + 6])
    packed = b"".join(frames.pack(header.first + n, each.kind, each.head, each.body) for n, each in enumerate(changed))
    try:
        honest.segment.write_bytes(honest.data[:begin] + packed)
        report = verify(honest.folder, SIGNER.public)
        assert not report.ok or _begins_as(changed, honest.frames), "a forged record was called whole"
    finally:
        honest.segment.write_bytes(honest.data)


def _edited(found: list[Frame], edit: bytes) -> list[Frame]:
    if not found:
        return found
    n, part, where, how, what = edit[0] % len(found), edit[1] % 6, edit[2] << 8 | edit[3], edit[4] % 3, edit[5]
    one, rest = found[n], found[n + 1 :]
    match part:
        case 0:
            return [*found[:n], one._replace(head=_changed(one.head, where, how, what)), *rest]
        case 1:
            return [*found[:n], one._replace(body=_changed(one.body, where, how, what)), *rest]
        case 2:
            return [*found[:n], one._replace(kind=what % 6), *rest]
        case 3:
            return [*found[:n], *rest]
        case 4:
            return [*found[:n], one, one, *rest]
        case _:
            other = where % len(found)
            swapped = list(found)
            swapped[n], swapped[other] = swapped[other], swapped[n]
            return swapped


def _changed(text: bytes, where: int, how: int, what: int) -> bytes:
    at = where % (len(text) + 1)
    match how:
        case 0:
            return text[:at] + bytes([what]) + text[at + 1 :]
        case 1:
            return text[:at] + text[at + 1 :]
        case _:
            return text[:at] + bytes([what]) + text[at:]


def _stories(found: list[Frame] | tuple[Frame, ...]) -> list[tuple[int, bytes, bytes]]:
    return [(frame.kind, frame.head, frame.body) for frame in found]


def _begins_as(found: list[Frame], honest: tuple[Frame, ...]) -> bool:
    """What was sealed is as it was. Behind it may stand what nobody has sealed yet, and the report says so."""
    return _stories(found)[: len(honest)] == _stories(honest)


def forged_seeds() -> list[bytes]:
    return [bytes([frame, part, 0, 40, how, 49]) for frame in (0, 3, 7) for part in range(6) for how in range(3)]


def notes(data: bytes) -> None:
    """Checkpoints, the manifest of origins and proofs, as somebody else may hand them in."""
    for note in split(data):
        _named(lambda note=note: parse(note))
    _named(lambda: read_manifest(data, SIGNER.public))
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return
    problems = proof.check(told, SIGNER.public)
    if not problems:
        proved = {each["head"] for each in told["records"]}
        assert proved == {_honest().frames[1].head.decode()}, "something unproved was proved"


def _named(step: object) -> None:
    try:
        step()  # type: ignore[operator]
    except AuditError:
        return


def note_seeds() -> list[bytes]:
    folder = _honest().folder
    found = [path.read_bytes() for path in sorted(folder.iterdir()) if path.name.startswith(("checkpoint", "origins"))]
    head = _honest().frames[1].head
    made = proof.prove(folder, [("w0", 1, head)], SIGNER.public)
    return [*found, json.dumps(made).encode(), b"a\n1\nAAAA\n\n\xe2\x80\x94 a AAAA\n"]
