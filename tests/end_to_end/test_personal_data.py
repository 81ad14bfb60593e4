"""Personal data through the running gateway: tags that processes share, and detectors that break."""

from __future__ import annotations

import http.client
import json
import os
import re
import resource
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.rig.segments import records
from tests.end_to_end.site import HANGU, Running, Site, configure, hangu, running
from tests.servers.redis import Server, Unavailable, a_server

PHONE = "13812345678"
OPENING = f"客户电话{PHONE}。"


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Running]:
    log = {"ECHO_LOG": str(tmp_path / "asked.jsonl")}
    with running(sys.executable, "-m", "tests.end_to_end.echo", env=log) as started:
        yield started


@pytest.fixture
def fresh(tmp_path: Path, echo: Running) -> Path:
    directory = tmp_path / "site"
    assert hangu("init", str(directory)).returncode == 0
    configure(directory, listen__port="0", admin__port="0", backend__url=f'"{echo.url}"')
    return directory


def asked(tmp_path: Path) -> list[dict[str, object]]:
    """What reached the model."""
    path = tmp_path / "asked.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def chat(site: Site, *said: str, caller: str = "reader", stream: bool = False) -> tuple[int, str]:
    """The status and all text that came back; each call is a connection of its own, to whichever worker takes it."""
    roles = ("user", "assistant")
    messages = [{"role": roles[at % 2], "content": text} for at, text in enumerate(said)]
    body = {"model": "smollm2", "messages": messages, "stream": stream}
    request = urllib.request.Request(f"{site.url}/v1/chat/completions", json.dumps(body).encode())
    request.add_header("Authorization", f"Bearer {site.token(caller)}")
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, context=site.context(caller), timeout=60) as reply:
            return reply.status, _text(reply, stream)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def _text(reply: http.client.HTTPResponse, stream: bool) -> str:
    if not stream:
        return str(json.loads(reply.read())["choices"][0]["message"]["content"])
    text = ""
    for line in reply.read().decode().splitlines():
        if line.startswith("data: {"):
            told = json.loads(line[6:])
            text += (
                told["choices"][0]["delta"].get("content", "") if "choices" in told else f"[{told['error']['code']}]"
            )
    return re.sub("[\U000e0100-\U000e01ef]", "", text)  # the invisible mark is another test's matter


def tag_of(tmp_path: Path) -> str:
    text = str(asked(tmp_path)[-1]["messages"][0]["content"])  # type: ignore[index]
    return text[text.index("<") : text.index(">") + 1]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "redis").mkdir()
    try:
        with a_server(tmp_path / "redis", "a password") as server:
            yield server
    except Unavailable as why:
        pytest.skip(f"the shared vault is NOT tested, there is no Redis: {why}")


def sharing(directory: Path, server: Server, unavailable: str = "block") -> None:
    (directory / "keys" / "redis").write_text(server.password)
    settings = directory / "gateway.toml"
    table = f'[pseudonyms]\nurl = "{server.url}"\npassword = {{file = "keys/redis"}}\ntimeout_seconds = 0.5\n'
    settings.write_text(settings.read_text() + table)
    rules = directory / "policies" / "pii" / "policy.yaml"
    text = rules.read_text().replace("lifetime_s: 86400", "lifetime_s: 600")
    rules.write_text(text.replace("on_unavailable: block", f"on_unavailable: {unavailable}"))


def site_of(directory: Path, started: Running) -> Site:
    return Site(directory, started.url, (directory / "admin.url").read_text().strip())


def test_two_workers_and_a_restart_share_what_tags_stand_for(tmp_path: Path, fresh: Path, redis: Server) -> None:
    sharing(fresh, redis)
    configure(fresh, listen__workers="2")
    with running(*HANGU, "serve", str(fresh)) as started:
        site = site_of(fresh, started)
        assert chat(site, OPENING, "好", "say: x") == (200, "x")
        tag = tag_of(tmp_path)
        assert PHONE not in json.dumps(asked(tmp_path))
        for stream in (False, True) * 6:  # either worker
            assert chat(site, OPENING, "好", f"say: 是{tag.lower()}吗", stream=stream) == (200, f"是{PHONE}吗")
        assert chat(site, OPENING, "好", f"say: {tag}", caller="analyst") == (200, tag)
    shortened = OPENING.replace(PHONE, tag)  # a client that keeps what the model saw
    with running(*HANGU, "serve", str(fresh)) as started:
        site = site_of(fresh, started)
        assert chat(site, OPENING, "好", f"say: {tag}") == (200, PHONE)
        assert chat(site, shortened, "好", f"say: {tag}") == (200, tag)  # another conversation


def test_while_redis_is_down_readers_are_refused_and_others_served(tmp_path: Path, fresh: Path, redis: Server) -> None:
    sharing(fresh, redis)
    with running(*HANGU, "serve", str(fresh)) as started:
        site = site_of(fresh, started)
        assert chat(site, OPENING)[0] == 200
        redis.kill()
        status, body = chat(site, OPENING)
        assert (status, PHONE in body) == (503, False)
        assert chat(site, "say: hello", caller="analyst") == (200, "hello")
        os.kill(started.process.pid, signal.SIGHUP)
        redis.start()
        assert eventually(lambda: chat(site, OPENING)[0] == 200)
    refused = [one for one in records(fresh / "audit") if one["type"] == "opened" and one.get("code") == "stage_failed"]
    assert refused
    assert PHONE not in json.dumps(asked(tmp_path))


