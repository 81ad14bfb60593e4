"""Marks through the running gateway: an answer is marked, comes back with the conversation, is pasted by somebody else, leaks."""

from __future__ import annotations

import json
import re
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.rig.segments import records
from tests.end_to_end.site import HANGU, Running, Site, configure, hangu, running
from watermark import labels

SELECTORS = re.compile("[\U000e0100-\U000e017f]")
STORY = (
    "The gateway sits between the people who ask and the models that answer, and it keeps a record of both sides. "
    "When a text leaves the house, somebody will want to know where it came from; the mark inside it says so. "
) * 3
CODE = '```python\nfor name, value in {"a": 1, "b": 2}.items():\n    print(name, value)  # each, in turn, as it stands\n```'


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    return tmp_path / "asked.jsonl"


@pytest.fixture
def echo(asked: Path) -> Iterator[Running]:
    with running(sys.executable, "-m", "tests.end_to_end.echo", env={"ECHO_LOG": str(asked)}) as started:
        yield started


@pytest.fixture
def directory(tmp_path: Path, echo: Running) -> Path:
    made = tmp_path / "site"
    assert hangu("init", str(made)).returncode == 0
    configure(made, listen__port="0", admin__port="0", backend__url=f'"{echo.url}"')
    return made


def chat(site: Site, caller: str, *said: str, **more: object) -> str:
    messages = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(said)]
    body = {"model": "smollm2", "messages": messages, "stream": True, **more}
    request = urllib.request.Request(f"{site.url}/v1/chat/completions", json.dumps(body).encode())
    request.add_header("Authorization", f"Bearer {site.token(caller)}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, context=site.context(caller), timeout=60) as reply:
        lines = reply.read().decode().split("\n\n")
    events = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    return "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"])


def reused(directory: Path, seconds: float = 15) -> list[dict[str, object]]:
    """The events of other people's answers in prompts, as soon as there is one."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = [e for e in records(directory / "audit") if e["type"] == "event" and e["kind"] == "mark.reused"]
        if found:
            return found
        time.sleep(0.5)
    return []


def test_a_mark_goes_out_comes_back_and_leads_home(directory: Path, asked: Path) -> None:
    with running(*HANGU, "serve", str(directory)) as gateway:
        site = Site(directory, gateway.url)
        answer = chat(site, "analyst", f"say: {STORY}")
        assert SELECTORS.sub("", answer) == STORY and SELECTORS.search(answer)

        chat(site, "analyst", f"say: {STORY}", answer, "say: and then?")  # the same conversation goes on
        last = json.loads(asked.read_text("utf-8").splitlines()[-1])
        assert last["messages"][1]["content"] == STORY  # the model sees no mark

        assert chat(site, "analyst", f"say: {CODE}") == CODE
        assert SELECTORS.search(chat(site, "reader", f"say: {STORY} {answer}"))
        told = reused(directory)
        assert len(told) == 1 and told[0]["subject"] == "reader" and "analyst" in json.dumps(told[0]["facts"])

    leak = directory.parent / "leak.txt"
    leak.write_text(answer[40:400], "utf-8")
    traced = hangu("trace", str(directory), str(leak))
    found = json.loads(traced.stdout)
    assert (traced.returncode, found["grade"], found["user"]) == (0, "request", "analyst")
    assert found["false_attribution_probability"] <= 1e-9 and found["evidence"]["convict_grade"]


def test_what_policy_says_of_a_role_is_what_its_answers_show(directory: Path) -> None:
    policy = directory / "policies" / "watermark.yaml"
    rule = "rules:\n  - {roles: [analyst], marks: off, visible: end, metadata: off, reason: a test}\n"
    policy.write_text(policy.read_text().replace("rules: []\n", rule))
    with running(*HANGU, "serve", str(directory)) as gateway:
        site = Site(directory, gateway.url)
        assert chat(site, "analyst", f"say: {STORY}") == f"{STORY}\n\n{labels.visible('en')}"
        assert (
            chat(
                site,
                "analyst",
                "say: {}",
                response_format={"type": "json_object", "value": {"type": "object", "properties": {}}},
            )
            == "{}"
        )
        assert SELECTORS.search(chat(site, "reader", f"say: {STORY}"))
    notes = [each["notes"] for each in records(directory / "audit") if each["type"] == "opened"]
    assert notes == [["label:visible"], [], ["label:signed"]]
