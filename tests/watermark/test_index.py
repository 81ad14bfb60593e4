"""Fingerprints and their index: every shared passage is found, nothing is lost by a crash, the erased stays erased."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import prose
from hypothesis import given, settings
from hypothesis import strategies as st

from watermark import Index, Keys, fingerprint
from watermark import index as index_module
from watermark.fingerprints import containment, located
from watermark.skeleton import folded, skeleton

KEY = Keys.from_master(bytes(range(32))).fingerprint
LANGUAGES = ("en", "zh")


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), start=st.integers(0, 100))
def test_any_long_enough_passage_shares_a_fingerprint_with_its_text(language: str, seed: int, start: int) -> None:
    text = prose(language, seed, 6)
    passage = text[start : start + (60 if language == "en" else 30)]
    assert set(fingerprint(passage, KEY)) & set(fingerprint(text, KEY))


@pytest.mark.parametrize("language", LANGUAGES)
def test_looks_do_not_count(language: str) -> None:
    text = prose(language, 1)
    for changed in (
        text.upper(),
        text.replace(" ", "\n"),
        text.replace("，", ","),
        "".join(f"{c}\U000e0123" for c in text),
    ):
        assert fingerprint(changed, KEY) == fingerprint(text, KEY)


def test_words_and_keys_do_count() -> None:
    assert containment(fingerprint(prose("en", 1), KEY), fingerprint(prose("en", 2), KEY)) < 0.1
    assert not set(fingerprint(prose("en", 1), KEY)) & set(fingerprint(prose("en", 1), KEY[::-1]))
    assert fingerprint("too short", KEY) == []
    assert containment([], [1]) == 0.0
    assert containment([1, 2], [2, 3]) == 0.5


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=300))
def test_any_text_has_a_fingerprint_of_40_bit_values_in_order(text: str) -> None:
    places = [at for _, at in located(folded(text), KEY)]
    assert places == sorted(places)
    assert all(0 <= value < 2**40 for value in fingerprint(text, KEY))


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.sampled_from("abZé，。Ａ１ 中漢…—“”（）ÄßIİ\u0301"), max_size=40))
def test_the_short_cut_for_simple_texts_changes_nothing(text: str) -> None:
    from unicodedata import normalize

    plain = "".join(c for c in normalize("NFKC", text).casefold() if c.isalnum())
    assert skeleton(text) == plain


def test_traditional_reads_as_simplified() -> None:
    assert folded("網關審計") == folded("网关审计")


def _filled(index: Index, texts: int) -> None:
    for number in range(texts):
        index.add(f"x-{number}", fingerprint(prose("en", number, 6), KEY))


@pytest.mark.parametrize("on_disk", [True, False])
def test_the_right_text_comes_first(tmp_path: Path, on_disk: bool) -> None:
    with Index(tmp_path / "i" if on_disk else None) as index:
        _filled(index, 60)
        for flushed in (False, True):
            if flushed:
                index.flush()
            best = index.query(fingerprint(prose("en", 41, 6)[50:350], KEY))[0]
            assert best.exchange == "x-41"
            assert best.coverage > 0.9
            assert all(found.coverage < 0.1 for found in index.query(fingerprint(prose("en", 999), KEY)))
        assert len(index) == 60


def test_what_was_added_is_there_after_reopening(tmp_path: Path) -> None:
    with Index(tmp_path) as index:
        _filled(index, 10)
    with Index(tmp_path) as index:
        index.add("late", fingerprint(prose("zh", 1), KEY))
        index.add("late", [1, 2, 3])  # a second time is ignored
        index.flush()
        assert index.query(fingerprint(prose("en", 3, 6), KEY))[0].exchange == "x-3"
        assert index.query(fingerprint(prose("zh", 1), KEY))[0].coverage == 1.0
        assert len(index) == 11


def test_segments_merge_and_keep_everything(tmp_path: Path) -> None:
    with Index(tmp_path) as index:
        for number in range(40):
            index.add(f"x-{number}", fingerprint(prose("en", number, 6), KEY))
            index.flush()
        assert index.remove("x-7")
        assert not index.remove("x-7")
        index.flush()
        for number in (0, 20, 39):
            assert index.query(fingerprint(prose("en", number, 6), KEY))[0].exchange == f"x-{number}"
        assert all(found.coverage < 0.1 for found in index.query(fingerprint(prose("en", 7, 6), KEY)))
    assert len(list(tmp_path.glob("segment-*"))) <= 8
    with Index(tmp_path) as index:
        assert "x-7" not in {found.exchange for found in index.query(fingerprint(prose("en", 7, 6), KEY))}
        assert len(index) == 39


def test_texts_that_wait_survive_a_crash(tmp_path: Path) -> None:
    index = Index(tmp_path)
    _filled(index, 5)
    index.flush()
    index.add("after", fingerprint(prose("zh", 5), KEY))
    index.commit()  # and then the process dies
    assert Index(tmp_path).query(fingerprint(prose("zh", 5), KEY))[0].exchange == "after"


def test_passages_of_the_background_do_not_count() -> None:
    background, index = Index(), Index()
    shared = prose("en", 1, 6)
    background.add("licence", fingerprint(shared, KEY))
    index.add("x-1", fingerprint(prose("en", 2, 3) + shared, KEY))
    assert index.query(fingerprint(shared, KEY))
    assert index.query(fingerprint(shared, KEY), background) == []


def test_passages_that_most_texts_have_weigh_nothing() -> None:
    index = Index()
    for number in range(300):
        index.add(f"x-{number}", [1, 2, 3, 1000 + number])
    assert index.query([1, 2, 3]) == []
    assert index.query([1, 2, 3, 1007])[0].exchange == "x-7"


def test_a_posting_costs_nine_bytes(tmp_path: Path) -> None:
    with Index(tmp_path) as index:
        _filled(index, 50)
        index.flush()
        postings = sum(len(set(fingerprint(prose("en", number, 6), KEY))) for number in range(50))
        assert index.bytes_on_postings == 9 * postings
        assert index_module.segments.POSTING_BYTES == 9


def test_a_full_waiting_room_is_sorted_by_itself(tmp_path: Path) -> None:
    with Index(tmp_path) as index:
        for number in range(6):
            index.add(f"x-{number}", range(number * 100_000, (number + 1) * 100_000))
        assert list(tmp_path.glob("segment-*"))
        assert index.query(range(250_000, 250_020))[0].exchange == "x-2"


def test_an_index_whose_texts_are_all_gone_is_empty(tmp_path: Path) -> None:
    with Index(tmp_path) as index:
        for number in range(2):
            index.add(f"x-{number}", [1, 2, 3])
            index.flush()
            index.remove(f"x-{number}")
        index.add("y", [4])
        index.flush()
        assert index.query([1, 2, 3]) == []
        assert index.query([4])[0].exchange == "y"
