"""Whatever is done to the files afterwards is caught, and the first bad record named. Nothing honest is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.audit import frames
from gateway.audit.frames import Frame
from gateway.audit.journal import Journal
from gateway.audit.seal import FileSigner, generate_key, history_path, signed
from gateway.audit.segment import Sizes
from gateway.audit.verify import Report, verify
from gateway.core.errors import AuditError
from tests.audit.examples import a_closed, an_opened

SIZES = Sizes(segment=16_384, step=4096, ballast=0, reserve=0)
EXCHANGES = 30


@pytest.fixture
async def written(directory: Path, signer: FileSigner) -> Path:
    await write(directory, signer, EXCHANGES)
    return directory


async def write(directory: Path, signer: FileSigner, count: int, begin: int = 0, origin: str = "w0") -> None:
    copies = [directory.parent / "copy"]
    async with Journal.open(directory, origin, sizes=SIZES, signer=signer, copies=copies) as journal:
        for n in range(begin, begin + count):
            await journal.append(an_opened(f"x{n}"))
            await journal.append(a_closed(f"x{n}"))


def rewrite(directory: Path, change: Callable[[list[Frame]], list[Frame]], *, hide: bool = False) -> None:
    """What a careful forger does: change the frames of the segment with record 10 and make the file fit again."""
    path = [path for first, path in frames.segments(directory, "w0") if first <= 10][-1]
    header, begin = frames.read_header(path.read_bytes(), "")
    changed = change(list(frames.read(path)))
    data = b"".join(
        frames.pack(header.first + n, frame.kind, frame.head, frame.body) for n, frame in enumerate(changed)
    )
    path.write_bytes(path.read_bytes()[:begin] + data)
    if hide:
        for noted in directory.glob("hashes-*"):
            noted.unlink()


def at(read: list[Frame], seq: int) -> int:
    return next(n for n, frame in enumerate(read) if frame.seq == seq)


def reworded(read: list[Frame]) -> list[Frame]:
    n = at(read, 10)
    return [*read[:n], read[n]._replace(head=read[n].head.replace(b'"acme"', b'"evil"')), *read[n + 1 :]]


def deleted(read: list[Frame]) -> list[Frame]:
    return [frame for frame in read if frame.seq != 10]


def inserted(read: list[Frame]) -> list[Frame]:
    n = at(read, 10)
    return [*read[:n], read[n - 1], *read[n:]]


def reordered(read: list[Frame]) -> list[Frame]:
    n = at(read, 10)
    return [*read[:n], read[n + 1], read[n], *read[n + 2 :]]


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4, 5, 255])
@pytest.mark.parametrize("seq", [0, 9, 10])
async def test_a_record_kept_as_another_kind_is_found(written: Path, signer: FileSigner, seq: int, kind: int) -> None:
    """The frame's kind is outside the tree: without this, any record could be hidden as one of an unknown kind."""
    path = [path for first, path in frames.segments(written, "w0") if first <= seq][-1]
    header, begin = frames.read_header(path.read_bytes(), "")
    found = list(frames.read(path))
    honest = found[seq - header.first]
    found[seq - header.first] = honest._replace(kind=kind)
    packed = [frames.pack(each.seq, each.kind, each.head, each.body) for each in found]
    path.write_bytes(path.read_bytes()[:begin] + b"".join(packed))
    report = verify(written, signer.public)
    assert report.ok is (kind == honest.kind)
    assert [problem.seq for problem in report.problems] == ([] if report.ok else [seq])


async def test_an_honest_record_is_whole(written: Path, signer: FileSigner) -> None:
    report = verify(written, signer.public, [written.parent / "copy"])
    assert report.problems == ()
    assert report.notes == ()
    assert report.records == 2 * EXCHANGES + 1
    assert report.logs[0].sealed == report.records


@pytest.mark.parametrize("change", [reworded, deleted, inserted, reordered])
@pytest.mark.parametrize("hide", [False, True])
async def test_a_forger_who_makes_every_checksum_fit_is_caught(
    written: Path, signer: FileSigner, change: Callable[[list[Frame]], list[Frame]], hide: bool
) -> None:
    rewrite(written, change, hide=hide)
    first = verify(written, signer.public).problems[0]
    if hide:  # with the notes gone the range between two checkpoints is all that can be said
        assert 0 <= first.seq <= 10
    elif change is not deleted:
        assert first.seq == 10
    assert first.seq <= 10


