"""The decoder's laws: a whole burst names its id, damage is tolerated, noise and foreign keys name nobody."""

from __future__ import annotations

import random
import re
import unicodedata

import numpy as np
import pytest
from conftest import prose
from hypothesis import given, settings
from hypothesis import strategies as st

from watermark import Codebook, Keys, decode, embed, glance, rs
from watermark.chance import at_least, false_id, total_at_least
from watermark.codebook import codebook
from watermark.payload import codeword, from_symbols, new_mark_id, seal, unseal

KEYS = Keys.from_master(bytes(range(32)))
OTHER = Keys.from_master(bytes(range(1, 33)))
LANGUAGES = ("en", "zh")


@given(st.lists(st.integers(0, 127), min_size=10, max_size=10), st.permutations(range(18)))
@settings(max_examples=60, deadline=None)
def test_any_ten_symbols_give_the_message_back(message: list[int], order: list[int]) -> None:
    word = rs.encode(np.array([message], np.uint8))[0]
    positions = tuple(order[:10])
    assert rs.solve(positions, word[list(positions)][None])[0].tolist() == message


@given(st.integers(0, 2**34 - 1))
@settings(max_examples=100, deadline=None)
def test_a_sealed_id_opens_with_its_own_keys_only(mark_id: int) -> None:
    payload = seal(mark_id, KEYS.current)
    assert unseal(payload, KEYS.current) == mark_id
    assert unseal(payload, OTHER.current) is None
    assert unseal(payload ^ 1, KEYS.current) is None


@given(st.integers(0, 2**34 - 1), st.integers(0, 42))
@settings(max_examples=60, deadline=None)
def test_a_codeword_holds_the_payload(mark_id: int, first: int) -> None:
    word = np.frombuffer(codeword(mark_id, KEYS.current), np.uint8)
    positions = tuple(sorted(random.Random(first).sample(range(18), 10)))
    assert from_symbols(rs.solve(positions, word[list(positions)][None])[0]) == seal(mark_id, KEYS.current)


def test_an_id_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="34 bits"):
        seal(2**34, KEYS.current)
    assert new_mark_id(lambda bits: 2**bits - 1) == 2**34 - 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("profile", ["sparse", "normal", "dense", "zw"])
def test_a_marked_text_names_its_id_beyond_doubt_and_binds(language: str, profile: str) -> None:
    decoded = decode(embed(prose(language, 1), KEYS, 77, profile), KEYS)
    (hit,) = decoded.hits
    assert (hit.mark_id, hit.method) == (77, "burst")
    assert hit.p < 1e-9
    assert hit.bind.matched == hit.bind.examined >= 4


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_any_excerpt_with_one_whole_burst_and_its_context_names_the_id(language: str, seed: int) -> None:
    chance = random.Random(seed)
    marked = embed(prose(language, seed), KEYS, seed)
    burst = chance.choice(list(re.finditer("[\U000e0100-\U000e017f]{12}", marked)))
    start = max(0, burst.start() - 30)
    hits = decode(marked[start : burst.end()], KEYS).hits
    assert [hit.mark_id for hit in hits] == [seed]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "channel",
    [
        lambda t: unicodedata.normalize("NFKC", t),
        lambda t: unicodedata.normalize("NFD", t),
        lambda t: re.sub(r"\s+", " ", t),
        lambda t: t.replace(" ", "\n"),
        lambda t: "".join(c for c in t if unicodedata.category(c) != "Cf"),
        lambda t: t.encode("gb18030").decode("gb18030"),
        lambda t: t.upper(),
        lambda t: f"Dear all,\n\n> {t}\n\nSee above.",
    ],
    ids=["nfkc", "nfd", "spaces", "newlines", "strip-cf", "gb18030", "upper", "quoted"],
)
def test_channels_that_keep_selectors_keep_the_mark(language: str, channel) -> None:  # type: ignore[no-untyped-def]
    (hit,) = decode(channel(embed(prose(language, 2), KEYS, 5)), KEYS).hits
    assert hit.mark_id == 5
    assert hit.p < 1e-9


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_character_in_twenty_may_be_missing(language: str) -> None:
    named = 0
    for seed in range(30):
        chance = random.Random(seed)
        leak = "".join(c for c in embed(prose(language, seed), KEYS, seed) if chance.random() > 0.05)
        hits = decode(leak, KEYS).hits
        assert all(hit.mark_id == seed for hit in hits)
        named += bool(hits)
    assert named == 30


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_issued_ids_help_where_bursts_are_badly_damaged(language: str) -> None:
    book = codebook(((number, 1) for number in range(3000)), KEYS)
    alone = helped = 0
    for seed in range(40):
        chance = random.Random(seed)
        leak = "".join(c for c in embed(prose(language, seed, 2), KEYS, seed) if chance.random() > 0.22)
        alone += bool(decode(leak, KEYS).hits)
        hits = decode(leak, KEYS, book).hits
        assert all(hit.mark_id == seed for hit in hits)
        helped += bool(hits)
    assert alone < helped
    assert helped >= 20


