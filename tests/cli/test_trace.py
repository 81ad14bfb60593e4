"""A leaked text leads to its exchange, that somebody traced it is on record, and a text of nobody's stays nobody's."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from benchmarks.rig.segments import records
from gateway import settings
from gateway.audit import record
from gateway.audit.journal import Journal
from gateway.audit.seal import FileSigner
from gateway.cli.main import main
from gateway.core.pipeline import Judgement
from tests.end_to_end.site import hangu
from tests.make import an_exchange
from watermark import Keys, embed

MARK = 0x1_0203_0405
ANSWER = (
    "A pass is where a road crosses the mountains at their lowest. Whoever held the gate there could ask each traveller "
    "for papers, and turn away those who had none. The keeper of this one asked an old man for a text instead, and the "
    "text is read to this day. Gates of stone fell long ago; the questions they asked are still the right ones."
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site whose record holds one marked answer, given to ana of acme."""
    directory = tmp_path_factory.mktemp("traced") / "site"
    assert hangu("init", str(directory)).returncode == 0
    return directory


@pytest.fixture(scope="module")
def marked(site: Path) -> str:
    wanted = settings.load(site)
    text = embed(ANSWER, Keys.from_master(wanted.watermark.master_key.key()), MARK)
    exchange = an_exchange("tell me of passes", mark=MARK)
    signer = FileSigner.load(site / "keys" / "audit.key")

    async def write() -> None:
        async with Journal.open(Path(wanted.audit.directory), "w0", signer=signer) as journal:
            await journal.append(record.opened(exchange, Judgement(exchange), "policy", time.time()))
            await journal.append(record.closed(exchange, time.time(), "answered", answers={"choices[0].content": text}))

    asyncio.run(write())
    return text


def trace(site: Path, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict]:  # type: ignore[type-arg]
    path = tmp_path / "leak.txt"
    path.write_text(text, "utf-8")
    code = main(["trace", str(site), str(path), *more])
    return code, json.loads(capsys.readouterr().out)


def test_a_piece_of_an_answer_names_its_exchange(
    site: Path, marked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = trace(site, marked[60:-40], tmp_path, capsys)
    assert (code, found["verdict"], found["grade"]) == (0, "traced", "request")
    assert (found["exchange"], found["tenant"], found["user"]) == ("x-1", "acme", "ana")
    assert found["false_attribution_probability"] <= 1e-9


def test_tracing_is_itself_on_the_record(
    site: Path, marked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = site / "clients" / "auditor" / "token.jwt"
    _, found = trace(site, marked, tmp_path, capsys, "--reason", "ticket 12", "--token", str(token))
    assert found["evidence"]["recorded"]
    events = [each for each in records(site / "audit") if each["type"] == "event" and each["kind"] == "leak.traced"]
    assert events[-1]["actor"] == "demo/auditor"
    assert "ticket 12" in json.dumps(events[-1])


def test_a_text_that_was_never_given_to_anybody_names_nobody(
    site: Path, marked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = trace(site, "Nothing here was ever said by the gate. " * 8, tmp_path, capsys)
    assert (code, found["verdict"], found["grade"]) == (1, "not_traced", "unknown")
    assert found["exchange"] is None and found["user"] is None
