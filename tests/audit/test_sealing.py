"""Checkpoints follow the record: whatever becomes of the caches, while it is being written, and over restarts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.audit import frames
from gateway.audit.checkpoint import parse, public_key, read_manifest, split
from gateway.audit.hashes import Hashes
from gateway.audit.journal import Journal
from gateway.audit.projection import Projection
from gateway.audit.proof import check, newest, prove
from gateway.audit.seal import FileSigner, generate_key, history_path
from gateway.audit.segment import Sizes
from gateway.audit.verify import verify
from gateway.core.errors import AuditError
from tests.audit.examples import a_closed, an_opened

SIZES = Sizes(segment=65_536, step=4096, ballast=0, reserve=0)


async def write(directory: Path, signer: FileSigner, count: int, run: int = 0) -> None:
    async with Journal.open(directory, sizes=SIZES, signer=signer) as journal:
        await asyncio.gather(*[journal.append(an_opened(f"{run}-{n}")) for n in range(count)])
        await asyncio.gather(*[journal.append(a_closed(f"{run}-{n}")) for n in range(count)])


def delete(directory: Path) -> None:
    for path in directory.glob("hashes-*"):
        path.unlink()


def cut_short(directory: Path) -> None:
    path = directory / "hashes-w0-0"
    path.write_bytes(path.read_bytes()[:-100])


def zero(directory: Path) -> None:
    path = directory / "hashes-w0-0"
    path.write_bytes(bytes(path.stat().st_size))


def behind(directory: Path) -> None:
    for path in directory.glob("hashes-*"):
        path.write_bytes(b"")


def ahead(directory: Path) -> None:
    path = directory / "hashes-w0-0"
    path.write_bytes(path.read_bytes() + b"x" * 64)


@pytest.mark.parametrize("harm", [delete, cut_short, zero, behind, ahead])
async def test_a_harmed_cache_is_made_again_from_the_segments(
    directory: Path, signer: FileSigner, harm: object
) -> None:
    await write(directory, signer, 200)
    harm(directory)  # type: ignore[operator]
    await write(directory, signer, 200, run=1)
    report = verify(directory, signer.public)
    assert report.problems == ()
    assert report.logs[0].sealed == report.records == 802
    store = Hashes(directory, "w0")
    assert store.root(802) == report.logs[0].root
    store.close()
    with Projection.open(directory) as record:
        assert check(prove(directory, record.places("0-7") + record.places("1-7"), signer.public), signer.public) == []


async def test_the_record_can_be_verified_while_it_is_being_written(directory: Path, signer: FileSigner) -> None:
    async with Journal.open(directory, sizes=SIZES, signer=signer) as journal:
        await journal.append(an_opened("first"))
        while journal.sealed == 0:
            await asyncio.sleep(0.01)
        work = asyncio.ensure_future(keep_writing(journal))
        records = looks = 0
        while records < 600 or looks < 10:
            report = await asyncio.to_thread(verify, directory, signer.public)
            assert report.problems == ()
            records, looks = report.records, looks + 1
            await asyncio.sleep(0.01)
        work.cancel()


async def keep_writing(journal: Journal) -> None:
    n = 0
    while True:
        await asyncio.gather(*[journal.append(an_opened(f"{n}-{k}")) for k in range(20)])
        n += 1


async def test_the_second_path_holds_every_checkpoint_too(directory: Path, signer: FileSigner) -> None:
    copy = directory.parent / "second"
    for run in range(3):
        async with Journal.open(directory, sizes=SIZES, signer=signer, copies=[copy]) as journal:
            await journal.append(an_opened(f"x{run}"))
    here, there = history_path(directory, "w0").read_bytes(), history_path(copy, "w0").read_bytes()
    assert here == there
    sizes = [parse(note).size for note in split(here)]
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == newest(directory, "w0").size == 8  # three starts, three exchanges, two of them ended for them


async def test_a_second_path_that_is_away_costs_no_record_and_is_said(directory: Path, signer: FileSigner) -> None:
    copy = directory.parent / "second"
    async with Journal.open(directory, sizes=SIZES, signer=signer, copies=[copy]) as journal:
        while journal.sealed == 0:
            await asyncio.sleep(0.01)
        (copy / "checkpoints-w0.log").unlink()
        copy.rmdir()
        await journal.append(an_opened("x1"))
        while not journal.fault:
            await asyncio.sleep(0.01)
        assert "second" in journal.fault
        copy.mkdir()
    assert verify(directory, signer.public, [copy]).problems == ()


@pytest.mark.parametrize("cut", [1, 20, 60])
async def test_a_checkpoint_torn_by_a_crash_is_cut(directory: Path, signer: FileSigner, cut: int) -> None:
    await write(directory, signer, 3)
    path = history_path(directory, "w0")
    path.write_bytes(path.read_bytes()[:-cut])
    await write(directory, signer, 3, run=1)
    assert verify(directory, signer.public).problems == ()


async def test_workers_that_start_together_are_all_listed(directory: Path, signer: FileSigner) -> None:
    journals = await asyncio.gather(
        *[asyncio.to_thread(Journal.open, directory, f"w{n}", sizes=SIZES, signer=signer) for n in range(4)]
    )
    for journal in journals:
        await journal.close()
    assert read_manifest((directory / "origins").read_bytes(), signer.public) == ["w0", "w1", "w2", "w3"]
    assert verify(directory, signer.public).problems == ()


async def test_a_manifest_by_another_key_is_no_manifest(directory: Path, signer: FileSigner) -> None:
    await write(directory, signer, 1)
    note = (directory / "origins").read_bytes()
    (directory / "origins").write_bytes(note.replace(b"w0\n", b"w0\nw7\n"))
    assert any("not signed" in problem.what for problem in verify(directory, signer.public).problems)


@pytest.mark.parametrize("pem", [b"", b"nonsense", generate_key()[1]])
def test_what_is_no_signing_key_is_said_so(pem: bytes) -> None:
    with pytest.raises(AuditError, match="audit key"):
        FileSigner.parse(pem)


def test_a_made_key_signs_what_its_public_half_verifies(tmp_path: Path) -> None:
    private, public = generate_key()
    (tmp_path / "key").write_bytes(private)
    assert FileSigner.load(tmp_path / "key").public == public_key(public)
    with pytest.raises(AuditError, match="cannot be read"):
        FileSigner.load(tmp_path / "none")
    assert frames.origins(tmp_path) == []
