"""A real Elasticsearch for a test session, or the one that ES_URL names. Where it cannot be had, tests say so and skip."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "servers" / "elasticsearch.sh"
START_SECONDS = 120


class Unavailable(Exception):
    """No server can be had here, and why."""


class Server:
    """One node on loopback. It can be killed and started again on the same data. `roles` is a roles.yml; with it users are asked."""

    def __init__(self, directory: Path, roles: str = "") -> None:
        self.directory = directory
        self.password = os.urandom(8).hex() if roles else ""
        self._roles = directory / "roles.yml"
        self._roles.write_text(roles)
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = (self.directory / "out.log").open("ab")
        command = [str(SCRIPT), "run", str(self.port), str(self.directory / "node")]
        secured = {"ES_PASSWORD": self.password, "ES_ROLES": str(self._roles)} if self.password else {}
        self._process = subprocess.Popen(
            command, stdout=log, stderr=log, start_new_session=True, env={**os.environ, **secured}
        )
        log.close()
        deadline = time.monotonic() + START_SECONDS
        while not _answers(self.url, self.password):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise Unavailable((self.directory / "out.log").read_text(errors="replace")[-2000:])
            time.sleep(0.25)

    def kill(self) -> None:
        """As a crash does it."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@contextmanager
def a_server(roles: str = "") -> Iterator[Server]:
    """A fresh node with its own data. Raises Unavailable when the distribution cannot be fetched or does not start."""
    fetched = subprocess.run([str(SCRIPT), "fetch"], capture_output=True, timeout=600)
    if fetched.returncode != 0:
        raise Unavailable(fetched.stderr.decode(errors="replace")[-2000:])
    directory = Path(tempfile.mkdtemp(prefix="hangu-es-"))
    directory.chmod(0o755)
    server = Server(directory, roles)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(directory, ignore_errors=True)


def _answers(url: str, password: str) -> bool:
    request = urllib.request.Request(f"{url}/_cluster/health?wait_for_status=yellow&timeout=1s")
    if password:
        request.add_header("authorization", f"Basic {b64encode(f'elastic:{password}'.encode()).decode()}")
    try:
        with urllib.request.urlopen(request, timeout=3) as told:
            return bool(told.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
