"""Every dependency says why it is here, is pinned by hash, and none is a known trap."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRAPS = ("zh-core-web-sm", "zh_core_web_sm")


def named(name: str) -> set[str]:
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    found = (re.match(r"[A-Za-z0-9_.-]+", line) for line in lines if not line.startswith(("#", "-")))
    return {match[0].lower() for match in found if match}


@pytest.mark.parametrize("name", ["runtime.in", "test.in", "model.txt"])
def test_each_dependency_says_why_it_is_here(name: str) -> None:
    page = (ROOT / "docs" / "reference" / "dependencies.md").read_text("utf-8").lower()
    listed = {word for row in re.findall(r"^\| ([^|]+) \|", page, re.M) for word in re.split(r"[, ]+", row)}
    assert named(name) - listed == set()


@pytest.mark.parametrize("name", ["runtime.txt", "test.txt", "model.txt"])
def test_every_package_is_pinned_and_hashed(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            assert re.match(r"[A-Za-z0-9_.\[\]-]+==\S+.*--hash=sha256:[0-9a-f]{64}", line), line


def test_no_requirement_is_a_known_trap() -> None:
    for path in (ROOT / "requirements").iterdir():
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        assert not any(trap in line for trap in TRAPS for line in lines), path


def test_the_lock_holds_what_the_list_asks_for() -> None:
    for name in ("runtime", "test"):
        locked = {
            line.split("==")[0].split("[")[0]
            for line in (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
            if "==" in line
        }
        normal = {re.sub(r"[-_.]+", "-", package) for package in named(f"{name}.in")}
        assert normal <= locked, name
