"""The threat model names, for each thing that somebody may try, tests that prove the control; they exist, and can be found by name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "threat-model.md"
COLUMNS = ["who", "may try", "control", "proven by", "remains"]


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def threats() -> list[list[str]]:
    return [row for row in rows() if row != COLUMNS]


def named_in(path: Path) -> set[str]:
    """`test_…` and `Class::test_…` of a file, parsed and not run."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        found |= {
            prefix + each.name
            for each in inner
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test_")
        }
    return found


def test_every_threat_has_a_control_a_test_and_what_remains() -> None:
    assert len(threats()) >= 20
    for row in threats():
        assert len(row) == len(COLUMNS) and all(row), row
        assert re.search(r"`tests/[\w/]+\.py", row[3]), row


def test_each_test_that_is_named_exists() -> None:
    missing = []
    for named in re.findall(r"`(tests/[^`]+)`", PAGE.read_text("utf-8")):
        path, _, test = named.partition("::")
        found = named_in(ROOT / path) if (ROOT / path).is_file() else set()
        if not found or (test and test not in found):
            missing.append(named)
    assert missing == []


def test_every_boundary_has_threats() -> None:
    sections = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.M)[1:]
    assert len(sections) >= 8
    assert all("| who |" in section for section in sections)


def test_every_link_of_the_page_leads_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", PAGE.read_text("utf-8")):
        assert (PAGE.parent / link).exists(), link
