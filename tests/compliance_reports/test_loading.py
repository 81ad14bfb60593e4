"""Framework files: one file is one framework, and what is wrong in one is said with its place."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from compliance_reports.evidence.catalogue import FAMILIES, MEASURES, family
from compliance_reports.loading import FrameworkInvalid, frameworks, parse
from compliance_reports.model import Bound, Framework

GOOD = """
id: house-rules
title: {en: House rules, zh: 内部规定}
version: "1"
source: our intranet
clauses:
  - id: R1
    title: {en: Logs, zh: 日志}
    asks: {en: Logs are kept for two years., zh: 日志留存两年。}
    evidence: ["E4.days >= 730", E1.unended, E9.attacks]
  - id: R2
    title: {en: Training, zh: 培训}
    asks: {en: People are trained., zh: 人员受训。}
    manual: {en: Attendance lists., zh: 签到表。}
"""


def test_a_file_is_a_framework() -> None:
    found = parse("house.yaml", GOOD.encode())
    assert [clause.id for clause in found.clauses] == ["R1", "R2"]
    assert [str(one.bound) for one in found.clauses[0].wanted] == ["≥ 730", "≤ 0", ""]
    assert not any(clause.checked for clause in found.clauses)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("E1.unended", "E1.nonsense"), "is no figure"),
        (("E4.days >= 730", "E4.days > 730"), "is no figure"),
        (("id: R2", "id: R1"), "clauses are there twice: R1"),
        (("    manual: {en: Attendance lists., zh: 签到表。}\n", ""), "says neither evidence nor manual"),
        (("zh: 内部规定", ""), "zh"),
        (("version:", "verison:"), "verison"),
        (("id: house-rules", "id: House Rules"), "id"),
        (("clauses:", "clauses: ["), "house.yaml"),
    ],
)
def test_a_wrong_file_says_what_and_where(change: tuple[str, str], told: str) -> None:
    with pytest.raises(FrameworkInvalid, match=r"house\.yaml") as caught:
        parse("house.yaml", GOOD.replace(*change).encode())
    assert told in str(caught.value)
    assert "hint:" in str(caught.value)


def test_ours_are_all_there() -> None:
    assert set(frameworks()) == {
        *("djbh-l3", "pipl", "genai-cn", "gbt-45654", "gb-45438", "gdpr", "eu-ai-act", "iso-27001", "iso-42001"),
        *("soc2", "nist-800-53", "nist-ai-rmf", "owasp-llm", "mitre-atlas", "pci-dss"),
    }


@pytest.mark.parametrize("one", frameworks().values(), ids=lambda one: one.id)
def test_each_says_where_its_text_is_and_everything_in_both_languages(one: Framework) -> None:
    assert one.source
    for clause in one.clauses:
        assert clause.title.en != clause.title.zh
        assert any("\u4e00" <= character <= "\u9fff" for character in clause.asks.zh)
        assert clause.asks.en.isascii()


def test_every_figure_is_wanted_by_some_clause_and_belongs_to_a_family() -> None:
    wanted = {one.figure for found in frameworks().values() for clause in found.clauses for one in clause.wanted}
    assert wanted == set(MEASURES)
    assert {family(name) for name in MEASURES} == set(FAMILIES)


def test_another_package_adds_a_framework_by_being_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution on the path with an entry point, as pip leaves one."""
    package, told = tmp_path / "house_frameworks", tmp_path / "house-1.0.dist-info"
    package.mkdir()
    told.mkdir()
    (package / "__init__.py").write_text("")
    (package / "house.yaml").write_text(GOOD, "utf-8")
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: house\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text("[compliance_reports.frameworks]\nhouse = house_frameworks\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        assert frameworks()["house-rules"].clauses[0].wanted[0].bound == Bound(at_least=730)
    finally:
        sys.modules.pop("house_frameworks", None)
