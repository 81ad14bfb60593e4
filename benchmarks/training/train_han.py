"""Makes `gateway/detect/names/data/han.npz`: the network that sees people, places and addresses in Chinese text. Minutes on a GPU.

    python -m benchmarks.training.train_han prepare --sets DIR --out rows.npz [--seed 0]
    python -m benchmarks.training.train_han train --rows rows.npz --out han.npz [--epochs 10] [--seed 0]

DIR holds what `han_sources.yaml` names: `gold/*.txt` (a sign and its tag a line), `silver/*.npz` (clauses with LAC's likelihoods,
by `han_teacher`), lists of names, districts and addresses. `prepare` needs rjieba and opencc, `train` needs torch alone.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.training.han_network import HIDDEN, train
from benchmarks.training.han_said import Said, columns, joined

LONGEST = 120  # signs of one example
LEAST_SEEN = (2, 8, 8, 8, 2, 2)  # times a feature must occur to have a row of its own, by kind
MOST = (9000, 21000, 21000, 11000, 1500, 500)  # rows of each kind
_CLAUSE = re.compile(r"(?<=[。！？；!?;\n])(?![”’」』）)\"'])|(?<=[\u3400-\u9fff]，)")
Example = tuple[str, Any]  # a clause, and for each sign how likely each label is, of 255; over 255 in sum: any of those


def prepare(folder: Path, seed: int, out: Path) -> None:
    from gateway.detect.names import han

    made = list(examples(folder, seed))
    random.Random(seed).shuffle(made)
    print(len(made), "clauses", sum(len(text) for text, _ in made), "signs")
    hashed = [_keys(han, text) for text, _ in made]
    rows, keys = numbered(np.concatenate(hashed))
    np.savez(
        out,
        rows=np.ascontiguousarray(rows.T),
        labels=np.ascontiguousarray(np.concatenate([labels for _, labels in made]).T),
        lengths=np.array([len(text) for text, _ in made], dtype=np.int32),
        keys=keys,
        steps=np.array(han.STEPS),
    )


def _keys(han: Any, text: str) -> Any:
    return han.keys([text])


def numbered(hashes: Any) -> tuple[Any, Any]:
    """Features as rows of a table, and the table's keys, sorted: the row of a key is its place and one."""
    kept = []
    for kind in range(hashes.shape[1]):
        found, count = np.unique(hashes[:, kind], return_counts=True)
        usual = np.argsort(-count)[: MOST[kind]]
        kept.append(found[usual][count[usual] >= LEAST_SEEN[kind]])
    keys = np.unique(np.concatenate(kept))
    keys = keys[keys > 0]
    at = np.minimum(np.searchsorted(keys, hashes), len(keys) - 1)
    return np.where(keys[at] == hashes, at + 1, 0).astype(np.uint16 if len(keys) < 65535 else np.int32), keys


def examples(folder: Path, seed: int) -> Iterator[Example]:
    from benchmarks.training import han_sets as sets

    draw = sets.Drawer(seed, folder)
    r = draw.r
    old = importlib.import_module("opencc").OpenCC("s2t")
    for text, labels in _all(folder, draw):
        for low, high in clauses(text):
            clause = text[low:high]
            if r.random() < 0.05:
                other = old.convert(clause)
                clause = other if len(other) == len(clause) else clause
            yield clause[:LONGEST], labels[low:high][:LONGEST]


