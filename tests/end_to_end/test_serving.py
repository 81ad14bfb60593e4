"""A gateway in service: policies change under it, processes share its port, its model goes away, it is told to stop."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from benchmarks.rig.segments import records
from tests.end_to_end.site import HANGU, Running, Site, configure, hangu, running, stop

PATIENCE_SECONDS = 60  # for something to happen at all: how fast it does is a benchmark's matter, and machines are busy
CHAT = {"model": "smollm2", "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 6}


@pytest.fixture
def fresh(tmp_path: Path, backend: Running) -> Path:
    """A site of the test's own, on free ports, in front of the real backend."""
    directory = tmp_path / "site"
    assert hangu("init", str(directory)).returncode == 0
    configure(directory, listen__port="0", admin__port="0", backend__url=f'"{backend.url}"')
    return directory


def site_of(directory: Path, started: Running) -> Site:
    return Site(directory, started.url, (directory / "admin.url").read_text().strip())


def ask(site: Site, body: dict[str, object] | None = None, caller: str = "analyst") -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(f"{site.url}/v1/chat/completions", json.dumps(body or CHAT).encode())
    request.add_header("Authorization", f"Bearer {site.token(caller)}")
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, context=site.context(caller), timeout=60) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())["error"]


def until(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.1)
    return False


def test_a_policy_that_fails_its_own_cases_is_not_taken_up(fresh: Path) -> None:
    with running(*HANGU, "serve", str(fresh)) as started:
        site = site_of(fresh, started)
        rules = fresh / "policies" / "access" / "policy.csv"
        rules.write_text(rules.read_text() + "p, user:analyst, *, *, chat, deny, -\n")  # a case says analysts may chat
        assert until(PATIENCE_SECONDS, lambda: "policy.refused" in told(fresh))
        assert ask(site)[0] == 200
    assert "policy.loaded" not in told(fresh)


def told(directory: Path) -> list[str]:
    return [record["kind"] for record in records(directory / "audit") if record["type"] == "event"]


def test_a_changed_policy_is_in_force_within_seconds_and_a_broken_one_never(fresh: Path) -> None:
    configure(fresh, policies__run_cases="false")
    rules = fresh / "policies" / "access" / "policy.csv"
    with running(*HANGU, "serve", str(fresh)) as started:
        site = site_of(fresh, started)
        assert ask(site)[0] == 200
        before = rules.read_text()
        rules.write_text(before + "p, user:analyst, *, *, chat, deny, -\n")
        assert until(PATIENCE_SECONDS, lambda: ask(site)[1].get("code") == "not_permitted")
        rules.write_text("this is, not a rule\n")
        time.sleep(3)
        assert ask(site)[1]["code"] == "not_permitted"
        rules.write_text(before)
        assert until(PATIENCE_SECONDS, lambda: ask(site)[0] == 200)
    assert told(fresh).count("policy.loaded") >= 2 and "policy.refused" in told(fresh)


def test_a_burst_of_refusals_bars_its_caller_and_nobody_else(fresh: Path) -> None:
    (fresh / "anomalies.yaml").write_text("- {kind: refusals, threshold: 4, window: 60, action: block, lasting: 60}\n")
    configure(fresh, audit__anomalies='"anomalies.yaml"')
    with running(*HANGU, "serve", str(fresh)) as started:
        site = site_of(fresh, started)
        wrong = {**CHAT, "model": "nothing-of-that-name"}
        assert [ask(site, wrong)[0] for _ in range(4)] == [404] * 4
        assert until(PATIENCE_SECONDS, lambda: ask(site)[1].get("code") == "not_permitted")
        assert ask(site, caller="reader")[0] == 200
    assert "anomaly.refusals" in told(fresh)


