"""A real site for tests: made by `hangu init`, served by `hangu serve`, in front of a real backend process. No fakes."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HANGU = (sys.executable, "-m", "gateway.cli.main")
START_SECONDS = 60  # of a process on a busy two-core machine


@dataclass(frozen=True)
class Running:
    """A process of ours that said `ready URL`."""

    process: subprocess.Popen[str]
    url: str

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])


@dataclass(frozen=True)
class Site:
    """A site directory and, where it is served, its address."""

    directory: Path
    url: str = ""
    admin_url: str = ""

    def papers(self, name: str) -> tuple[str, str]:
        folder = self.directory / "clients" / name
        return str(folder / "cert.pem"), str(folder / "key.pem")

    def token(self, name: str) -> str:
        return (self.directory / "clients" / name / "token.jwt").read_text().strip()

    @property
    def ca(self) -> str:
        return str(self.directory / "pki" / "ca.pem")

    def context(self, name: str | None) -> ssl.SSLContext:
        """A client's TLS context with the papers of `name`, or with none."""
        context = ssl.create_default_context(cafile=self.ca)
        if name is not None:
            context.load_cert_chain(*self.papers(name))
        return context


@contextmanager
def running(*command: str, env: dict[str, str] | None = None) -> Iterator[Running]:
    """Start, wait for the ready line, and end with SIGTERM whatever happens."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
    try:
        yield Running(process, _ready(process))
    finally:
        stop(process)


def stop(process: subprocess.Popen[str], seconds: float = 30) -> int:
    """SIGTERM and wait; a process that does not stop is killed, and the test fails."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
    finally:
        if process.stdout is not None:
            process.stdout.close()


def hangu(
    *arguments: str, stdin: str | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one verb to its end."""
    return subprocess.run(
        [*HANGU, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **(env or {})},
    )


def configure(directory: Path, **changes: str) -> None:
    """Set keys of gateway.toml: `listen__port="0"` sets `port` in `[listen]`, commented out or not."""
    path = directory / "gateway.toml"
    lines = path.read_text().splitlines()
    for name, value in changes.items():
        section, _, key = name.partition("__")
        lines = _set(lines, section, key, value)
    path.write_text("\n".join(lines) + "\n")


def _set(lines: list[str], section: str, key: str, value: str) -> list[str]:
    start = next(i for i, line in enumerate(lines) if line.strip().lstrip("# ") == f"[{section}]")
    end = next((i for i in range(start + 1, len(lines)) if lines[i].startswith("[")), len(lines))
    for i in range(start + 1, end):
        if lines[i].lstrip("# ").split("=")[0].strip() == key:
            return [*lines[:i], f"{key} = {value}", *lines[i + 1 :]]
    return [*lines[: start + 1], f"{key} = {value}", *lines[start + 1 :]]


def _ready(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("ready "):
            return line.split()[1]
    raise RuntimeError(f"{process.args} ended with {process.wait()} before it was ready")
