"""Old checkpoints are thinned out: what is left is still every kind of evidence that was promised to stay."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.checkpoint import parse, split
from gateway.audit.heads import SPACING, history_path, keep, thin
from gateway.audit.journal import Journal
from gateway.audit.seal import THIN_LEAST, FileSigner, signed
from gateway.audit.segment import Sizes
from gateway.audit.verify import verify
from tests.audit.examples import an_opened

SIZES = Sizes(ballast=0, reserve=0)
OTHER = FileSigner(Ed25519PrivateKey.from_private_bytes(b"o" * 32), "hangu.test")


def write(directory: Path, signer: FileSigner, sizes: list[int]) -> Path:
    directory.mkdir(exist_ok=True)
    path = history_path(directory, "w0")
    path.write_bytes(b"".join(signed(signer, "w0", size, b"r" * 32).note for size in sizes))
    return path


def sizes_in(path: Path) -> list[int]:
    return [parse(note).size for note in split(path.read_bytes())]


@settings(max_examples=30)
@given(
    steps=st.lists(st.integers(1, SPACING), min_size=1, max_size=60),
    newest=st.integers(1, 20),
    stamped=st.sets(st.integers(0, 59), max_size=3),
)
def test_the_newest_the_stamped_and_one_in_every_stretch_stay(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], newest: int, stamped: set[int]
) -> None:
    directory, signer = tmp_path_factory.mktemp("audit"), OTHER
    sizes = [sum(steps[: n + 1]) for n in range(len(steps))]
    path = write(directory, signer, sizes)
    marks = {sizes[n] for n in stamped if n < len(sizes)}
    for size in marks:
        (directory / f"stamp-w0-{size}.tsr").write_bytes(b"")
    gone = thin(directory, "w0", newest)
    left = sizes_in(path)
    assert len(left) == len(sizes) - gone
    assert left == sorted(set(left) & set(sizes))
    assert left[-newest:] == sizes[-newest:]
    assert marks <= set(left)
    assert {size // SPACING for size in left} == {size // SPACING for size in sizes}
    assert thin(directory, "w0", newest) == 0  # nothing is thinned twice


def test_each_keys_last_head_stays_and_nothing_goes_where_policy_keeps_all(tmp_path: Path, signer: FileSigner) -> None:
    path = write(tmp_path, signer, [10, 20, 30])
    for size in (40, 50, 60, 70):
        keep(path, signed(OTHER, "w0", size, b"r" * 32).note)
    assert thin(tmp_path, "w0", 0) == 0
    assert thin(tmp_path, "w0", 1) == 4
    assert sizes_in(path) == [10, 30, 70]


async def test_a_thinned_history_verifies_and_so_does_every_head_kept_elsewhere(
    directory: Path, signer: FileSigner
) -> None:
    copy = directory.parent / "second"
    async with Journal.open(directory, sizes=SIZES, signer=signer, copies=[copy]) as journal:
        for n in range(4):
            await journal.append(an_opened(f"x{n}"))
            while journal.sealed < n + 2:
                await asyncio.sleep(0.01)
    async with Journal.open(directory, sizes=SIZES, signer=signer, copies=[copy], heads_kept=2) as journal:
        await journal.append(an_opened("after"))
    here, there = sizes_in(history_path(directory, "w0")), sizes_in(history_path(copy, "w0"))
    assert len(here) == 3  # the first, and the two newest
    assert len(there) > 4  # what others hold is not ours to thin
    assert verify(directory, signer.public, [copy]).problems == ()
    assert len(there) < THIN_LEAST  # it was thinned at its start, not for their number
