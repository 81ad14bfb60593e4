"""A site in front of the instant backend, made by the product's own command."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.rig.load import Caller, started

HANGU = (sys.executable, "-m", "gateway.cli.main")


@contextmanager
def site_before(folder: Path, tokens: int, interval_ms: float, **settings: str) -> Iterator[tuple[Path, Caller]]:
    """The site's directory and its analyst. `settings` are `section__key="toml value"`; ports are free ones."""
    site = folder / "site"
    subprocess.run([*HANGU, "init", str(site)], check=True, stdout=subprocess.DEVNULL)
    with started(sys.executable, "-m", "benchmarks.rig.mock", "0", str(tokens), str(interval_ms)) as (_, port):
        unlimited(site)
        changes = {
            "listen__port": "0",
            "admin__port": "0",
            "backend__url": f'"http://127.0.0.1:{port}"',
            "policies__run_cases": "false",  # the rates are not those that the cases speak of
            **settings,
        }
        for name, value in changes.items():
            set_key(site / "gateway.toml", *name.split("__"), value)
        yield site, analyst(site)


def unlimited(site: Path) -> None:
    """Rates that no load here reaches: the meter still runs, it only never says no."""
    path = site / "policies" / "limits.yaml"
    path.write_text(re.sub(r"(\w+_per_minute): \d+", r"\1: 1000000000", path.read_text()))


def analyst(site: Path) -> Caller:
    client = site / "clients" / "analyst"
    token = (client / "token.jwt").read_text().strip()
    return Caller(client / "cert.pem", client / "key.pem", token, site / "pki" / "ca.pem")


def set_key(path: Path, section: str, key: str, value: str) -> None:
    """Set one key of a TOML file as `hangu init` writes it, whether it is commented out there or not."""
    lines = path.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip().lstrip("# ") == f"[{section}]")
    end = next((i for i in range(start + 1, len(lines)) if lines[i].startswith("[")), len(lines))
    at = next((i for i in range(start + 1, end) if lines[i].lstrip("# ").split("=")[0].strip() == key), None)
    line = f"{key} = {value}"
    lines[at if at is not None else start + 1 : at + 1 if at is not None else start + 1] = [line]
    path.write_text("\n".join(lines) + "\n")
