"""The tree is RFC 6962's, the notes and tiles are C2SP's: two implementations by others say the same."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

import pymerkle
import pytest
import tlog_scales.backend
import tlog_scales.reader
import tlog_scales.signing
import tlog_scales.tlog
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.checkpoint import parse, split, verifier_key
from gateway.audit.export import tile_name, tiles
from gateway.audit.hashes import Hashes, fold
from gateway.audit.journal import Journal
from gateway.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency,
    continues,
    inclusion,
    leaf_hash,
    root_from_inclusion,
    root_of,
)
from gateway.audit.projection import Projection
from gateway.audit.proof import check, newest, prove, prove_continuation
from gateway.audit.seal import FileSigner, history_path
from gateway.audit.segment import Sizes
from gateway.core.errors import AuditError
from tests.audit.examples import a_closed, an_opened

SIZES = Sizes(ballast=0, reserve=0)
sizes = st.integers(1, 300)


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(str(n).encode()) for n in range(size)]


class Whole:
    """Every subtree of a list of leaves."""

    def __init__(self, size: int) -> None:
        self.leaves = leaves(size)

    def __call__(self, level: int, index: int) -> bytes:
        return fold(self.leaves[index << level : (index + 1) << level])


def frontier(size: int) -> Frontier:
    tree = Frontier()
    for hashed in leaves(size):
        tree.add(hashed)
    return tree


def theirs(size: int) -> pymerkle.InmemoryTree:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for n in range(size):
        tree.append_entry(str(n).encode())
    return tree


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert Frontier().root() == EMPTY_ROOT == sha256(b"").digest()


@given(sizes)
@settings(max_examples=40, deadline=None)
def test_the_root_is_the_one_that_another_library_finds(size: int) -> None:
    assert frontier(size).root() == root_of(Whole(size), size) == theirs(size).get_root()


@given(sizes, st.data())
@settings(max_examples=40, deadline=None)
def test_a_path_leads_to_the_root_and_to_no_other(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = inclusion(Whole(size), index, size)
    hashed, root = leaves(size)[index], frontier(size).root()
    assert root_from_inclusion(hashed, index, size, path) == root
    assert root_from_inclusion(leaf_hash(b"another"), index, size, path) != root
    assert root_from_inclusion(hashed, index, size, [*path, root]) != root
    assert tlog_scales.tlog.InclusionProof(index, size, path).check(hashed, root) is None


@given(sizes, st.data())
@settings(max_examples=40, deadline=None)
def test_a_longer_tree_proves_that_it_begins_with_the_shorter(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    path = consistency(Whole(size), old, size)
    heads = (old, frontier(old).root()), (size, frontier(size).root())
    assert continues(*heads, path)
    assert not continues((old, sha256(b"fork").digest()), heads[1], path)
    if old < size:
        tlog_scales.tlog.ConsistencyProof(old, size, path).check(heads[0][1], heads[1][1])


@given(st.lists(st.integers(1, 400), max_size=5))
@settings(max_examples=20, deadline=None)
def test_the_flat_files_give_every_subtree_however_they_were_appended(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int]
) -> None:
    store = Hashes(tmp_path_factory.mktemp("hashes"), "w0", writable=True)
    first = 0
    for count in batches:
        store.append(first, leaves(first + count)[first:])
        first += count
        assert store.root(first) == frontier(first).root()
    store.close()


async def write(directory: Path, signer: FileSigner, count: int) -> None:
    async with Journal.open(directory, sizes=SIZES, signer=signer) as journal:
        await asyncio.gather(*[journal.append(an_opened(f"x{n}")) for n in range(count)])
        await journal.append(a_closed("x7"))


async def test_an_exchange_is_proven_to_whoever_has_the_public_key(directory: Path, signer: FileSigner) -> None:
    await write(directory, signer, 300)
    with Projection.open(directory) as record:
        proof = prove(directory, record.places("x7"), signer.public)
    assert [told["seq"] for told in proof["records"]] == [8, 301]
    assert check(proof, signer.public) == []
    proof["records"][0]["head"] = proof["records"][0]["head"].replace("acme", "evil")
    assert check(proof, signer.public) == ["w0 record 8: the path does not lead to the signed root"]
    assert "not signed" in check(proof, b"another key of thirty-two bytes!")[0]


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {},
        {"records": []},
        {"format": "hangu-proof", "v": 1, "records": []},
        {"format": "hangu-proof", "records": [3]},
    ],
)
def test_what_proves_nothing_does_not_hold(told: object, signer: FileSigner) -> None:
    """A proof without a record once held, since nothing in it was wrong."""
    assert check(told, signer.public) != []  # type: ignore[arg-type]


async def test_each_kept_checkpoint_is_continued_by_the_next(directory: Path, signer: FileSigner) -> None:
    for _ in range(3):
        await write(directory, signer, 40)
    old, *_, new = [parse(note) for note in split(history_path(directory, "w0").read_bytes())]
    assert prove_continuation(directory, old, new)
    with pytest.raises(AuditError, match="no path"):
        prove_continuation(directory, new, old)


async def test_other_tools_read_our_tiles_and_notes(directory: Path, signer: FileSigner, tmp_path: Path) -> None:
    await write(directory, signer, 600)
    head = newest(directory, "w0")
    tiles(directory, "w0", head.size, head.note, tmp_path / "log")
    vkey = tlog_scales.signing.Vkey.from_string(verifier_key(head.name, signer.public))
    told = tlog_scales.tlog.Checkpoint.from_text((tmp_path / "log" / "checkpoint").read_text())
    told.verify(vkey)
    assert (told.size, told.root_hash) == (602, head.root)
    reader = tlog_scales.reader.TilesReader(tlog_scales.backend.LocalBackend(tmp_path / "log"))
    assert reader.get_checkpoint().root_hash == head.root
    with Projection.open(directory) as record:
        (origin, seq, raw), *_ = record.places("x500")
    assert (origin, seq) == ("w0", 501)
    entry = reader.get_entry(seq)
    assert entry == sha256(raw).digest()
    theirs = reader.get_inclusion_proof(seq, head.size)
    ours = prove(directory, [(origin, seq, raw)], signer.public)["records"][0]["path"]
    assert theirs.node_hashes == [b64decode(node) for node in ours]


@pytest.mark.parametrize(
    ("index", "width", "name"),
    [(0, 256, "000"), (0, 3, "000.p/3"), (1234067, 256, "x001/x234/067"), (1000, 7, "x001/000.p/7")],
)
def test_tiles_are_named_as_the_standard_names_them(index: int, width: int, name: str) -> None:
    assert tile_name(index, width) == name
