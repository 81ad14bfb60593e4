"""Keys of a running gateway: replaced without a restart, revoked, or in a token from the start."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.rig.segments import records
from gateway.audit.journal import Journal
from gateway.audit.seal import FileSigner
from gateway.audit.segment import Sizes
from tests.audit.examples import an_opened
from tests.audit.test_token import LIBRARY
from tests.end_to_end.leaky import ANSWER
from tests.end_to_end.site import HANGU, Running, Site, configure, hangu, running
from tests.end_to_end.test_originals import audit, chat, keep, reveal
from tests.end_to_end.test_serving import PATIENCE_SECONDS, presented, until


@pytest.fixture(scope="module")
def leaky() -> Iterator[Running]:
    with running(sys.executable, "-m", "tests.end_to_end.leaky") as started:
        yield started


@pytest.fixture
def fresh(tmp_path: Path, leaky: Running) -> Path:
    directory = tmp_path / "site"
    assert hangu("init", str(directory)).returncode == 0
    configure(directory, listen__port="0", admin__port="0", backend__url=f'"{leaky.url}"')
    return directory


def told(directory: Path, kind: str) -> list[dict[str, object]]:
    return [record for record in records(directory / "audit") if record.get("kind") == kind]


async def test_a_new_signing_key_is_taken_up_by_sighup_and_a_gone_workers_log_is_finished(fresh: Path) -> None:
    old = FileSigner.load(fresh / "keys" / "audit.key")
    gone = Journal.open(fresh / "audit", "w7", sizes=Sizes(ballast=0, reserve=0), signer=old)
    await gone.append(an_opened("left-open"))
    await gone.close()
    with running(*HANGU, "serve", str(fresh)) as started:
        site = Site(fresh, started.url)
        assert chat(site)[0] == 200
        assert until(PATIENCE_SECONDS, lambda: ended(fresh, "left-open") == [("unknown", "interrupted")])
        assert audit(fresh, "rotate", by="auditor")[0] == 2  # an operator's work
        code, said = audit(fresh, "rotate", by="operator")
        assert code == 0, said
        assert FileSigner.load(fresh / "keys" / "audit.key").public != old.public
        os.kill(started.process.pid, signal.SIGHUP)
        assert until(PATIENCE_SECONDS, lambda: len(told(fresh, "key.taken")) == 1)
        assert chat(site)[0] == 200
    done = hangu("audit", "verify", str(fresh))
    assert done.returncode == 0, done.stdout
    assert (fresh / "keys" / "audit.pem").read_text().count("BEGIN PUBLIC KEY") == 2


def ended(directory: Path, id_: str) -> list[tuple[object, object]]:
    return [
        (record["outcome"], record["fault"])
        for record in records(directory / "audit")
        if record.get("id") == id_ and record["type"] == "closed"
    ]


def test_a_new_server_key_and_a_revocation_reach_every_worker_without_a_restart(fresh: Path) -> None:
    configure(fresh, listen__workers="2")
    with running(*HANGU, "serve", str(fresh)) as started:
        site = Site(fresh, started.url)
        assert chat(site)[0] == 200
        before = presented(site)
        with closing(connected(site)) as kept:
            assert status(kept, site) == 200
            assert hangu("pki", "renew", str(fresh), "server").returncode == 0
            assert hangu("pki", "renew", str(fresh), "analyst", "--revoke-old").returncode == 0
            os.kill(started.process.pid, signal.SIGHUP)
            assert until(PATIENCE_SECONDS, lambda: status(kept, site) in (401, 403))  # its certificate is the old one
        assert until(PATIENCE_SECONDS, lambda: all(presented(site) not in (b"", before) for _ in range(6)))
        assert chat(site)[0] == 200  # with the new certificate
        assert hangu("pki", "revoke", str(fresh), "analyst").returncode == 0
        os.kill(started.process.pid, signal.SIGHUP)
        assert until(PATIENCE_SECONDS, lambda: all(turned_away(site) for _ in range(6)))


def connected(site: Site) -> http.client.HTTPSConnection:
    host, port = site.url.removeprefix("https://").rsplit(":", 1)
    return http.client.HTTPSConnection(host, int(port), context=site.context("analyst"), timeout=60)


def status(connection: http.client.HTTPSConnection, site: Site) -> int:
    """Of one request on a connection that stays open."""
    connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {site.token('analyst')}"})
    reply = connection.getresponse()
    reply.read()
    return reply.status


def turned_away(site: Site) -> bool:
    with closing(connected(site)) as connection:
        try:
            return status(connection, site) == 401
        except (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected):
            return True


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A token with a key for each use, made with the tools that the how-to names."""
    if LIBRARY is None or not (shutil.which("softhsm2-util") and shutil.which("pkcs11-tool")):
        pytest.skip("NO SOFTHSM2 OR OPENSC HERE: apt-get install softhsm2 opensc")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    run("softhsm2-util", "--init-token", "--free", "--label", "hangu", "--so-pin", "5678", "--pin", "1234")
    tool = ("pkcs11-tool", "--module", str(LIBRARY), "--token-label", "hangu", "--login", "--pin", "1234")
    run(*tool, "--keypairgen", "--key-type", "EC:edwards25519", "--label", "audit")
    run(*tool, "--keygen", "--key-type", "AES:32", "--label", "sealing", "--sensitive")
    run(*tool, "--keygen", "--key-type", "GENERIC:32", "--label", "marks", "--usage-sign", "--sensitive")
    return "hangu"


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_site_whose_keys_lie_in_a_token_serves_seals_reveals_and_verifies(fresh: Path, token: str) -> None:
    (fresh / "keys" / "pin").write_text("1234\n")
    (fresh / "keys" / "pin").chmod(0o600)
    for key, label in (
        ("audit__signing_key", "audit"),
        ("audit__sealing_key", "sealing"),
        ("watermark__master_key", "marks"),
    ):
        where = f'module = "{LIBRARY}", token = "{token}", key = "{label}", pin = {{file = "keys/pin"}}'
        configure(fresh, **{key: f"{{pkcs11 = {{{where}}}}}"})
    for name in ("audit.key", "sealing.key", "marks.key"):
        (fresh / "keys" / name).unlink()
    keep(fresh, "sealed")
    code, said = audit(fresh, "rotate", by="operator")  # its public half, for auditors
    assert code == 0, said
    with running(*HANGU, "serve", str(fresh)) as started:
        _, id_, _ = chat(Site(fresh, started.url))
        assert reveal(fresh, id_)["answer"] == {"choices[0].content": ANSWER}
        looked = hangu("doctor", str(fresh)).stdout
        for label in ("audit", "sealing", "marks"):
            assert f'key "{label}" in token "hangu"' in looked
    assert hangu("audit", "verify", str(fresh)).returncode == 0
    (fresh / "keys" / "pin").write_text("0000\n")
    done = hangu("serve", str(fresh))
    assert done.returncode == 2
    assert "the token does not take this PIN" in done.stderr
    assert json.dumps("0000") not in done.stderr
