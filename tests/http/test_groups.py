"""Which key exchanges a handshake may use, once the process runs under our OpenSSL configuration."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from gateway.http import groups
from tests.http.sockets import Papers, an_authority

HANDSHAKE = """
import ssl, sys
from pathlib import Path
from gateway.http import tls
place, curve = Path(sys.argv[1]), sys.argv[2]
files = tls.Files(place / "server.pem", place / "server.key", place / "ca.pem", place / "crl.pem")
client = ssl.create_default_context(cafile=place / "ca.pem")
client.load_cert_chain(place / "ana.pem")
client.set_ecdh_curve(curve)
to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
ours = tls.read(files).context.wrap_bio(to_server, to_client, server_side=True)
theirs = client.wrap_bio(to_client, to_server, server_hostname="localhost")
for _ in range(4):
    for side in (theirs, ours):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass
print(ours.version(), ours.cipher()[0])
"""


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    papers = an_authority(tmp_path_factory.mktemp("pki"))
    papers.client("ana")
    return papers


@pytest.mark.parametrize(("curve", "works"), [("prime256v1", True), ("secp384r1", True), ("secp521r1", False)])
def test_only_the_named_groups_are_offered(papers: Papers, curve: str, works: bool) -> None:
    environment = {**os.environ, "OPENSSL_CONF": str(groups.CONFIGURATION)}
    words = [sys.executable, "-c", HANDSHAKE, str(papers.directory), curve]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is works, done.stderr
    assert done.stdout.startswith("TLSv1.3") is works


def test_the_process_begins_anew_once_with_the_same_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, Sequence[str], Mapping[str, str]]] = []
    monkeypatch.delenv("OPENSSL_CONF", raising=False)
    groups.narrow(lambda *call: calls.append(call))
    program, arguments, environment = calls[0]
    assert program == arguments[0] == sys.executable
    assert arguments[1:] == sys.orig_argv[1:]
    assert Path(environment["OPENSSL_CONF"]) == groups.CONFIGURATION
    monkeypatch.setenv("OPENSSL_CONF", environment["OPENSSL_CONF"])
    groups.narrow(lambda *call: calls.append(call))
    assert len(calls) == 1


def test_an_operators_own_configuration_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSSL_CONF", "/etc/ssl/fips.cnf")
    groups.narrow(lambda *call: pytest.fail("began anew"))
