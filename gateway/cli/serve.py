"""`hangu serve DIR`: runs the gateway, in one process or several. What a process does lives in `gateway.serving`."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from gateway import settings
from gateway.cli.words import say
from gateway.core.errors import SettingsError
from gateway.http import groups
from gateway.settings import Settings

NAME = "serve"
HELP = {"en": "run the gateway", "zh": "运行网关"}

ADMIN_FILE = "admin.url"  # beside gateway.toml: where the operations port answers, for `doctor` and scripts


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help=say("the site", "站点目录"))
    parser.add_argument("--worker", type=int, default=None, help=argparse.SUPPRESS)  # set by the parent process
    parser.add_argument("--port", type=int, default=None, help=argparse.SUPPRESS)  # one that all workers share


def run(args: argparse.Namespace) -> int:
    site = settings.load(args.directory)
    groups.narrow()  # begins this process anew, so only for a site that can be served
    if args.worker is None and site.listen.workers > 1:
        return _several(args.directory, site)
    return _one(args.directory, args.worker or 0, site.listen.workers, args.port)


def _one(directory: Path, number: int, workers: int, port: int | None) -> int:
    import uvloop  # here, so that the parent of several workers does not load the whole gateway

    from gateway import app, serving

    site = app.open_site(directory)
    if port is not None:
        listen = site.settings.listen.model_copy(update={"port": port})
        site = app.Site(directory, site.settings.model_copy(update={"listen": listen}))

    def ready(data: int, admin: int | None) -> None:
        host = _shown(site.settings.listen.host)
        if admin is not None:
            (directory / ADMIN_FILE).write_text(f"https://{_shown(site.settings.admin.host)}:{admin}\n")
        print(f"ready https://{host}:{data}", flush=True)

    uvloop.run(serving.serve(site, serving.Worker(number, workers), ready))
    return 0


def _several(directory: Path, site: Settings) -> int:
    """One process a worker on one port; a worker that dies takes the others along, so that a supervisor notices."""
    with tempfile.TemporaryDirectory(prefix="hangu-metrics-") as shared, _reserved(site) as reserved:
        port = reserved.getsockname()[1]
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": shared}
        workers = [_start(directory, number, port, environment) for number in range(site.listen.workers)]
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda received, _: _pass_on(workers, received))
        for worker in workers:
            if not _is_ready(worker):
                return _end(workers, 2)
        print(f"ready https://{_shown(site.listen.host)}:{port}", flush=True)
        return _end(workers, _first_exit(workers))


def _reserved(site: Settings) -> socket.socket:
    """The port, held open with SO_REUSEPORT while workers come; it never listens, so it gets no connection."""
    family = socket.AF_INET6 if ":" in site.listen.host else socket.AF_INET
    reserved = socket.socket(family, socket.SOCK_STREAM)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        reserved.bind((site.listen.host, site.listen.port))
    except OSError as error:
        reserved.close()
        where = f"{site.listen.host}:{site.listen.port}"
        raise SettingsError(f"cannot listen ({error.strerror})", where, "is another process on that port?") from error
    return reserved


def _start(directory: Path, number: int, port: int, environment: dict[str, str]) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "gateway.cli.main",
        "serve",
        str(directory),
        "--worker",
        str(number),
        "--port",
        str(port),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def _is_ready(worker: subprocess.Popen[str]) -> bool:
    assert worker.stdout is not None
    return any(line.startswith("ready ") for line in iter(worker.stdout.readline, ""))


def _pass_on(workers: list[subprocess.Popen[str]], received: int) -> None:
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(received)


def _first_exit(workers: list[subprocess.Popen[str]]) -> int:
    pid, status = os.wait()
    for worker in workers:
        if worker.pid == pid:
            worker.returncode = os.waitstatus_to_exitcode(status)
            return worker.returncode
    return 2


def _end(workers: list[subprocess.Popen[str]], code: int) -> int:
    _pass_on(workers, signal.SIGTERM)
    return max([code, *(abs(worker.wait()) for worker in workers)])


def _shown(host: str) -> str:
    """An address to connect to: "any address" is reached through this machine's own."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared, not bound
    return f"[{host}]" if ":" in host else host
