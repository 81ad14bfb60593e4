"""A gateway of the product's own making, served, in front of a server that answers every route: what attacks are tried on."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rig.load import Caller, started
from benchmarks.rig.segments import records
from benchmarks.rig.sites import HANGU, analyst, set_key, unlimited

ESTABLISHED = "01"  # of /proc/net/tcp
SECONDS = 20.0  # to wait for bytes of a gateway under attack


@dataclass(frozen=True, slots=True)
class Attacked:
    """A running gateway: where it listens, its process, its record, its analyst, and the server behind it."""

    directory: Path
    url: str
    process: subprocess.Popen[str]
    caller: Caller
    backend: str

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def connect(self, context: ssl.SSLContext | None = None, timeout: float = SECONDS) -> ssl.SSLSocket:
        """A connection with the analyst's papers."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        return (context or self.caller.context()).wrap_socket(plain, server_hostname="localhost")

    def forwarded(self) -> int:
        """How many requests the server behind it has seen, by its own count."""
        with urllib.request.urlopen(f"{self.backend}/metrics", timeout=SECONDS) as reply:
            found = re.search(r"^tgi_request_count (\d+)", reply.read().decode(), re.M)
        return int(found[1]) if found else 0

    def connections(self) -> int:
        """Open connections on its port, as the kernel counts them on its side."""
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        here = f"0100007F:{self.port:04X}"
        return sum(line.split()[1] == here and line.split()[3] == ESTABLISHED for line in lines)

    def recorded(self) -> dict[str, set[str]]:
        """Exchange → which of its records there are."""
        found: dict[str, set[str]] = {}
        for record in records(self.directory / "audit"):
            if record["type"] in ("opened", "closed"):
                found.setdefault(record["id"], set()).add(record["type"])
        return found

    def alive(self) -> bool:
        return self.process.poll() is None

    def answers(self) -> bool:
        """Does an honest request still get its answer?"""
        body = json.dumps(
            {"model": "smollm2", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 8}
        ).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.caller.token}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        try:
            with self.connect() as secure:
                secure.sendall(head.encode() + body)
                return secure.recv(65536).startswith(b"HTTP/1.1 200")
        except OSError:
            return False


ALL_PERMITTED = {
    r"max_tokens: 2048 ": "max_tokens: unlimited ",
    r"samples: 2 ": "samples: 64 ",
    r"adapters: \[\]": "adapters: any",
    r"logprobs: false": "logprobs: true",
    r"alternatives: 0": "alternatives: 5",
    r"truncate: false": "truncate: true",
}


def permit_all(site: Path) -> None:
    """Every parameter there is, so that what is tried gets past the profile and meets what lies behind it."""
    path = site / "policies" / "access" / "profiles.yaml"
    text = path.read_text()
    for pattern, permitted in ALL_PERMITTED.items():
        text, count = re.subn(pattern, permitted, text)
        if count != 1:
            raise ValueError(f"{path}: {pattern} is there {count} times, not once")
    path.write_text(text)


@contextmanager
def attacked(folder: Path, *, permitting: bool = False, **settings: str) -> Iterator[Attacked]:
    """A fresh site, served. `settings` are `section__key="toml value"`; `permitting`: see `permit_all`."""
    site = folder / "site"
    subprocess.run([*HANGU, "init", str(site)], check=True, stdout=subprocess.DEVNULL)
    unlimited(site)
    if permitting:
        permit_all(site)
    with started(sys.executable, "-m", "benchmarks.rig.replay") as (_, backend):
        changes = {
            "listen__port": "0",
            "admin__port": "0",
            "backend__url": f'"{backend}"',
            "observe__log_level": '"warning"',
            "policies__run_cases": "false",  # the rates are not those that the cases speak of
            **settings,
        }
        for name, value in changes.items():
            set_key(site / "gateway.toml", *name.split("__"), value)
        with started(*HANGU, "serve", str(site)) as (process, url):
            yield Attacked(site, url, process, analyst(site), backend)