def test_two_workers_share_one_port_and_both_logs_verify(fresh: Path) -> None:
    configure(fresh, listen__workers="2")
    with running(*HANGU, "serve", str(fresh)) as started:
        site = site_of(fresh, started)
        for _ in range(12):
            assert ask(site)[0] == 200
    assert {path.name.split("-")[1] for path in (fresh / "audit").glob("seg-*")} == {"w0", "w1"}
    opened = [record for record in records(fresh / "audit") if record["type"] == "opened"]
    assert len(opened) == 12
    assert hangu("audit", "verify", str(fresh)).returncode == 0


def test_a_model_that_is_gone_is_a_named_refusal_on_record(fresh: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nobody = probe.getsockname()[1]
    configure(fresh, backend__url=f'"http://127.0.0.1:{nobody}"')
    with running(*HANGU, "serve", str(fresh)) as started:
        status, error = ask(site_of(fresh, started))
    assert (status, error["code"]) == (503, "backend_unavailable")
    closed = [record for record in records(fresh / "audit") if record["type"] == "closed"]
    assert [(record["outcome"], record["code"]) for record in closed] == [("failed", "backend_unavailable")]


def test_an_exchange_under_way_is_finished_before_the_gateway_stops(fresh: Path) -> None:
    with running(*HANGU, "serve", str(fresh)) as started:
        site = site_of(fresh, started)
        answers: list[tuple[int, dict[str, object]]] = []
        asking = threading.Thread(target=lambda: answers.append(ask(site, {**CHAT, "max_tokens": 60})))
        asking.start()
        assert until(PATIENCE_SECONDS, lambda: any(record["type"] == "opened" for record in records(fresh / "audit")))
        assert stop(started.process) == 0
        asking.join(30)
    assert [status for status, _ in answers] == [200]
    assert {"gateway.started", "gateway.stopped"} <= set(told(fresh))


def test_a_crash_amid_a_stream_leaves_what_the_caller_had_seen(fresh: Path) -> None:
    with running(*HANGU, "serve", str(fresh)) as started:
        site = site_of(fresh, started)
        long = {"type": "regex", "value": "([a-z]{2,8} ){120,160}"}  # a sampled story may end before anything is due
        body = {**CHAT, "stream": True, "max_tokens": 400, "response_format": long}
        threading.Thread(target=lambda: suppressed(lambda: ask(site, body)), daemon=True).start()
        assert until(PATIENCE_SECONDS, lambda: any(record["type"] == "part" for record in records(fresh / "audit")))
        started.process.kill()
        started.process.wait()
    part = next(record for record in records(fresh / "audit") if record["type"] == "part")
    assert len("".join(part["texts"])) > 10
    with running(*HANGU, "serve", str(fresh)):
        pass
    closed = [record for record in records(fresh / "audit") if record["type"] == "closed"]
    assert [(record["id"], record["outcome"]) for record in closed] == [(part["id"], "unknown")]
    assert hangu("audit", "verify", str(fresh)).returncode == 0


def suppressed(work: Callable[[], object]) -> None:
    with suppress(OSError, ValueError, http.client.HTTPException):
        work()


def test_sighup_takes_up_new_certificates_without_closing_anything(fresh: Path) -> None:
    with running(*HANGU, "serve", str(fresh)) as started:
        site = site_of(fresh, started)
        assert ask(site)[0] == 200
        shutil.copytree(fresh / "pki", fresh / "pki.before")
        assert hangu("pki", "renew", str(fresh), "server").returncode == 0
        old = (fresh / "pki.before" / "server.pem").read_bytes()
        assert (fresh / "pki" / "server.pem").read_bytes() != old
        os.kill(started.process.pid, signal.SIGHUP)
        assert until(PATIENCE_SECONDS, lambda: presented(site) != presented_by(old))
        assert ask(site)[0] == 200


def presented(site: Site) -> bytes:
    with (
        suppress(OSError),
        socket.create_connection(("127.0.0.1", int(site.url.rsplit(":", 1)[1])), timeout=10) as plain,
        site.context("analyst").wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""
    return b""


def presented_by(pem: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem.decode().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")