def _all(folder: Path, draw: Any) -> Iterator[Example]:
    r = draw.r
    for path in sorted(folder.glob("gold/*.txt")):
        gold = columns(path)
        for said in gold:
            yield said.text, exact(said)
            named = any(kind == "PER" for _, _, kind in said.spans)
            for _ in range(4 if named else 0):
                yield (other := draw.swapped(said)[0]).text, exact(other)
            if named or r.random() < 0.3:
                several = [draw.swapped(one)[0] for one in [said, *r.sample(gold, r.randint(0, 2))]]
                r.shuffle(several)
                together = joined(several, r.choice(["，", "，", "。", "、", "：", " "]))
                yield together.text, exact(together)
    for path in sorted(folder.glob("silver/*.npz")):
        for text, labels in silver(path):
            yield text, labels
            people = list(_confident(labels))
            for _ in range(2 if people else 0):
                yield _swapped(draw, text, labels, people)
    for sentence in draw.people + draw.places:
        for _ in range(45 if sentence in draw.people else 110):
            yield (said := draw.filled(sentence)).text, partly(said)
    for _ in range(6000):
        said = Said("", [])
        while len(said.text) < 20:
            said = joined([said, draw.filled(r.choice(draw.people))], "")
        yield said.text, partly(said)
    for sentence in draw.nobody:
        for _ in range(20 if "{" in sentence else 6):
            yield (said := draw.filled(sentence)).text, partly(said)


def clauses(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for piece in _CLAUSE.split(text):
        if piece:
            yield at, at + len(piece)
        at += len(piece)


def exact(said: Any) -> Any:
    """Labels of a text in which everything is labelled."""
    from gateway.detect.names.han import LABELS

    labels = np.zeros((len(said.text), len(LABELS)), dtype=np.uint8)
    labels[:, 0] = 255
    for low, high, kind in said.spans:
        labels[low:high] = 0
        labels[low, LABELS.index(f"B-{kind}")] = 255
        labels[low + 1 : high, LABELS.index(f"I-{kind}")] = 255
    return labels


def partly(said: Any) -> Any:
    """Labels of a drawn sentence: what was not drawn is nobody and no address, and may be a place."""
    from gateway.detect.names.han import LABELS

    labels = exact(said)
    labels[labels[:, 0] == 255, : LABELS.index("B-LOC") + 4] = 255
    labels[labels[:, 0] == 255, 1:3] = 0
    return labels


def silver(path: Path) -> Iterator[Example]:
    """Clauses with the likelihoods of another model, and with the people and addresses known to be in them."""
    with np.load(path) as stored:
        lengths, likely = stored["lens"], stored["probs"]
    texts = json.loads(path.with_suffix(".json").read_text("utf-8"))
    at = 0
    for (text, known), length in zip(texts, lengths, strict=True):
        labels = np.zeros((length, 9), dtype=np.uint8)
        labels[:, 1:7] = likely[at : at + length]
        labels[:, 0] = 255 - np.minimum(labels.sum(axis=1, dtype=np.int32), 255)
        for low, high, kind in known:
            labels[low:high] = 0
            first = {"PER": 1, "ADR": 7}[kind]
            labels[low, first] = 255
            labels[low + 1 : high, first + 1] = 255
        at += length
        yield text, labels


def _confident(labels: Any) -> Iterator[tuple[int, int]]:
    """Where somebody is named for sure."""
    begins, goes_on = (labels[:, 1] > 200).tolist(), (labels[:, 2] > 200).tolist()
    at = 0
    while at < len(begins):
        end = at + 1
        while end < len(begins) and goes_on[end]:
            end += 1
        if begins[at] and end - at > 1:
            yield at, end
        at = end if begins[at] else at + 1


def _swapped(draw: Any, text: str, labels: Any, people: list[tuple[int, int]]) -> Example:
    """The same clause about others; what surrounds them stays as likely as it was."""
    out, at = "", 0
    parts: list[Any] = []
    for low, high in people:
        name = (
            draw.name_like(text[low:high]) if re.fullmatch(r"[\u4e00-\u9fff·・]+", text[low:high]) else text[low:high]
        )
        sure = np.zeros((len(name), labels.shape[1]), dtype=np.uint8)
        sure[0, 1] = 255
        sure[1:, 2] = 255
        out, parts, at = out + text[at:low] + name, [*parts, labels[at:low], sure], high
    return out + text[at:], np.concatenate([*parts, labels[at:]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=["prepare", "train"])
    parser.add_argument("--sets", type=Path)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hidden", type=int, default=HIDDEN)
    args = parser.parse_args()
    if args.step == "prepare":
        prepare(args.sets, args.seed, args.out)
    else:
        train(args.rows, args.epochs, args.seed, args.out, args.hidden)


if __name__ == "__main__":
    main()
