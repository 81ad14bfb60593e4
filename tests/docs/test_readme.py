"""Every command in the READMEs works as it stands there, and both READMEs give the same ones."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BY_CI = {"make test"}  # running the suite inside the suite would never end; .ci/run is that command


def commands(name: str) -> list[str]:
    """The shell blocks of a README, without their comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / name).read_text("utf-8"), re.M | re.S)
    return [re.sub(r"[ ]+# .*$", "", block, flags=re.M).strip() for block in blocks]


def test_both_readmes_give_the_same_commands() -> None:
    assert commands("README.md") == commands("README.zh-CN.md")


def test_every_link_in_the_readmes_leads_somewhere() -> None:
    for name in ("README.md", "README.zh-CN.md"):
        links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text("utf-8"))
        assert [link for link in links if not (ROOT / link).exists()] == [], name


def test_what_ci_runs_is_the_command_that_the_readme_gives() -> None:
    assert set(commands("README.md")) >= BY_CI
    assert "make test" in (ROOT / ".ci" / "run").read_text().splitlines()


@pytest.mark.real_model
def test_the_demo_goes_well_from_start_to_end(tmp_path: Path) -> None:
    assert "make demo ONCE=1" in commands("README.md")
    command = ["make", "demo", "ONCE=1", f"SITE={tmp_path / 'site'}", f"VENV={venv()}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, env=english())
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "all as it should be" in done.stdout


@pytest.mark.real_model
def test_the_commands_by_hand_work_in_the_order_they_are_given(tmp_path: Path) -> None:
    by_hand = [each for each in commands("README.md") if not each.startswith("make ")]
    (tmp_path / ".venv").symlink_to(venv())
    script = "\n".join(["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT", *by_hand])
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=240, env=english()
    )
    logs = "".join(path.read_text()[-1500:] for path in tmp_path.glob("*.log"))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:] + logs
    asserts_about(done.stdout, tmp_path)


def asserts_about(output: str, directory: Path) -> None:
    """What the commands were for did happen."""
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    answer = next(line for line in lines if line.get("object") == "chat.completion")
    assert answer["choices"][0]["message"]["content"]
    inspected = next(line for line in lines if line.get("action"))
    assert inspected["action"] == "redact" and "13800138000" not in inspected["text"]
    assert (directory / "report.html").stat().st_size > 10_000
    recorded = b"".join(path.read_bytes() for path in (directory / "mysite" / "audit").glob("seg-*"))
    assert b"Say hello" in recorded and b"13800138000" not in recorded


def venv() -> Path:
    return Path(sys.executable).parent.parent


def english() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8"}
