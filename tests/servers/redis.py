"""A real Redis for tests. Where it cannot be had, tests say so and skip."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPT = Path(__file__).with_name("redis.sh")
START_SECONDS = 20.0


class Unavailable(Exception):
    """No server can be had here, and why."""


class Server:
    """One Redis on loopback. It can be killed, and started again on the same data and port."""

    def __init__(self, directory: Path, password: str = "", tls: Path | None = None) -> None:
        self.directory, self.password, self.tls = directory, password, tls
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{'rediss' if self.tls else 'redis'}://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        secured = {"REDIS_PASSWORD": self.password} | ({"REDIS_TLS": str(self.tls)} if self.tls else {})
        with (self.directory / "redis.log").open("ab") as log:
            command = [str(SCRIPT), "run", str(self.port), str(self.directory)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **secured})
        end = time.monotonic() + START_SECONDS
        while not _listens(self.port):
            if self._process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise RuntimeError((self.directory / "redis.log").read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def kill(self) -> None:
        """As a crash does it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def a_server(directory: Path, password: str = "", tls: Path | None = None) -> Iterator[Server]:
    """A fresh server. Raises Unavailable where it cannot be installed; one that is here and does not start is a failure."""
    fetched = subprocess.run([str(SCRIPT), "fetch"], capture_output=True, timeout=300)
    if fetched.returncode != 0:
        raise Unavailable(fetched.stderr.decode(errors="replace")[-2000:])
    server = Server(directory, password, tls)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
