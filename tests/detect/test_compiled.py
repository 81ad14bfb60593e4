"""What was compiled is kept, and only what this site sealed itself is ever loaded again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hyperscan
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.detect import compiled
from gateway.detect.compiled import Shelf, database, name_of, use

KEY, OTHER = b"k" * 32, b"o" * 32
PATTERNS, FLAGS = [b"ab+c", b"xyz"], [hyperscan.HS_FLAG_CASELESS, 0]
NAME = name_of(PATTERNS, FLAGS)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    kept = Shelf(tmp_path / "cache", KEY)
    use(kept)
    yield kept
    use(None)


def found(made: hyperscan.Database, text: bytes) -> list[int]:
    seen: list[int] = []
    made.scan(text, lambda number, *_: seen.append(number), scratch=hyperscan.Scratch(made))
    return sorted(set(seen))


def entry(tmp_path: Path, name: str = NAME) -> Path:
    return tmp_path / "cache" / f"{name}.hs"


@given(content=st.binary(max_size=200), at=st.integers(0, 300), bit=st.integers(0, 7))
@settings(max_examples=100, deadline=None)
def test_what_was_put_comes_back_whole_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, at: int, bit: int
) -> None:
    place = tmp_path_factory.mktemp("shelf")
    kept = Shelf(place, KEY)
    assert kept.put("one", content) and kept.get("one") == content
    file = place / "one.hs"
    data = bytearray(file.read_bytes())
    data[at % len(data)] ^= 1 << bit
    file.write_bytes(data)
    assert kept.get("one") is None


def test_a_foreign_entry_is_none(tmp_path: Path) -> None:
    place = tmp_path / "cache"
    Shelf(place, OTHER).put("one", b"theirs")
    mine = Shelf(place, KEY)
    assert mine.get("one") is None
    mine.put("two", b"ours")
    (place / "two.hs").rename(place / "three.hs")  # sealed by us, under another name
    assert mine.get("three") is None and mine.get("never") is None


def test_an_entry_that_others_could_have_written_or_that_leads_elsewhere_is_none(tmp_path: Path) -> None:
    kept = Shelf(tmp_path / "cache", KEY)
    kept.put("one", b"x")
    assert entry(tmp_path, "one").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    entry(tmp_path, "one").chmod(0o620)
    assert kept.get("one") is None
    kept.put("two", b"y")
    entry(tmp_path, "link").symlink_to(entry(tmp_path, "two"))
    assert kept.get("link") is None


def test_nothing_is_written_where_others_may_write_or_nobody_can(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert not Shelf(tmp_path / "open", KEY).put("one", b"x")
    assert not Shelf(tmp_path / "missing" / "deeper", KEY).put("one", b"x")
    (tmp_path / "file").write_text("")
    assert not Shelf(tmp_path / "file", KEY).put("one", b"x")


def test_old_entries_go(tmp_path: Path) -> None:
    kept = Shelf(tmp_path, KEY)
    for number in range(compiled.MOST + 5):
        kept.put(f"n{number}", b"x")
        os.utime(tmp_path / f"n{number}.hs", (number, number))
    assert len(list(tmp_path.glob("*.hs"))) == compiled.MOST
    assert kept.get("n0") is None and kept.get(f"n{compiled.MOST + 4}") == b"x"


def test_a_kept_database_finds_what_the_one_it_was_kept_from_does(shelf: Shelf, tmp_path: Path) -> None:
    first = database(PATTERNS, FLAGS)
    before = entry(tmp_path).stat().st_mtime_ns
    second = database(PATTERNS, FLAGS)
    assert entry(tmp_path).stat().st_mtime_ns == before  # nothing was compiled again
    for text in (b"a ABBBC here", b"xyz", b"abbc xyz", b"nothing"):
        assert found(first, text) == found(second, text)


@pytest.mark.parametrize("content", [b"", b"not a database", b"\xdb\xdb\xdb\xdb" * 40])
def test_what_hyperscan_does_not_take_is_compiled_anew_even_where_it_is_sealed(
    shelf: Shelf, tmp_path: Path, content: bytes
) -> None:
    shelf.put(NAME, content)
    assert found(database(PATTERNS, FLAGS), b"abc xyz") == [0, 1]
    assert shelf.get(NAME) not in (None, content)  # and the good one is in its place


def test_a_damaged_entry_is_compiled_anew(shelf: Shelf, tmp_path: Path) -> None:
    database(PATTERNS, FLAGS)
    file = entry(tmp_path)
    file.write_bytes(file.read_bytes()[:-1])
    assert found(database(PATTERNS, FLAGS), b"abc") == [0]
    assert shelf.get(NAME) is not None


def test_the_name_tells_patterns_flags_and_their_order_apart() -> None:
    names = {
        name_of(PATTERNS, FLAGS), name_of(PATTERNS[::-1], FLAGS[::-1]), name_of(PATTERNS, [0, 0]),
        name_of([b"ab+cxyz"], [0]), name_of([b"ab+c", b"xy", b"z"], [0, 0, 0]),
    }  # fmt: skip
    assert len(names) == 5
