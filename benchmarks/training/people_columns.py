"""Writes the sets of `people_sources.yaml` that are not columns yet as a word and its tag a line. Learns nothing itself.

    python -m benchmarks.training.people_columns redocred dev_revised.json > DIR/redocred.conll
    python -m benchmarks.training.people_columns gum GUM_news_*.conllu … > DIR/gum.conll
    python -m benchmarks.training.people_columns uner en_ewt-ud-train.iob2 > DIR/ewt.conll
    python -m benchmarks.training.people_columns judged 3class.tsv 4class.tsv > DIR/wikitext.conll

`judged` takes what CoreNLP's CRFClassifier wrote with each model (`-outputFormat tsv`): a word counts where both agree.
The tag X stands for a word that nobody judges.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

Row = list[tuple[str, str]]  # a sentence's words and their tags
Cells = list[list[str]]  # a sentence's lines of a CoNLL-U file
_CRF = {"PERSON": "PER", "ORGANIZATION": "ORG", "LOCATION": "LOC", "O": "", "MISC": ""}
_GUM = {"person": "PER", "organization": "ORG", "place": "LOC"}
_INNER = frozenset(["of", "the", "de", "van", "von", "-", "&", "."])
# Proper nouns by their part of speech, and yet nobody's name.
_ROLES = frozenset(
    "president secretary god lord emperor general founder founders regent fellow american japanese chinese indian king queen "  # noqa: SIM905
    "prince princess senator congress judge justice minister pope bishop doctor professor protector mom dad mother father "
    "master chancellor governor mayor director chairman earl duke".split()
)


def redocred(path: Path) -> Iterator[Row]:
    for document in json.loads(path.read_text("utf-8")):
        tags = [["O"] * len(words) for words in document["sents"]]
        for mention in (one for entity in document["vertexSet"] for one in entity):
            if mention["type"] in ("PER", "ORG", "LOC"):
                first, last = mention["pos"]
                _mark(tags[mention["sent_id"]], first, last, mention["type"])
        for words, row in zip(document["sents"], tags, strict=True):
            yield [(word, tag) for word, tag in zip(words, row, strict=True) if word.strip()]


def _mark(tags: list[str], first: int, last: int, kind: str) -> None:
    if set(tags[first:last]) == {"O"}:
        tags[first:last] = [f"B-{kind}"] + [f"I-{kind}"] * (last - first - 1)


def uner(path: Path) -> Iterator[Row]:
    for cells in _sentences(path):
        yield [(cell[1].replace(" ", ""), cell[2]) for cell in cells]


def _sentences(path: Path) -> Iterator[Cells]:
    for block in path.read_text("utf-8").split("\n\n"):
        cells = [line.split("\t") for line in block.split("\n") if re.match(r"\d+\t", line)]
        if cells:
            yield cells


def gum(path: Path) -> Iterator[Row]:
    """Entities whose head is a proper noun, as far as proper nouns stand around it. Roles and peoples are not judged."""
    for cells in _sentences(path):
        tags = ["O"] * len(cells)
        entities = list(_entities(cells))
        names = [one for entity in entities if (one := _named(cells, *entity)) is not None]
        for first, last, kind in sorted(names, key=lambda one: (one[1] - one[0], one), reverse=True):
            _mark(tags, first, last, kind)
        for first, last, kind in entities:
            for at in range(first, last):
                if kind in ("person", "animal") and tags[at] == "O" and cells[at][3] == "PROPN":
                    tags[at] = "B-X"
        yield [(cell[1], tag) for cell, tag in zip(cells, tags, strict=True)]


def _entities(cells: Cells) -> Iterator[tuple[int, int, str]]:
    """First word, one behind the last, and kind, of every bracket in the column of other things."""
    opened: list[tuple[str, int, str]] = []
    for at, cell in enumerate(cells):
        found = re.search(r"Entity=([^|]*)", cell[9])
        for part in re.finditer(r"\(([^()]+)(\))?|([^()]+)\)", found.group(1) if found else ""):
            if part.group(3) is None:
                number, kind = part.group(1).split("-")[:2]
                if part.group(2):
                    yield at, at + 1, kind
                else:
                    opened.append((number, at, kind))
            elif hit := next((one for one in reversed(opened) if one[0] == part.group(3)), None):
                opened.remove(hit)
                yield hit[1], at + 1, hit[2]


def _named(cells: Cells, first: int, last: int, kind: str) -> tuple[int, int, str] | None:
    heads = (at for at in range(first, last) if not first <= int(cells[at][6]) - 1 < last)
    head = next(heads, None)
    if kind not in _GUM or head is None or cells[head][3] != "PROPN":
        return None
    low = high = head
    while low > first and _goes_on(cells[low - 1]):
        low -= 1
    while high + 1 < last and _goes_on(cells[high + 1]):
        high += 1
    low = next(at for at in range(low, head + 1) if cells[at][3] == "PROPN")
    high = next(at for at in range(high, head - 1, -1) if cells[at][3] == "PROPN")
    end = cells[high]
    nobody = end[4] == "NNPS" or end[1].lower() in _ROLES or not end[1][0].isupper()
    return low, high + 1, "X" if kind == "person" and nobody else _GUM[kind]


def _goes_on(cell: Sequence[str]) -> bool:
    return cell[3] == "PROPN" or cell[1] in _INNER


def judged(path: Path, other: Path) -> Iterator[Row]:
    row: Row = []
    last = ""
    with path.open(encoding="utf-8") as one, other.open(encoding="utf-8") as two:
        for first, second in zip(one, two, strict=True):
            word, *tags = first.rstrip("\n").split("\t")
            if not tags:
                if row:
                    yield row
                row, last = [], ""
                continue
            kind, again = _CRF[tags[0]], _CRF[second.rstrip("\n").split("\t")[1]]
            kind = kind if kind == again else "X"
            row.append((word, f"{'I' if kind == last != 'X' else 'B'}-{kind}" if kind else "O"))
            last = kind


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("redocred", "gum", "uner", "judged"))
    parser.add_argument("paths", type=Path, nargs="+")
    args = parser.parse_args()
    readers = {"redocred": redocred, "gum": gum, "uner": uner}
    rows: Iterable[Row]
    rows = (
        judged(*args.paths)
        if args.kind == "judged"
        else (row for path in args.paths for row in readers[args.kind](path))
    )
    print("\n\n".join("\n".join(f"{word}\t{tag}" for word, tag in row) for row in rows))


if __name__ == "__main__":
    main()
