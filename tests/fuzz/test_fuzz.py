"""Every target upholds its law over its corpus and over some mutations of it; the long runs are `python -m benchmarks.fuzz`."""

from __future__ import annotations

import random

import pytest

from tests.fuzz import trees
from tests.fuzz.engine import mutated
from tests.fuzz.targets import CORPUS, TARGETS, Target

MUTATIONS = 60
EACH = pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)


@EACH
def test_what_is_in_the_corpus_upholds_the_law(target: Target) -> None:
    for data in target.corpus():
        target.uphold(data)


@EACH
def test_so_does_what_lies_beside_it(target: Target) -> None:
    chance, corpus = random.Random(target.name), target.corpus()
    for _ in range(MUTATIONS):
        data = mutated(chance, corpus)
        if target.json and chance.random() < 0.5:
            data = trees.changed(chance, chance.choice(corpus)) or data
        target.uphold(data)


def test_every_folder_of_the_corpus_belongs_to_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} <= set(TARGETS)


def test_mutation_finds_what_a_reader_of_bodies_once_overlooked() -> None:
    """A role that is a list broke the wire. An engine that would not find it again is of no use."""
    chance, found = random.Random(1), 0
    begin = [b'\x06{"messages":[{"role":"user","content":"hi"}]}']
    for _ in range(2000):
        told = trees.changed(chance, chance.choice(begin)) or b""
        found += b'"role":[' in told
    assert found > 0