def test_a_spliced_text_names_every_source() -> None:
    parts = [embed(prose("en", seed, 3), KEYS, seed) for seed in range(4)]
    assert {hit.mark_id for hit in decode("\n\n".join(parts), KEYS).hits} == {0, 1, 2, 3}


def test_noise_and_foreign_marks_name_nobody() -> None:
    book = codebook(((number, 1) for number in range(500)), KEYS)
    chance = random.Random(1)
    for seed in range(60):
        noise = re.sub(
            r"(?<=[,.]) ",
            lambda _: "".join(chr(0xE0100 + chance.randrange(128)) for _ in range(12)) + " ",
            prose("en", seed),
        )
        assert decode(noise, KEYS, book).hits == ()
        assert decode(embed(prose("zh", seed), OTHER, seed), KEYS, book).hits == ()


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab ,.中，\U000e0100\U000e0150\U000e017f\u200b\u200d\u2060"), max_size=200))
def test_any_text_can_be_decoded(text: str) -> None:
    assert decode(text, KEYS, Codebook()).hits == ()


def test_old_epochs_stay_readable_and_unknown_ones_do_not() -> None:
    old, both = Keys.from_master(bytes(32), [1]), Keys.from_master(bytes(32), [1, 2])
    marked_old, marked_new = embed(prose("en", 1), old, 9), embed(prose("en", 1), both, 9)
    assert [(h.mark_id, h.epoch) for h in decode(marked_old, both).hits] == [(9, 1)]
    assert [(h.mark_id, h.epoch) for h in decode(marked_new, both).hits] == [(9, 2)]
    assert decode(marked_new, old).hits == ()


def test_a_pasted_burst_names_the_id_but_does_not_bind() -> None:
    marked = embed(prose("en", 3), KEYS, 3)
    donors = [(marked[m.start() - 40 : m.start()], m[0]) for m in re.finditer("[\U000e0100-\U000e017f]{12}", marked)]
    pasted = "".join(f"Quite another line of words {before[-3:-1]}. " + burst + " " for before, burst in donors)
    for hit in decode(pasted, KEYS).hits:
        assert hit.bind.p > 1e-4


def test_chance_is_an_honest_upper_bound() -> None:
    assert at_least(0, 5) == 1.0
    assert at_least(1, 1) == pytest.approx(1 / 128)
    assert false_id(1, 1) == pytest.approx(2**-36)
    assert false_id(100, 0) == 1.0
    assert false_id(100, 2) < false_id(100, 1)
    generator = np.random.default_rng(3)
    draws = (generator.integers(0, 128, (200_000, 10)) == 0).sum(axis=1) + (
        generator.integers(0, 128, (200_000, 9)) == 0
    ).sum(axis=1)
    for hits in (1, 2, 3):
        assert (draws >= hits).mean() <= total_at_least(hits, ((10, 1), (9, 1))) * 1.4


def test_a_glance_sees_whole_bursts() -> None:
    marked = embed(prose("zh", 1), KEYS, 8)
    assert [hit.mark_id for hit in glance(marked, KEYS).hits] == [8]
    assert glance(prose("zh", 1), KEYS).hits == ()
    assert glance("ab, " + "\U000e0100" * 9, KEYS).runs == ()
