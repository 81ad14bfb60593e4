"""How the next token is chosen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgi.embedded.engine import Candidate, Sampling
from tgi.embedded.greenlist import green_mask
from tgi.embedded.replay import ReplayEngine
from tgi.embedded.sampling import CANDIDATES, Chooser, warped
from watermark import Keys, sampler

CARD = ReplayEngine("a short answer").card


def candidates(weights: list[float]) -> list[Candidate]:
    total = sum(weights)
    found = [Candidate(10 + i, bytes([97 + i]), math.log(w / total)) for i, w in enumerate(weights)]
    return sorted(found, key=lambda c: -c.logprob)


WEIGHTS = st.lists(st.floats(0.001, 1.0), min_size=1, max_size=20)
SAMPLINGS = st.builds(
    Sampling,
    seed=st.integers(0, 2**64 - 1),
    do_sample=st.booleans(),
    temperature=st.floats(0.05, 5.0),
    top_k=st.integers(0, 25),
    top_p=st.floats(0.01, 1.0),
    typical_p=st.floats(0.01, 1.0),
    watermark=st.booleans(),
    top_n_tokens=st.integers(0, 5),
)


@settings(max_examples=200, deadline=None)
@given(WEIGHTS, SAMPLINGS)
def test_one_of_the_candidates_is_chosen_and_its_logprob_is_one(weights: list[float], sampling: Sampling) -> None:
    found = candidates(weights)
    step = Chooser.begin(sampling, CARD).choose(5, found)
    assert step is not None
    assert step.id in {c.id for c in found}
    assert step.logprob <= 1e-9
    assert len(step.top) <= sampling.top_n_tokens
    assert [c.logprob for c in step.top] == sorted((c.logprob for c in step.top), reverse=True)


@settings(max_examples=100, deadline=None)
@given(WEIGHTS, SAMPLINGS)
def test_the_same_seed_makes_the_same_choices(weights: list[float], sampling: Sampling) -> None:
    found = candidates(weights)
    one, two = Chooser.begin(sampling, CARD), Chooser.begin(sampling, CARD)
    assert [one.choose(i, found) for i in range(10)] == [two.choose(i, found) for i in range(10)]


@settings(max_examples=100, deadline=None)
@given(WEIGHTS, st.floats(0.01, 0.99))
def test_top_p_keeps_the_fewest_candidates_that_reach_the_mass(weights: list[float], top_p: float) -> None:
    scores = np.array([c.logprob for c in candidates(weights)])
    kept = warped(scores, Sampling(0, top_p=top_p))
    masses = np.exp(scores[np.isfinite(kept)])
    assert masses.sum() >= top_p - 1e-6
    assert masses.sum() - masses.min() < top_p + 1e-6


def test_top_k_keeps_the_likeliest() -> None:
    scores = np.log(np.array([0.1, 0.4, 0.2, 0.3]))
    assert np.isfinite(warped(scores, Sampling(0, top_k=2))).tolist() == [False, True, False, True]


def test_without_sampling_the_likeliest_is_chosen_with_its_own_logprob() -> None:
    step = Chooser.begin(Sampling(0), CARD).choose(5, candidates([1, 5, 2]))
    assert step is not None
    assert (step.id, round(step.logprob, 6)) == (11, round(math.log(5 / 8), 6))


@pytest.mark.parametrize(
    ("sampling", "samples"),
    [
        (Sampling(0), False),
        (Sampling(0, watermark=True), False),
        (Sampling(0, do_sample=True), True),
        (Sampling(0, temperature=0.7), True),
        (Sampling(0, top_k=5), True),
        (Sampling(0, top_p=0.9), True),
        (Sampling(0, typical_p=0.9), True),
    ],
)
def test_any_warper_means_sampling(sampling: Sampling, samples: bool) -> None:
    assert sampling.samples is samples


def test_a_draw_follows_the_probabilities() -> None:
    chooser = Chooser.begin(Sampling(7, do_sample=True), CARD)
    found = candidates([1, 3])
    picks = [chooser.choose(5, found) for _ in range(2000)]
    share = sum(p is not None and p.id == 11 for p in picks) / 2000
    assert 0.70 < share < 0.80


def test_the_watermark_makes_green_tokens_likelier_and_keeps_their_order() -> None:
    found = candidates([1.0] * 20)
    mask = green_mask(5, CARD.vocab_size)
    plain = Chooser.begin(Sampling(1, do_sample=True), CARD)
    marked = Chooser.begin(Sampling(1, do_sample=True, watermark=True), CARD)

    def green(chooser: Chooser) -> float:
        return float(np.mean([mask[step.id] for _ in range(400) if (step := chooser.choose(5, found))]))

    assert green(marked) > green(plain) + 0.15


def test_a_greedy_answer_asks_for_few_candidates_and_a_drawn_one_for_many() -> None:
    assert Chooser.begin(Sampling(0, top_n_tokens=3), CARD).ask().count == 3
    assert Chooser.begin(Sampling(0, do_sample=True), CARD).ask().count == CANDIDATES
    assert Chooser.begin(Sampling(0, watermark=True), CARD).ask().count == CANDIDATES


def test_a_grammar_leaves_only_what_can_follow_and_ends_when_complete() -> None:
    chooser = Chooser.begin(Sampling(0, pattern="b"), CARD)
    found = [*candidates([9, 1]), Candidate(2, b"", -5.0), Candidate(1, b"<|im_start|>", -0.1)]
    first, second = chooser.choose(5, found), chooser.choose(5, found)
    assert first is not None and second is not None
    assert (first.data, second.id) == (b"b", 2)


def test_no_choice_is_made_when_the_grammar_permits_none() -> None:
    assert Chooser.begin(Sampling(0, pattern="z"), CARD).choose(5, candidates([1, 1])) is None


KEYS = Keys.from_master(bytes(range(32)))
MINE, YOURS = (sampler.user_key(KEYS.current, user) for user in ("acme/ana", "acme/ben"))


def drawn_by(key: bytes | None, seed: int, tokens: int = 160) -> list[int]:
    """Tokens out of a model that is never sure: sixteen candidates of unequal weight, others after each token."""
    chooser = Chooser.begin(Sampling(seed, do_sample=True, key=key), CARD)
    chosen = [5]
    for _ in range(tokens):
        shift = chosen[-1] % 7
        found = candidates([1.0 + (i * (shift + 3)) % 5 for i in range(16)])
        step = chooser.choose(chosen[-1], found)
        assert step is not None
        chosen.append(step.id)
    return chosen[1:]


def test_a_keyed_draw_names_the_user_whose_key_it_was_and_nobody_else() -> None:
    users = [f"acme/{name}" for name in ("ana", "ben", "cho", "dan")]
    for seed in range(5):
        best = sampler.best(drawn_by(MINE, seed), KEYS.current, users, 64)
        assert best is not None and best.user == "acme/ana" and best.p <= 1e-9
        nobody = sampler.best(drawn_by(None, seed), KEYS.current, users, 64)
        assert nobody is not None and nobody.p > 1e-4


def test_two_users_get_different_words_for_one_seed() -> None:
    assert drawn_by(MINE, 7) != drawn_by(YOURS, 7)


def test_a_keyed_draw_follows_the_weights() -> None:
    """Over many keys, each candidate is drawn as often as its weight says."""
    found, counts = candidates([1.0, 2.0, 5.0]), dict.fromkeys((10, 11, 12), 0)
    for number in range(600):
        chooser = Chooser.begin(Sampling(1, do_sample=True, key=number.to_bytes(16)), CARD)
        for token in (1, 2, 3):
            assert chooser.keyed is not None
            chooser.keyed.follow(token)
        step = chooser.choose(3, found)
        assert step is not None
        counts[step.id] += 1
    assert 300 < counts[12] < 450 and 100 < counts[11] < 200 and 40 < counts[10] < 115


def test_greedy_answers_are_not_drawn_by_any_key() -> None:
    assert Chooser.begin(Sampling(1, key=MINE), CARD).keyed is None
