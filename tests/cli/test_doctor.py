"""`hangu doctor`: the lines people read and the exit code scripts read."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.cli import doctor
from gateway.doctor.check import Check, State, exit_code
from gateway.doctor.machine import Kernel
from gateway.site import Plan, create

NOW = datetime.now(UTC)


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    doctor.configure(parser)
    return doctor.run(parser.parse_args(words))


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([State.FINE, State.NOTE], 0),
        ([State.FINE, State.UNKNOWN], 2),
        ([State.UNKNOWN, State.PROBLEM], 1),
        ([], 0),
    ],
)
def test_a_problem_outweighs_what_could_not_be_told(states: list[State], code: int) -> None:
    assert exit_code([Check(("a", "甲"), state, ("b", "乙")) for state in states]) == code


def test_settings_that_cannot_be_used_are_all_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gateway.toml").write_text("[listen]\nprot = 1\n")
    assert run(str(tmp_path)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("PROBLEM settings: ") for line in lines)
    assert any("listen.prot" in line for line in lines)
    assert any("tls.certificate" in line for line in lines)


@pytest.mark.parametrize(
    ("words", "expected"),
    [("en", "PROBLEM clock: wrong; hint: mend it"), ("zh", "问题      时钟：错误；建议：修好它")],
)
def test_a_line_is_in_the_readers_language(words: str, expected: str) -> None:
    check = Check(("clock", "时钟"), State.PROBLEM, ("wrong", "错误"), ("mend it", "修好它"))
    assert doctor.line(check, words) == expected


def test_every_part_of_a_site_is_looked_at_though_one_has_a_problem(tmp_path: Path) -> None:
    site = tmp_path / "site"
    create(site, NOW, Plan(settings={"backend": {"url": "http://127.0.0.1:9"}}))
    checks = list(doctor.look(site, Kernel(), NOW))
    assert {check.subject[0] for check in checks} == {
        "settings",
        "server certificate",
        "client authorities",
        "revocation list",
        "audit keys",
        "sealing key",
        "key files",
        "policies",
        "backend",
        "exposure of the backend",
        "Elasticsearch",
        "pseudonyms",
        "clock",
        "disk of the record",
        "encryption at rest",
    }
    assert exit_code([check for check in checks if check.subject[0] == "backend"]) == 1


def test_what_is_fine_gives_no_advice() -> None:
    check = Check(("clock", "时钟"), State.FINE, ("right", "正确"), ("mend it", "修好它"))
    assert doctor.line(check, "en") == "ok      clock: right"
