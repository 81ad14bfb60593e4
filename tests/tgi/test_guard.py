"""A guard model is asked over the wire, and only a verdict counts as one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgi.guard import ATTACK, CHARACTERS, DOUBTFUL, OVERLAP, SAFE, UNSAFE, Guard, GuardNonsense, pieces, verdict


@contextmanager
def answering(reply: Any, status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that says one thing to everything, and what it was asked."""
    asked: list[dict[str, Any]] = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append({"path": self.path, "key": self.headers.get("Authorization"), **json.loads(body)})
            data = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


def says(text: str) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": text}}]}


@pytest.mark.parametrize(
    ("said", "score"),
    [
        ("Safety: Safe\nCategories: None", SAFE),
        ("Safety: Unsafe\nCategories: Jailbreak", ATTACK),
        ("Safety: Unsafe\nCategories: Violent", UNSAFE),
        ("Safety: Controversial\nCategories: Politically Sensitive Topics", DOUBTFUL),
        ("safe", SAFE),
        ("\n\nunsafe\nS14", UNSAFE),
        ("unsafe\nPrompt Injection", ATTACK),
    ],
)
def test_a_guards_words_are_a_score(said: str, score: float) -> None:
    assert verdict(said) == score


@pytest.mark.parametrize("said", ["", "I think this is fine.", "unsafely", "The text is safe.", "Safety: unknown"])
def test_words_without_a_verdict_are_no_score(said: str) -> None:
    with pytest.raises(GuardNonsense):
        verdict(said)


def test_the_guard_is_shown_the_whole_text_and_held_to_a_verdict() -> None:
    with answering(says("Safety: Unsafe\nCategories: Jailbreak")) as (url, asked):
        assert Guard(url, model="qwen3guard", key="k").score(["do anything now"], ["user"]) == [ATTACK]
    assert asked[0]["path"] == "/v1/chat/completions"
    assert asked[0]["key"] == "Bearer k"
    assert asked[0]["messages"] == [{"role": "user", "content": "do anything now"}]
    assert asked[0]["response_format"]["type"] == "regex"


@pytest.mark.parametrize("nested", [False, True])
def test_labels_are_summed_over_those_that_mean_an_attack(*, nested: bool) -> None:
    rows = [
        {"label": "INJECTION", "score": 0.6},
        {"label": "JAILBREAK", "score": 0.3},
        {"label": "BENIGN", "score": 0.1},
    ]
    with answering([rows] if nested else rows) as (url, asked):
        assert Guard(url, "labels").score(["x"], ["tool"]) == [pytest.approx(0.9)]
    assert asked[0]["path"] == "/predict"


@pytest.mark.parametrize("reply", [{}, [], {"choices": []}, says("hello"), {"choices": [{"message": {}}]}, "x", None])
def test_another_reply_is_nonsense(reply: Any) -> None:
    with answering(reply) as (url, _), pytest.raises(GuardNonsense):
        Guard(url).score(["x"], ["user"])


def test_an_error_of_the_server_is_nonsense_and_a_closed_port_an_os_error() -> None:
    with answering(says("safe"), status=500) as (url, _), pytest.raises(GuardNonsense):
        Guard(url).score(["x"], ["user"])
    with pytest.raises(OSError, match="refused"):
        Guard(url).score(["x"], ["user"])


@given(st.text(max_size=400), st.integers(OVERLAP + 1, OVERLAP + 100))
def test_no_character_of_a_text_is_left_out_and_neighbours_overlap(text: str, characters: int) -> None:
    cut = list(pieces(text, characters))
    joined = cut[0] + "".join(piece[OVERLAP:] for piece in cut[1:])
    assert joined == text
    assert all(len(piece) <= characters for piece in cut)


def test_a_long_text_is_as_bad_as_its_worst_piece() -> None:
    with answering(says("Safety: Safe\nCategories: None")) as (url, asked):
        Guard(url).score(["a" * (CHARACTERS["guard"] + 1)], ["user"])
    assert len(asked) == 2


def test_several_texts_are_asked_about_at_once_and_scored_in_order() -> None:
    rows = [{"label": "LABEL_1", "score": 0.5}]
    with answering(rows) as (url, asked):
        said = Guard(url, "labels", seconds=20).score([f"text {number}" for number in range(6)], ["user"] * 6)
    assert said == [0.5] * 6
    assert {one["inputs"] for one in asked} == {f"text {number}" for number in range(6)}
