"""The Gumbel mark: tokens are drawn as the model wants, the right user's key fits, nobody else's does."""

from __future__ import annotations

import random

import numpy as np
import pytest

from watermark import Keys
from watermark.sampler import _uniform, _uniforms, best, sample, score, user_key

KEYS = Keys.from_master(bytes(32)).current
VOCABULARY = 500
USERS = [f"user-{n}" for n in range(50)]


def _text(key: bytes | None, tokens: int, seed: int) -> list[int]:
    chance, seen, text = random.Random(seed), set(), [1, 2, 3]
    for _ in range(tokens):
        weights = 1.0 / (1 + (np.arange(VOCABULARY) * 7 + text[-1] * 31) % VOCABULARY) ** 1.4
        probabilities = weights / weights.sum()
        if key is None:
            text.append(chance.choices(range(VOCABULARY), probabilities.tolist())[0])
        else:
            text.append(sample(probabilities, text, key, seen, chance.random()))
    return text


def test_one_number_is_the_same_as_that_number_among_all() -> None:
    every = _uniforms(b"k" * 16, (1, 2, 3), 101)
    assert [_uniform(b"k" * 16, (1, 2, 3), token) for token in range(101)] == pytest.approx(every.tolist())


def test_over_contexts_tokens_are_drawn_from_the_probabilities_given() -> None:
    probabilities, counts = np.array([0.5, 0.3, 0.15, 0.05]), np.zeros(4)
    for number in range(4000):
        counts[sample(probabilities, [number, 1, 2], b"k" * 16, set(), 0.0)] += 1
    assert counts / 4000 == pytest.approx(probabilities, abs=0.03)


def test_a_repeated_context_and_a_short_one_use_fresh_chance() -> None:
    probabilities, seen = np.array([0.5, 0.5]), {(1, 2, 3)}
    assert [sample(probabilities, [1, 2, 3], b"k" * 16, seen, fresh) for fresh in (0.0, 0.49, 0.51, 0.999)] == [
        0,
        0,
        1,
        1,
    ]
    assert [sample(probabilities, [1], b"k" * 16, set(), fresh) for fresh in (0.1, 0.9)] == [0, 1]


def test_the_user_whose_key_it_was_is_found_beyond_doubt() -> None:
    found = best(_text(user_key(KEYS, "user-7"), 120, 1), KEYS, USERS, VOCABULARY)
    assert found is not None
    assert found.user == "user-7"
    assert found.p < 1e-9


def test_unmarked_texts_fit_nobody() -> None:
    results = [best(_text(None, 120, seed), KEYS, USERS, VOCABULARY) for seed in range(6)]
    assert min(result.p for result in results if result) > 1e-4
    assert best([1, 2], KEYS, [], VOCABULARY) is None
    assert score([1, 2], user_key(KEYS, "a"), "a", VOCABULARY, 1).p == 1.0
