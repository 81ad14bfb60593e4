"""A directory of policies as one value: every file claimed, every problem told, one digest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import policies
from policies import bundle
from policies.problem import PolicyInvalid

DEFAULT = Path(policies.__file__).parent / "default"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEFAULT, tmp_path / "policies"))


def told(directory: Path) -> str:
    with pytest.raises(PolicyInvalid) as caught:
        bundle.load(directory)
    return str(caught.value)


def test_the_default_policies_are_a_bundle(directory: Path) -> None:
    read = bundle.load(directory)
    assert read.routing.default.name == "smollm2"
    assert len(read.cases) > 20
    assert set(read.files) == set(bundle.gather(DEFAULT))
    assert len(read.digest) == 64


def test_without_a_word_on_originals_none_are_kept(directory: Path) -> None:
    (directory / "originals.yaml").unlink()
    assert not bundle.load(directory).originals.keeps_some


@pytest.mark.parametrize("section", [name for name in bundle.SECTIONS if name != "originals"])
def test_without_the_files_of_a_section_nothing_is_loaded(directory: Path, section: str) -> None:
    for name in bundle.gather(directory):
        if bundle._matches(name, bundle.SECTIONS[section]):
            (directory / name).unlink()
    assert told(directory)


def test_problems_of_every_section_are_told_at_once(directory: Path) -> None:
    (directory / "limits.yaml").write_text("limit: 3")
    (directory / "routing.yaml").unlink()
    (directory / "access" / "policy.csv").write_text("p, x")
    said = told(directory)
    assert "limits.yaml: limit (line 1): unknown key" in said
    assert "routing.yaml: is missing" in said
    assert "access/policy.csv: line 1" in said


@pytest.mark.parametrize("name", ["waf/sqli.yml", "acces/policy.csv", "limits.yaml.bak", "notes.txt"])
def test_a_file_that_nobody_reads_is_a_problem(directory: Path, name: str) -> None:
    (directory / name).parent.mkdir(exist_ok=True)
    (directory / name).write_text("")
    assert f"{name}: no section reads this file" in told(directory)


def test_words_for_people_and_hidden_files_are_left_alone(directory: Path) -> None:
    before = bundle.load(directory).digest
    for name in ("README.md", ".gitignore", "waf/.swp", "LICENSE"):
        (directory / name).write_text("not a policy")
    (directory / ".git").mkdir()
    (directory / ".git" / "config").write_text("not a policy")
    assert bundle.load(directory).digest == before


def test_the_digest_follows_every_byte_and_every_name(directory: Path) -> None:
    before = bundle.load(directory).digest
    file = directory / "limits.yaml"
    file.write_bytes(file.read_bytes() + b"\n# a remark\n")
    after = bundle.load(directory).digest
    (directory / "access" / "policy.csv").rename(directory / "access" / "rules.csv")
    renamed = bundle.load(directory).digest
    assert len({before, after, renamed}) == 3


@given(st.dictionaries(st.text(min_size=1), st.binary()), st.dictionaries(st.text(min_size=1), st.binary()))
def test_two_bundles_have_one_digest_only_when_they_are_the_same(
    one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    assert (bundle.digest(one) == bundle.digest(other)) == (one == other)


def test_moving_a_byte_from_a_file_to_the_next_changes_the_digest() -> None:
    assert bundle.digest({"a": b"xy", "b": b"z"}) != bundle.digest({"a": b"x", "b": b"yz"})


def test_mounted_configuration_made_of_links_is_read_and_circles_end(directory: Path) -> None:
    before = bundle.load(directory).digest
    (directory / "access").rename(directory / "..data")
    (directory / "access").symlink_to(directory / "..data")
    (directory / "waf" / ".loop").symlink_to(directory)
    assert bundle.load(directory).digest == before
    (directory / "access" / "loop").symlink_to(directory / "..data")
    assert bundle.load(directory).digest == before


def test_a_directory_that_is_none_or_too_large_is_told(tmp_path: Path) -> None:
    assert "is not a directory" in told(tmp_path / "absent")
    for number in range(bundle.MAX_FILES + 1):
        (tmp_path / f"{number}.yaml").touch()
    assert f"holds more than {bundle.MAX_FILES} files" in told(tmp_path)


def test_a_file_that_cannot_be_read_is_told(directory: Path) -> None:
    file = directory / "limits.yaml"
    file.unlink()
    file.symlink_to(directory / "gone")
    assert "limits.yaml: cannot be read: No such file or directory" in told(directory)
