"""The systemd units, read as data."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from gateway.cli.main import VERBS
from tests.deploy.files import DEPLOY
from tgi.launch import profile, render
from tgi.launch.render import Launch

UNITS = sorted((DEPLOY / "systemd").iterdir())
SERVICES = [path for path in UNITS if path.suffix == ".service"]


def read(path: Path) -> dict[str, list[str]]:
    """`Section.Key` → its values, in order."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            assert section and value is not None and key.isidentifier(), line
            found.setdefault(f"{section}.{key}", []).append(value)
    return found


@pytest.mark.parametrize("path", SERVICES, ids=lambda p: p.name)
def test_a_service_is_closed_in(path: Path) -> None:
    unit = read(path)
    assert unit["Service.NoNewPrivileges"] == ["yes"]
    assert unit["Service.ProtectSystem"] == ["strict"]
    assert unit["Service.ProtectHome"] == ["yes"]
    assert unit["Service.CapabilityBoundingSet"] == [""]
    assert unit["Service.User"] != ["root"]


@pytest.mark.parametrize("path", SERVICES, ids=lambda p: p.name)
def test_a_service_calls_verbs_that_exist(path: Path) -> None:
    unit = read(path)
    for line in [*unit["Service.ExecStart"], *unit.get("Service.ExecStartPre", [])]:
        words = shlex.split(line)
        assert words[0].startswith("/")
        assert not words[0].endswith("/hangu") or words[1] in VERBS


def test_tgi_starts_on_loopback_as_its_profile_says() -> None:
    unit = read(DEPLOY / "systemd" / "hangu-tgi.service")
    words = shlex.split(unit["Service.ExecStart"][0])
    assert words[1:] == render.arguments(profile.load("r1-qwen-7b"), Launch(weights="/srv/models"))
    assert dict(line.split("=", 1) for line in unit["Service.Environment"]) == render.environment()
    assert (unit["Service.IPAddressDeny"], unit["Service.IPAddressAllow"]) == (["any"], ["localhost"])


def test_a_timer_has_its_service() -> None:
    timers = [path for path in UNITS if path.suffix == ".timer"]
    assert timers
    assert all(path.with_suffix(".service") in SERVICES for path in timers)