@pytest.mark.parametrize("place", ["head", "body", "length"])
async def test_one_flipped_bit_names_its_record(written: Path, signer: FileSigner, place: str) -> None:
    path = next(path for first, path in frames.segments(written, "w0") if first <= 10)
    frame = next(frame for frame in frames.read(path) if frame.seq == 10 - (10 % 2) or frame.seq == 3)
    offset = {"head": frame.offset + 40, "body": frame.body_offset + 5, "length": frame.offset + 1}[place]
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)
    first = verify(written, signer.public).problems[0]
    assert (first.where, first.seq) == (path.name, frame.seq)


@pytest.mark.parametrize("cut", ["records", "segment", "everything"])
async def test_a_cut_tail_is_missed(written: Path, signer: FileSigner, cut: str) -> None:
    listed = frames.segments(written, "w0")
    if cut == "records":
        last = listed[-1][1]
        frame = list(frames.read(last))[-2]
        last.write_bytes(last.read_bytes()[: frame.offset])
        missing = frame.seq
    else:
        gone = listed[1:] if cut == "everything" else listed[-1:]
        missing = gone[0][0]
        for _, path in gone:
            path.unlink()
    problems = verify(written, signer.public).problems
    assert [problem.seq for problem in problems] == [missing]
    assert "are missing" in problems[0].what


async def test_a_missing_segment_in_the_middle_is_missed(written: Path, signer: FileSigner) -> None:
    listed = frames.segments(written, "w0")
    listed[1][1].unlink()
    assert verify(written, signer.public).problems[0].seq == listed[1][0]


async def test_a_rolled_back_disk_is_caught_by_a_kept_checkpoint(
    written: Path, signer: FileSigner, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    shutil.copytree(written, old)
    await write(written, signer, 5, begin=100)
    assert verify(old, signer.public).ok  # alone, yesterday's state looks fine
    report = verify(old, signer.public, [tmp_path / "copy"])
    assert [problem.seq for problem in report.problems] == [2 * EXCHANGES + 1]
    with pytest.raises(AuditError, match="records were sealed"):  # and the gateway itself will not go on from it
        Journal.open(old, sizes=SIZES, signer=signer, copies=[tmp_path / "copy"])


async def test_a_record_replaced_by_another_signed_one_is_a_fork(
    written: Path, signer: FileSigner, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere" / "audit"
    await write(other, signer, EXCHANGES, begin=500)
    report = verify(other, signer.public, [history_path(written, "w0")])
    assert any("differ: the log was forked" in problem.what for problem in report.problems)


async def test_a_checkpoint_by_another_key_proves_nothing(written: Path, signer: FileSigner) -> None:
    stranger = FileSigner.load(_key_file(written.parent), "hangu.test")
    report = verify(written, stranger.public)
    assert any("not signed by this key" in problem.what for problem in report.problems)
    size = 2 * EXCHANGES + 1
    history_path(written, "w0").write_bytes(signed(stranger, "w0", size, b"r" * 32).note)
    assert not verify(written, signer.public).ok


async def test_a_record_without_checkpoints_is_not_called_whole(written: Path, signer: FileSigner) -> None:
    for path in written.glob("checkpoint*"):
        path.unlink()
    assert any("no checkpoint" in problem.what for problem in verify(written, signer.public).problems)


async def test_a_whole_origin_cannot_vanish(written: Path, signer: FileSigner) -> None:
    await write(written, signer, 2, begin=900, origin="w1")
    assert verify(written, signer.public).ok
    for path in [*written.glob("seg-w1-*"), *written.glob("checkpoint*-w1*")]:
        path.unlink()
    assert [(p.where, p.what) for p in verify(written, signer.public).problems] == [("w1", "the whole log is missing")]


async def test_a_text_wiped_without_an_erasure_on_record_is_caught(written: Path, signer: FileSigner) -> None:
    path = frames.segments(written, "w0")[0][1]
    frame = next(frame for frame in frames.read(path) if frame.seq == 3)
    data = bytearray(path.read_bytes())
    data[frame.body_offset : frame.body_offset + len(frame.body)] = bytes(len(frame.body))
    path.write_bytes(data)
    problems = verify(written, signer.public).problems
    assert [problem.seq for problem in problems] == [3]
    assert "no erasure is on record" in problems[0].what


async def test_the_gateway_will_not_go_on_from_a_changed_record(written: Path, signer: FileSigner) -> None:
    rewrite(written, reworded, hide=True)
    header_fits = frames.segments(written, "w0")[-1][0] > 10  # later headers carry the true tree
    assert header_fits
    report: Report = verify(written, signer.public)
    assert not report.ok


async def test_nothing_to_check_is_said_and_not_called_whole(tmp_path: Path, signer: FileSigner) -> None:
    with pytest.raises(AuditError, match="no audit segments"):
        verify(tmp_path, signer.public)


def _key_file(directory: Path) -> Path:
    path = directory / "key.pem"
    path.write_bytes(generate_key()[0])
    return path
