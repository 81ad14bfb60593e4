"""What the doctor says of the outside classifier, which here is a real server on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateway import app
from gateway.doctor.check import Check, State
from gateway.doctor.guard import ATTACK, HARMLESS, check_guard
from gateway.site import Plan, create
from tests.doctor.test_papers import NOW


@contextmanager
def guarding(harmless: str, attack: str, seconds: float = 0.0) -> Iterator[str]:
    """A chat model that says these words to the one text and to the other."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["messages"][0]["content"]
            time.sleep(seconds)
            said = {HARMLESS: harmless, ATTACK: attack}[text]
            data = json.dumps({"choices": [{"message": {"content": said}}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def checked(folder: Path, url: str, policy: str = "", **settings: object) -> list[Check]:
    section = {"classifier": {"url": url, "deadline_seconds": 5.0, **settings}} if url else {}
    create(folder / "site", NOW, Plan(settings=section))
    file = folder / "site" / "policies" / "waf" / "settings.yaml"
    file.write_text(file.read_text() + policy)
    return check_guard(app.open_site(folder / "site", complete=False))


@pytest.mark.parametrize(
    ("harmless", "attack", "policy", "state", "says"),
    [
        ("safe", "unsafe\nPrompt Injection", "", State.FINE, "tells an attack from a question"),
        ("unsafe\nJailbreak", "unsafe\nJailbreak", "", State.PROBLEM, "harmless question"),
        ("safe", "safe", "", State.PROBLEM, "would refuse nothing"),
        ("safe", "unsafe\nS14", "", State.PROBLEM, "scores a plain attack 0.70"),
        ("safe", "unsafe\nS14", "classifier: {block_from: 0.7}\n", State.FINE, "tells an attack"),
        ("hello!", "hello!", "", State.PROBLEM, "no verdict"),
    ],
)
def test_it_is_fine_only_when_it_tells_the_two_texts_apart(
    tmp_path: Path, harmless: str, attack: str, policy: str, state: State, says: str
) -> None:
    with guarding(harmless, attack) as url:
        (check,) = checked(tmp_path, url, policy)
    assert check.state is state
    assert says in check.said[0]
    assert state is State.FINE or all(check.hint)


def test_one_that_is_slower_than_its_deadline_is_a_problem(tmp_path: Path) -> None:
    with guarding("safe", "unsafe\nJailbreak", seconds=0.2) as url:
        (check,) = checked(tmp_path, url, deadline_seconds=0.15)
    assert check.state is State.PROBLEM
    assert "over the deadline of 150 ms" in check.said[0]


@pytest.mark.parametrize(("policy", "hint"), [("", "decide alone"), ("classifier: {required: true}\n", "are refused")])
def test_one_that_is_not_there_is_a_problem_and_what_follows_is_told(tmp_path: Path, policy: str, hint: str) -> None:
    (check,) = checked(tmp_path, "http://127.0.0.1:1", policy)
    assert (check.state, "no answer" in check.said[0]) == (State.PROBLEM, True)
    assert hint in check.hint[0] and check.hint[1]


def test_nobody_hears_of_one_that_nobody_wants_and_a_required_one_must_be_there(tmp_path: Path) -> None:
    assert checked(tmp_path / "a", "") == []
    (check,) = checked(tmp_path / "b", "", "classifier: {required: true}\n")
    assert check.state is State.PROBLEM
