"""How the evidence for a name is weighed in `gateway.detect.names.people`: logistic regression over what may be names in labelled sets.

    python -m benchmarks.training.weigh_han gsd_train.jsonl weibo_train.jsonl

Takes JSON lines of `text` and `spans`, as `benchmarks.pii_names` does; each set weighs alike. Prints the weights and the constant.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.training.han_said import Said, rows
from benchmarks.training.train_han import clauses
from gateway.detect.names.chinese import HAN, NOBODY
from gateway.detect.names.han import Reader
from gateway.detect.names.lac import Lac
from gateway.detect.names.people import candidates, evidence, votes

ROUNDS, HELD_BACK = 60, 1.0  # of Newton's method; how much a weight costs, squared
_PEOPLE = ("PER", "PERSON")
Case = tuple[tuple[float, ...], bool]


def cases(said: Sequence[Said], reader: Reader, lac: Lac) -> Iterator[Case]:
    """What speaks for each candidate, and whether somebody is named there."""
    for text, spans in said:
        people = [(low, high) for low, high, kind in spans if kind in _PEOPLE]
        for start, end in clauses(text):
            clause = text[start:end]
            own = reader.likelihoods([clause])[0][:, 1:3]
            if HAN.search(clause) is None or own.sum(axis=1).max() <= NOBODY:
                continue
            figures = votes(own, lac.people([clause])[0])
            for low, high in candidates(clause, figures):
                if high - low > 1:
                    named = any(low + start < last and first < high + start for first, last in people)
                    yield evidence(clause, (low, high), figures), named


def weighed(sets: Sequence[Sequence[Case]]) -> Any:
    """The constant and the weights."""
    evidences = np.array([[1.0, *map(float, one)] for some in sets for one, _ in some])
    named = np.array([float(one) for some in sets for _, one in some])
    shares = np.concatenate([np.full(len(some), 1000 / len(some)) for some in sets])
    weights = np.zeros(evidences.shape[1])
    for _ in range(ROUNDS):
        likely = 1 / (1 + np.exp(-np.clip(evidences @ weights, -30, 30)))
        slope = evidences.T @ (shares * (likely - named)) + HELD_BACK * weights
        curve = (evidences * (shares * likely * (1 - likely))[:, None]).T @ evidences
        weights -= np.linalg.solve(curve + HELD_BACK * np.eye(len(weights)), slope)
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path, nargs="+")
    reader, lac = Reader(), Lac()
    sets = [list(cases(rows(path), reader, lac)) for path in parser.parse_args().sets]
    print(sum(map(len, sets)), "candidates", np.round(weighed(sets), 2).tolist())


if __name__ == "__main__":
    main()
