"""One real backend with the real model, one real site in front of it, for all end-to-end tests."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.site import HANGU, Running, Site, configure, hangu, running


@pytest.fixture(scope="session")
def backend() -> Iterator[Running]:
    with running(*HANGU, "backend", "--port", "0") as started:
        yield started


@pytest.fixture(scope="session")
def sidecar_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, backend: Running, sidecar_port: int) -> Path:
    """A site fresh from `hangu init`, pointed at the test's backend and at free ports; it answers to the sidecar's too."""
    directory = tmp_path_factory.mktemp("site") / "site"
    done = hangu("init", str(directory))
    assert done.returncode == 0, done.stderr
    configure(
        directory,
        listen__port="0",
        listen__server_names=f'["localhost", "127.0.0.1", "127.0.0.1:{sidecar_port}"]',
        admin__port="0",
        backend__url=f'"{backend.url}"',
    )
    return directory


@pytest.fixture(scope="session")
def site(made: Path) -> Iterator[Site]:
    with running(*HANGU, "serve", str(made)) as started:
        yield Site(made, started.url, (made / "admin.url").read_text().strip())
