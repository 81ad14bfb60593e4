"""Where the n-gram model learnt: every set has a source and a licence, and the shipped manifest tells of exactly those."""

from __future__ import annotations

import json
import random
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

from benchmarks.training.others import Source, read, sources
from benchmarks.training.train_ngrams import LEFT_OUT, OUT, SOURCES
from gateway.detect.waf.ngrams import Linear, ModelInvalid

MANIFEST = json.loads((OUT / "manifest.json").read_text("utf-8"))
OPEN = ("Apache-2.0", "MIT", "CC-BY-4.0", "CC-BY-SA-4.0", "BSD-3-Clause", "CC0-1.0")
COMPOSED = ("family_*", "alike_*", "document_*", "tongue*", "grammar_*", "composed_*")


@pytest.mark.parametrize("source", sources(), ids=lambda one: one.set)
def test_every_source_names_its_commit_its_licence_and_a_label(source: Source) -> None:
    assert re.fullmatch("[0-9a-f]{40}", source.commit)
    assert source.licence.startswith(OPEN)
    assert source.label in ("attack", "benign")


def test_no_two_sources_are_one_set() -> None:
    names = [one.set for one in sources()]
    assert len(set(names)) == len(names)


def test_the_manifest_tells_of_every_set_where_it_is_from() -> None:
    told = [part.strip() for key in SOURCES for part in key.split(",")]
    told += [one.set for one in sources()] + list(COMPOSED)
    unknown = [name for name in MANIFEST["learnt_from"] if not any(fnmatch(name, one) for one in told)]
    assert unknown == []


def test_the_sets_that_are_left_out_were_learnt_from_otherwise() -> None:
    """A set that training does not have cannot be left out of it: its figure would be of something else."""
    named = {name for attacks, calm in LEFT_OUT.values() for name in (*attacks, *calm)}
    empty = {one["set"] for one in MANIFEST["repositories"] if one["texts"] == 0}
    assert named <= MANIFEST["learnt_from"].keys() | empty


def test_a_set_is_left_out_with_one_family_alone() -> None:
    named = [name for attacks, calm in LEFT_OUT.values() for name in (*attacks, *calm)]
    assert len(set(named)) == len(named)


def test_the_shipped_weights_are_those_of_the_manifest_and_no_others() -> None:
    data = (OUT / "weights.npz").read_bytes()
    assert Linear.checked(MANIFEST, data).bias == MANIFEST["bias"]
    with pytest.raises(ModelInvalid):
        Linear.checked(MANIFEST, data + b" ")


def _clone(folder: Path, text: str) -> str:
    clone = folder / "a+b"
    clone.mkdir()
    (clone / "asked.txt").write_text(text)
    git = ["git", "-C", str(clone), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


def test_a_source_is_read_at_its_commit_whatever_lies_there_now(tmp_path: Path) -> None:
    commit = _clone(tmp_path, "what is the capital of Peru?\nshort\nwhat is the capital of Peru?\n")
    (tmp_path / "a+b" / "asked.txt").write_text("something else altogether, later\n")
    source = Source("s", "a/b", commit, "MIT", "benign", (r"asked\.txt",), "lines")
    assert read(source, tmp_path, random.Random(1)) == ["what is the capital of Peru?"]


def test_a_source_whose_files_are_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    commit = _clone(tmp_path, "x")
    with pytest.raises(SystemExit, match="a/b has none of the files of s"):
        read(Source("s", "a/b", commit, "MIT", "benign", (r"other\.txt",), "lines"), tmp_path, random.Random(1))
