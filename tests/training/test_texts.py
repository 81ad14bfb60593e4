"""The texts composed for training: the same for a seed, whole, labelled, and none of those that are measured with."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

import pytest

from benchmarks.training import documents, families, grammar, lookalikes, spun, tongues
from benchmarks.training.attack_texts import attacks
from benchmarks.training.benign_texts import benign
from benchmarks.waf_sets import attacks as measured_attacks
from benchmarks.waf_sets import harmless as measured_harmless

Labelled = tuple[str, bool, str]
MANY = 120


def _attacks(chance: random.Random, many: int) -> Iterator[Labelled]:
    return ((f"composed_{family}", True, text) for family, text in attacks(chance, many))


def _benign(chance: random.Random, many: int) -> Iterator[Labelled]:
    return (("composed_benign", False, text) for text in benign(chance, many))


GENERATORS: dict[str, Callable[[random.Random, int], Iterator[Labelled]]] = {
    "attack_texts": _attacks,
    "benign_texts": _benign,
    "documents": documents.texts,
    "families": families.texts,
    "grammar": grammar.texts,
    "lookalikes": lookalikes.texts,
    "tongues": tongues.texts,
}


def made(name: str, seed: int = 7) -> list[Labelled]:
    return list(GENERATORS[name](random.Random(seed), MANY))


@pytest.mark.parametrize("name", GENERATORS)
def test_a_seed_makes_the_same_texts_in_the_same_order(name: str) -> None:
    assert made(name) == made(name)


@pytest.mark.parametrize("name", GENERATORS)
def test_another_seed_makes_others(name: str) -> None:
    assert made(name) != made(name, 8)


@pytest.mark.parametrize("name", GENERATORS)
def test_every_text_has_words_and_no_slot_is_left_empty(name: str) -> None:
    for _, _, text in made(name):
        assert re.search(r"\w", text)
        assert not re.search(r"\{(?:drop|goal|thing|topic|name|what|rules|job|act|harm|person)\}", text)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_set_is_either_of_attacks_or_of_harmless_texts(name: str) -> None:
    labels: dict[str, set[bool]] = {}
    for kind, attack, _ in made(name):
        labels.setdefault(kind, set()).add(attack)
    assert labels and all(len(some) == 1 for some in labels.values()), labels


def test_no_text_is_said_to_be_both() -> None:
    calm = {text for name in GENERATORS for _, attack, text in made(name) if not attack}
    bad = {text for name in GENERATORS for _, attack, text in made(name) if attack}
    assert calm and bad and not calm & bad


def test_what_is_learnt_from_is_not_what_is_measured_with() -> None:
    learnt = {text for name in GENERATORS for _, _, text in made(name)}
    measured = {text for some in measured_harmless().values() for text in some if len(text) > 40}
    measured |= {text for some in measured_attacks().values() for _, text in some if len(text) > 40}
    assert len(measured) > 1000 and not learnt & measured


def test_a_shape_is_said_with_what_its_slots_hold_and_one_of_each_choice() -> None:
    slots = {"who": ("the cat", "a dog"), "does": ("{verb} (twice|once)",), "verb": ("barks",)}
    said = {spun.said("{who} {does}.", slots, random.Random(seed)) for seed in range(60)}
    assert {one.lower() for one in said} == {f"{who} barks {how}." for who in slots["who"] for how in ("twice", "once")}


def test_some_of_a_pool_are_distinct_and_as_many_as_asked() -> None:
    pool = [str(number) for number in range(9)]
    for seed in range(40):
        some = spun.some(pool, 2, 5, random.Random(seed))
        assert 2 <= len(some) <= 5 and len(set(some)) == len(some) and set(some) <= set(pool)
