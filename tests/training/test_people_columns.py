"""What the network for English learns from: open sources alone, and columns that say what their sets say."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from benchmarks.training import people_columns as columns
from benchmarks.training import people_sets

SOURCES = yaml.safe_load((Path(columns.__file__).parent / "people_sources.yaml").read_text("utf-8"))


def test_no_source_forbids_commerce_or_changes() -> None:
    assert all(not {"NC", "ND"} & set(one["licence"].replace(" ", "-").split("-")) for one in SOURCES)
    assert all("commit" in one or "package" in one for one in SOURCES)


def test_a_mention_becomes_a_row_of_tags(tmp_path: Path) -> None:
    mention = {"sent_id": 0, "pos": [1, 3], "type": "PER"}
    (tmp_path / "set.json").write_text(
        json.dumps([{"sents": [["So", "Jane", "Roe", "left"]], "vertexSet": [[mention]]}])
    )
    assert list(columns.redocred(tmp_path / "set.json")) == [
        [("So", "O"), ("Jane", "B-PER"), ("Roe", "I-PER"), ("left", "O")]
    ]


def test_what_two_judges_see_differently_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("Jane\tPERSON\nRoe\tPERSON\nParis\tLOCATION\nsaid\tO\n\n")
    (tmp_path / "two").write_text("Jane\tPERSON\nRoe\tPERSON\nParis\tPERSON\nsaid\tO\n\n")
    (row,) = columns.judged(tmp_path / "one", tmp_path / "two")
    assert [tag for _, tag in row] == ["B-PER", "I-PER", "B-X", "O"]
    (tmp_path / "set.conll").write_text("\n".join(f"{word}\t{tag}" for word, tag in row))
    assert people_sets.labelled(people_sets.column_file(tmp_path / "set.conll")[0])[1][2:] == [-1, 0]
