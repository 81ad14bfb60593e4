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
