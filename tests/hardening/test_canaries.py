"""Secrets in the output: the watch over the suite can fail, and a gateway that is told everything says nothing."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest

from benchmarks.rig.sites import HANGU, analyst, set_key
from tests.canaries import secrets, words
from tests.end_to_end.site import stop

ROOT = Path(__file__).parents[2]
PROMPT = "canary-prompt-Zw41QqTn8vKc"
HEADER = "canary-header-Rk77LmPz3xYb"
PATH = "canary-path-Vn58GhJw2sDf"
ARGUMENT = "canary-argument-Ty90BcXe6uIo"
MOBILE = "13912345678"
CANARIES = (PROMPT, HEADER, PATH, ARGUMENT, MOBILE)

INNER = """
def test_one(tmp_path):
    (tmp_path / "site.key").write_text("{secret}")
    print("the key is {told}")
"""


@pytest.mark.parametrize(("told", "status"), [("s3cr3t" * 8, 1), ("not told", 0)])
def test_the_watch_fails_a_run_that_writes_a_key_and_only_that(tmp_path: Path, told: str, status: int) -> None:
    (tmp_path / "conftest.py").write_text("from tests.canaries import pytest_configure, pytest_sessionfinish\n")
    (tmp_path / "test_inner.py").write_text(INNER.format(secret="s3cr3t" * 8, told=told))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        str(tmp_path),
        f"--basetemp={tmp_path / 'base'}",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stdout + done.stderr
    assert ("SECRET IN THE OUTPUT: test_inner.py::test_one" in done.stdout) is (status == 1)
    assert "s3cr3t" * 8 not in done.stdout.replace("the key is " + told, "")


def test_every_secret_of_a_new_site_is_a_canary(tmp_path: Path) -> None:
    subprocess.run([*HANGU, "init", str(tmp_path / "site")], check=True, stdout=subprocess.DEVNULL)
    found = {path for path, _ in secrets(tmp_path)}
    for name in ("pki/server.key", "pki/ca.key", "keys/tokens.key", "keys/audit.key", "keys/marks.key", "keys/pii.key"):
        assert f"site/{name}" in found, name
    for client in ("analyst", "auditor"):
        assert {f"site/clients/{client}/key.pem", f"site/clients/{client}/token.jwt"} <= found


@dataclass(frozen=True)
class Told:
    """A site whose gateway was told canaries, and everything that it wrote."""

    site: Path
    output: str
    replies: bytes
    metrics: str


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("canaries")
    site, log = folder / "site", folder / "log"
    subprocess.run([*HANGU, "init", str(site)], check=True, stdout=subprocess.DEVNULL)
    with socket.create_server(("127.0.0.1", 0)) as nobody:  # a model's server that never answers well
        changes = {
            "listen__port": "0",
            "admin__port": "0",
            "backend__url": f'"http://127.0.0.1:{nobody.getsockname()[1]}"',
        }
        for name, value in {**changes, "observe__log_level": '"debug"', "backend__first_byte_seconds": "1.0"}.items():
            set_key(site / "gateway.toml", *name.split("__"), value)
        with log.open("wb") as out, _serving(site, out) as url:
            caller = analyst(site)
            replies = b"".join(
                _say(int(url.rsplit(":", 1)[1]), caller.context(), raw) for raw in _requests(caller.token)
            )
            admin = (site / "admin.url").read_text().strip()
            metrics = _metrics(site, int(admin.rsplit(":", 1)[1]))
            time.sleep(0.5)
    yield Told(site, log.read_text("utf-8", "replace"), replies, metrics)


@contextmanager
def _serving(site: Path, out: BinaryIO) -> Iterator[str]:
    process = subprocess.Popen([*HANGU, "serve", str(site)], stdout=subprocess.PIPE, stderr=out, text=True)
    try:
        assert process.stdout is not None
        yield next(line for line in process.stdout if line.startswith("ready ")).split()[1]
    finally:
        stop(process)


def _requests(token: str) -> list[bytes]:
    chat = {"model": "smollm2", "messages": [{"role": "user", "content": f"{PROMPT} 手机 {MOBILE}"}], "max_tokens": 4}
    calls = [{"id": "a", "type": "function", "function": {"name": "f", "arguments": json.dumps({"x": ARGUMENT})}}]
    tools = {**chat, "messages": [{"role": "assistant", "content": None, "tool_calls": calls}, *chat["messages"]]}  # type: ignore[misc]
    bodies = [
        json.dumps(chat),
        json.dumps(tools),
        json.dumps({**chat, f"{PROMPT} !": 1}),
        f'{{"messages": {PROMPT}',
        json.dumps({**chat, "temperature": PROMPT}),
    ]
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Canary: {HEADER}\r\n"
    good = [f"{head}Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n{body}" for body in bodies]
    bad = [
        f"GET /{PATH}?q={PROMPT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n",
        f"{head}Authorization: Bearer {token}{token}\r\nContent-Length: 2\r\n\r\n{{}}",
        f"{head}Authorization: Basic {token}\r\nContent-Length: 2\r\n\r\n{{}}",
        f"{head}Authorization: Bearer {token}\r\nX {PROMPT}\r\n\r\n",
        f"{PROMPT} {token}\r\n\r\n",
    ]
    return [each.encode() for each in (*good, *bad)]


def _say(port: int, context: ssl.SSLContext, raw: bytes) -> bytes:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(raw)
        try:
            return secure.recv(65536)
        except OSError:
            return b""


def _metrics(site: Path, port: int) -> str:
    client = site / "clients" / "operator"
    context = ssl.create_default_context(cafile=str(site / "pki" / "ca.pem"))
    context.load_cert_chain(client / "cert.pem", client / "key.pem")
    raw = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(raw)
        data = b""
        while more := secure.recv(65536):
            data += more
    return data.decode()


def test_no_log_line_repeats_what_a_caller_said_or_holds_a_secret(told: Told) -> None:
    assert told.output.count('"event": "exchange"') >= 8  # it did write, and at its most talkative
    assert [canary for canary in CANARIES if canary in told.output] == []
    assert {path for path, word in secrets(told.site) if word in words(told.output)} == set()


def test_no_refusal_repeats_what_a_caller_said_or_holds_a_secret(told: Told) -> None:
    text = told.replies.decode("utf-8", "replace")
    assert text.count("HTTP/1.") >= 8
    assert [canary for canary in CANARIES if canary in text] == []
    assert {path for path, word in secrets(told.site) if word in words(text)} == set()


def test_no_metric_repeats_what_a_caller_said_or_holds_a_secret(told: Told) -> None:
    assert "hangu_" in told.metrics
    assert [canary for canary in CANARIES if canary in told.metrics] == []
    assert {path for path, word in secrets(told.site) if word in words(told.metrics)} == set()


def test_no_key_and_no_token_is_in_the_record(told: Told) -> None:
    kept = b"".join(path.read_bytes() for path in (told.site / "audit").rglob("*") if path.is_file()).decode("latin-1")
    assert PROMPT in kept  # the record is where prompts belong
    assert MOBILE not in kept
    assert {path for path, word in secrets(told.site) if word in words(kept)} == set()