def test_where_policy_says_so_readers_go_on_without_redis_and_the_record_tells(
    tmp_path: Path, fresh: Path, redis: Server
) -> None:
    sharing(fresh, redis, "forget")
    with running(*HANGU, "serve", str(fresh)) as started:
        site = site_of(fresh, started)
        redis.kill()
        assert chat(site, OPENING, "好", "say: x") == (200, "x")
        assert chat(site, OPENING, "好", f"say: {tag_of(tmp_path)}") == (200, PHONE)  # the request itself holds it
    opened = [one for one in records(fresh / "audit") if one["type"] == "opened"]
    assert opened
    assert all("pii:vault-unavailable" in one["notes"] for one in opened)
    assert PHONE not in json.dumps(asked(tmp_path))


def eventually(holds: Callable[[], bool], seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.2)
    return False


NAME = "王小明"
SPOKEN = f"昨天{NAME}和同事一起去了公司。后来{NAME}回家了。电话{PHONE}。"
BREAKS = {
    "killed": lambda pid: os.kill(pid, signal.SIGKILL),
    "hung": lambda pid: os.kill(pid, signal.SIGSTOP),
    "raising": lambda pid: os.kill(pid, signal.SIGINT),
    "out of memory": lambda pid: resource.prlimit(pid, resource.RLIMIT_AS, (1 << 20, 1 << 20)),
}


def looking(directory: Path, overload: str) -> None:
    """People are looked for by models, and all of it in answers alone, so that the model gets to see what it shall say."""
    configure(directory, policies__run_cases="false")
    rules = directory / "policies" / "pii" / "policy.yaml"
    names = f'names: {{request: "off", response: models, workers: 1, deadline_ms: 1500, on_overload: {overload}}}\n'
    text = re.sub(r"(?ms)^names:.*\Z", names, rules.read_text())
    rules.write_text(text.replace("  request: redact\n", "  request: allow\n", 1))


def workers(pid: int) -> list[int]:
    """The processes that look for names, among those that a process has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            said = (folder / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        if parent == pid and b"gateway.detect.names.worker" in said:
            found.append(int(folder.name))
    return found


@pytest.mark.real_model
@pytest.mark.parametrize(("overload", "ways"), [("block", tuple(BREAKS)), ("degrade", ("killed",))])
def test_no_raw_word_leaves_while_the_models_are_broken(fresh: Path, overload: str, ways: tuple[str, ...]) -> None:
    looking(fresh, overload)
    with running(*HANGU, "serve", str(fresh)) as started:
        site = site_of(fresh, started)
        whole = chat(site, f"say: {SPOKEN}", caller="analyst", stream=True)
        assert whole == (200, "昨天<PERSON>和同事一起去了公司。后来<PERSON>回家了。电话<CN_MOBILE>。")
        for way in ways:
            assert eventually(lambda: chat(site, f"say: {SPOKEN}", caller="analyst", stream=True) == whole, 90), way
            (worker,) = workers(started.process.pid)
            BREAKS[way](worker)
            status, text = chat(site, f"say: {SPOKEN}", caller="analyst", stream=True)
            assert PHONE not in text, way
            if overload == "block":
                assert NAME not in text, way
                assert (status, text) == whole or "stage_timeout" in text, way
            else:  # policy says: go on with rules, which find no name that nothing announces
                assert (status, text.endswith("电话<CN_MOBILE>。")) == (200, True), way
    told = [one for one in records(fresh / "audit") if one["type"] == "closed"]
    said = json.dumps(told, ensure_ascii=False)
    assert ("stage_timeout" if overload == "block" else "names-degraded") in said
    assert PHONE not in said


@pytest.mark.real_model
def test_an_exchange_that_waits_for_the_models_holds_up_no_other(fresh: Path) -> None:
    looking(fresh, "block")
    rules = fresh / "policies" / "pii" / "policy.yaml"
    rules.write_text(rules.read_text().replace("deadline_ms: 1500", "deadline_ms: 6000"))
    ended: list[str] = []
    with running(*HANGU, "serve", str(fresh)) as started:
        site = site_of(fresh, started)
        (worker,) = workers(started.process.pid)
        os.kill(worker, signal.SIGSTOP)
        waiting = threading.Thread(
            target=lambda: ended.append(chat(site, f"say: {SPOKEN}", caller="analyst", stream=True)[1])
        )
        waiting.start()
        assert eventually(lambda: bool((fresh.parent / "asked.jsonl").exists()))
        request = urllib.request.Request(
            f"{site.url}/v1/models", headers={"Authorization": f"Bearer {site.token('reader')}"}
        )
        with urllib.request.urlopen(request, context=site.context("reader"), timeout=60) as reply:
            assert reply.status == 200
        assert ended == []
        waiting.join()
    assert "stage_timeout" in ended[0]
