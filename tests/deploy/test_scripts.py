"""The scripts beside the containers, run where they can be and read where they cannot."""

from __future__ import annotations

import importlib.util
import json
import os
import ssl
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from gateway.audit import privileges
from gateway.site import create
from tests.deploy.files import DEPLOY

PREPARE = DEPLOY / "compose" / "prepare.sh"
ENROL = DEPLOY / "compose" / "enrol.sh"


def script(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


healthcheck = script(DEPLOY / "docker" / "healthcheck.py")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("house") / "site"
    create(directory, datetime.now(UTC))
    return directory


def prepare(site: Path) -> str:
    return subprocess.run([str(PREPARE), str(site)], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("path", [PREPARE, ENROL], ids=lambda p: p.name)
def test_scripts_are_shell_and_may_be_run(path: Path) -> None:
    subprocess.run(["bash", "-n", str(path)], check=True)
    assert os.access(path, os.X_OK)
    assert "set -euo pipefail" in path.read_text()


def test_preparing_makes_certificates_of_the_sites_authority(site: Path) -> None:
    assert "next: docker compose up --detach elasticsearch" in prepare(site)
    for name in ("elasticsearch", "kibana"):
        certificate = site / "secrets" / f"{name}.pem"
        verify = [
            "openssl",
            "verify",
            "-CAfile",
            str(site / "pki" / "ca.pem"),
            "-verify_hostname",
            name,
            str(certificate),
        ]
        subprocess.run(verify, check=True, capture_output=True)
        assert stat.S_IMODE((site / "secrets" / f"{name}.key").stat().st_mode) == 0o600


def test_preparing_again_changes_nothing(site: Path) -> None:
    prepare(site)
    before = {path: path.read_bytes() for path in (site / "secrets").iterdir()}
    prepare(site)
    assert {path: path.read_bytes() for path in (site / "secrets").iterdir()} == before


def test_kibanas_settings_have_keys_of_their_own_and_no_password(site: Path) -> None:
    prepare(site)
    settings = yaml.safe_load((site / "secrets" / "kibana.yml").read_text())
    keys = {settings[f"xpack.{part}.encryptionKey"] for part in ("security", "reporting", "encryptedSavedObjects")}
    assert len(keys) == 3 and all(len(key) >= 32 for key in keys)
    assert "elasticsearch.password" not in settings


def test_preparing_without_an_authority_says_what_to_do(tmp_path: Path) -> None:
    run = subprocess.run([str(PREPARE), str(tmp_path)], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "hint: hangu init" in run.stderr


def test_the_gateways_key_may_add_records_and_change_none() -> None:
    asked = json.loads(ENROL.read_text().split("<<'EOF'\n")[1].split("\nEOF")[0])
    assert asked["role_descriptors"] == {"records": privileges.shipper("hangu")}
    (indices,) = asked["role_descriptors"]["records"]["indices"]
    assert {"all", "write", "delete", "index", "manage", "delete_index"}.isdisjoint(indices["privileges"])


class Admin(BaseHTTPRequestHandler):
    status = 200
    seen: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.seen.append(f"{self.path} {self.headers['authorization'][:7]}")
        self.send_response(self.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return None


@contextmanager
def admin_port(site: Path, status: int) -> Iterator[int]:
    """An admin port of this site that demands a client certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(site / "pki" / "server.pem", site / "pki" / "server.key")
    context.load_verify_locations(site / "pki" / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    handler = type("Answering", (Admin,), {"status": status})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("status", "problem"), [(200, ""), (503, "/healthz answered 503")])
def test_the_health_check_asks_as_the_operator(site: Path, status: int, problem: str) -> None:
    with admin_port(site, status) as port:
        found = healthcheck.check(site, port)
        assert found == (f"port {port}: {problem}" if problem else "")
        assert healthcheck.main([str(site), str(port)]) == (1 if problem else 0)
    assert Admin.seen[-1] == "/healthz Bearer "


def test_the_health_check_says_what_is_wrong_when_nothing_listens(site: Path) -> None:
    assert "refused" in healthcheck.check(site, 1)


def test_the_health_check_says_which_file_is_missing(tmp_path: Path) -> None:
    assert "No such file" in healthcheck.check(tmp_path, 1)
