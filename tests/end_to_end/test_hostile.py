"""A hundred malformed and hostile requests: each with its status, shape and code, nothing forwarded, everything recorded."""

from __future__ import annotations

import json
import socket
import ssl
import urllib.request
from contextlib import suppress
from dataclasses import dataclass

import pytest

from benchmarks.rig.segments import records
from gateway.core.verdict import Code
from gateway.http.replies import STATUS
from tests.end_to_end.site import Running, Site
from tests.http import framings
from tests.http.framings import Framing
from tests.tgi.wire.hostile import AT_THE_DOOR, HOSTILE, Case

MAY_BE_EITHER = {
    Code.ROUTE_UNKNOWN: (Code.ROUTE_UNKNOWN, Code.REQUEST_MALFORMED)
}  # a target that is no route, or no path


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, object]:
        told = json.loads(self.body)
        return told["error"] if isinstance(told["error"], dict) else told  # type: ignore[no-any-return]


def say(site: Site, raw: bytes, caller: str = "analyst") -> Reply:
    """Send bytes as they are, and read one reply to its end."""
    address = ("127.0.0.1", int(site.url.rsplit(":", 1)[1]))
    with (
        socket.create_connection(address, timeout=20) as plain,
        site.context(caller).wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(raw)
        return _read(secure)


def _read(secure: ssl.SSLSocket) -> Reply:
    data = b""
    while b"\r\n\r\n" not in data:
        more = secure.recv(65536)
        assert more, f"the connection ended after {data!r}"
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    while len(body) < int(headers["content-length"]):
        body += secure.recv(65536)
    return Reply(int(lines[0].split()[1]), headers, body)


def request(site: Site, method: str, path: str, headers: dict[str, str], body: bytes, caller: str = "analyst") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {site.token(caller)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def asked_of(backend: Running) -> int:
    """How many requests the model's server has seen, by its own count."""
    with urllib.request.urlopen(f"{backend.url}/metrics", timeout=10) as reply:
        text = reply.read().decode()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("tgi_request_count ")))


def recorded(site: Site) -> dict[str, dict[str, str]]:
    """Every refused exchange on record: id → its codes in the opened and the closed record."""
    found: dict[str, dict[str, str]] = {}
    for record in records(site.directory / "audit"):
        if record["type"] in ("opened", "closed") and record["code"]:
            found.setdefault(record["id"], {})[record["type"]] = record["code"]
    return found


def test_each_is_refused_with_its_code_recorded_and_not_forwarded(site: Site, backend: Running) -> None:
    before = asked_of(backend)
    wrong: list[str] = []
    replies: dict[str, tuple[str, str]] = {}
    for case in (*HOSTILE, *AT_THE_DOOR):
        name, method, path, headers, body, code = case
        reply = say(site, request(site, method, path, headers, body))
        wrong += [f"{name}: {what}" for what in _differences(case, reply)]
        replies[reply.headers.get("x-request-id", name)] = (name, str(reply.error["code"]))
    assert wrong == []
    assert len(replies) == len(HOSTILE) + len(AT_THE_DOOR) >= 60
    assert asked_of(backend) == before
    kept = recorded(site)
    assert {id_: name for id_, (name, _) in replies.items() if id_ not in kept} == {}
    for id_, (name, code) in replies.items():
        assert kept[id_] == {"opened": code, "closed": code}, name


def _differences(case: Case, reply: Reply) -> list[str]:
    _, _, path, _, _, code = case
    told = reply.error
    found = []
    if told["code"] not in MAY_BE_EITHER.get(code, (code,)):
        found.append(f"code {told['code']}, not {code}")
    elif reply.status != STATUS[Code(str(told["code"]))]:
        found.append(f"status {reply.status} for {told['code']}")
    wanted = {"message", "type", "code", "param"} if path.startswith("/v1/") else {"error", "error_type"}
    if not wanted <= set(told):
        found.append(f"shape {sorted(told)}")
    return found


@pytest.mark.parametrize("framing", framings.HOSTILE, ids=lambda each: each.name)
def test_a_framing_that_two_readers_read_differently_is_refused(site: Site, framing: Framing) -> None:
    reply = say(site, framing.raw)
    assert reply.error["code"] == framing.code
    assert reply.status == STATUS[Code(str(framing.code))]


class TestPapers:
    """Who has no papers, or somebody else's, gets nothing but a named refusal."""

    CHAT = json.dumps({"model": "smollm2", "messages": [{"role": "user", "content": "hi"}]}).encode()

    def asks(self, site: Site, caller: str, authorization: str | None) -> Reply:
        lines = ["POST /v1/chat/completions HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
        lines += [f"Authorization: {authorization}"] if authorization else []
        head = "\r\n".join([*lines, f"Content-Length: {len(self.CHAT)}"])
        return say(site, head.encode() + b"\r\n\r\n" + self.CHAT, caller)

    def test_without_a_certificate_there_is_no_conversation(self, site: Site) -> None:
        address = ("127.0.0.1", int(site.url.rsplit(":", 1)[1]))
        with socket.create_connection(address, timeout=20) as plain:
            answer = b""
            with (
                suppress(ssl.SSLError, ConnectionError),  # an alert, or an end
                site.context(None).wrap_socket(plain, server_hostname="localhost") as secure,
            ):
                secure.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = secure.recv(100)
            assert answer == b""

    def test_tls_1_2_is_not_spoken(self, site: Site) -> None:
        context = site.context("analyst")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        address = ("127.0.0.1", int(site.url.rsplit(":", 1)[1]))
        with pytest.raises(ssl.SSLError), socket.create_connection(address, timeout=20) as plain:
            context.wrap_socket(plain, server_hostname="localhost")

    @pytest.mark.parametrize(
        ("authorization", "code"),
        [
            (None, Code.TOKEN_MISSING),
            ("Basic YTpi", Code.TOKEN_INVALID),
            ("Bearer x.y.z", Code.TOKEN_INVALID),
            ("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", Code.TOKEN_INVALID),
        ],
    )
    def test_a_missing_or_made_up_token_is_refused(self, site: Site, authorization: str | None, code: Code) -> None:
        reply = self.asks(site, "analyst", authorization)
        assert (reply.status, reply.error["code"]) == (401, code)

    def test_a_stolen_token_is_worth_nothing_on_another_certificate(self, site: Site) -> None:
        reply = self.asks(site, "guest", f"Bearer {site.token('analyst')}")
        assert (reply.status, reply.error["code"]) == (401, Code.TOKEN_NOT_BOUND)

    def test_a_token_reaches_neither_record_nor_refusal(self, site: Site) -> None:
        token = site.token("analyst")
        reply = self.asks(site, "guest", f"Bearer {token}")
        assert token.encode() not in reply.body
        for path in (site.directory / "audit").rglob("*"):
            assert not path.is_file() or token.encode() not in path.read_bytes(), path
