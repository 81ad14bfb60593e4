"""`hangu inspect` from the outside: lines in, lines out, and what cannot be read is blocked."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.cli import inspect
from gateway.cli.main import main
from gateway.cli.policy_candidate import load
from policies.cases import Caller, Side

POLICIES = Path(__file__).parents[2] / "policies" / "default"


@pytest.fixture(scope="module")
def ask() -> object:
    candidate = load(POLICIES)

    def asked(lines: Sequence[str], stage: Side = Side.REQUEST) -> list[dict[str, object]]:
        who = Caller(name="analyst", roles=("analyst",))
        return [json.loads(line) for line, _ in inspect.answers(lines, inspect.inspector(candidate, who, stage))]

    return asked


@pytest.mark.parametrize("stage", list(Side))
def test_a_text_is_redacted_and_its_finds_count_code_points(ask: object, stage: Side) -> None:
    text = "😀身份证11010519491231002X，好"
    (answer,) = ask([json.dumps({"id": 7, "text": text})], stage)  # type: ignore[operator]
    assert answer["id"] == 7
    assert (answer["action"], answer["text"]) == ("redact", "😀身份证<CN_ID_CARD>，好")
    (found,) = answer["findings"]
    assert text[found["start"] : found["end"]] == "11010519491231002X"
    assert {"kind", "entity", "rule", "start", "end", "score"} <= found.keys()


def test_a_harmless_text_is_allowed_unchanged(ask: object) -> None:
    (answer,) = ask(['{"id": "a", "text": "你好"}'])  # type: ignore[operator]
    assert (answer["action"], answer["text"], answer["findings"]) == ("allow", "你好", [])


def test_a_private_key_is_blocked_with_its_code(ask: object) -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"
    (answer,) = ask([json.dumps({"id": 1, "text": key})])  # type: ignore[operator]
    assert (answer["action"], answer["code"], answer["text"]) == ("block", "personal_data_blocked", "")


def test_a_whole_body_is_read_by_its_route(ask: object) -> None:
    body = {"messages": [{"role": "user", "content": "a.b@example.com"}]}
    (answer,) = ask([json.dumps({"id": 1, "route": "/v1/chat/completions", "body": body})])  # type: ignore[operator]
    assert (answer["action"], answer["text"]) == ("redact", "<EMAIL_ADDRESS>")


@pytest.mark.parametrize(
    "line", ["junk", "[]", '{"id": 1}', '{"id": 1, "text": 5}', '{"text": null, "body": null, "x"']
)
def test_a_line_that_cannot_be_read_is_blocked(ask: object, line: str) -> None:
    (answer,) = ask([line])  # type: ignore[operator]
    assert answer["action"] == "block"


def test_half_a_surrogate_pair_stops_nobody(ask: object) -> None:
    (answer,) = ask(['{"id": 1, "text": "\\ud800 13812345678"}'])  # type: ignore[operator]
    assert answer["action"] == "redact"


def test_the_verb_says_by_its_exit_whether_every_line_was_read(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    for lines, code in (('{"id": 1, "text": "好"}\n\n', 0), ("junk\n", 2)):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
        assert main(["inspect", str(POLICIES), "--quiet"]) == code


COMMAND = (sys.executable, "-m", "gateway.cli.main", "inspect", str(POLICIES))


def test_processes_that_share_the_work_keep_the_order_and_number_lines_alike() -> None:
    lines = [json.dumps({"id": at, "text": f"电话1381234{at:04d}"}).encode() for at in range(600)]
    lines[300] = b"\xff"
    given = b"\n".join(lines) + b"\n"
    alone = subprocess.run(COMMAND, input=given, capture_output=True, check=False)
    shared = subprocess.run([*COMMAND, "--jobs", "2"], input=given, capture_output=True, check=False)
    assert (shared.stdout, shared.returncode) == (alone.stdout, 2)
    assert b"line 301" in shared.stdout


def test_who_asks_line_by_line_is_answered_line_by_line_and_may_leave() -> None:
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        assert started.stdin and started.stdout and started.stderr
        for number in (1, 2):
            started.stdin.write(json.dumps({"id": number, "text": "hi"}).encode() + b"\n")
            started.stdin.flush()
            assert json.loads(started.stdout.readline())["id"] == number
        started.stdout.close()
        started.stdin.write(b'{"id": 3, "text": "hi"}\n')
        started.stdin.close()
        assert (started.stderr.read(), started.wait(60)) == (b"", 2)
