"""A leaked text leads to its exchange, that somebody traced it is on record, and a text of nobody's stays nobody's."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.rig.segments import records
from gateway import keys, settings, tracing
from gateway.audit import record
from gateway.audit.journal import Journal
from gateway.audit.seal import FileSigner
from gateway.cli.main import main
from gateway.core.exchange import Exchange, Principal
from gateway.core.pipeline import Judgement
from tests.end_to_end.site import hangu
from tests.make import an_exchange
from watermark import embed, fingerprint, labels

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
    text = embed(ANSWER, keys.marks(wanted.watermark), MARK)
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


QUOTED = (
    "The quarterly report of the northern depot must reach the auditors before the ninth of May; nobody but the head of "
    "the depot may sign it, and copies are kept for seven years in the blue cabinet beside the stairs of the old house."
)
PARAGRAPHS = (
    "Rivers carry what the mountains lose, grain by grain, and leave it where the plain begins to tire them out.",
    "A clock that strikes thirteen is wrong about more than the hour, and everybody in the square knows it well.",
    "Bread wants time more than it wants hands; whoever hurries the dough will taste the hurry in the crust later.",
)


async def _written(site: Path, *exchanges: tuple[Exchange, str]) -> None:
    signer = FileSigner.load(site / "keys" / "audit.key")
    async with Journal.open(Path(settings.load(site, complete=False).audit.directory), "w9", signer=signer) as journal:
        for exchange, text in exchanges:
            opened = record.opened(exchange, Judgement(exchange), "p", time.time(), redacted=exchange.passages)
            await journal.append(opened)
            await journal.append(record.closed(exchange, time.time(), "answered", answers={"choices[0].content": text}))


@pytest.fixture
def quoting(tmp_path: Path) -> Path:
    """A site where one prompt was quoted by an answer, and one answer was pasted into a prompt."""
    directory = tmp_path / "site"
    assert hangu("init", str(directory)).returncode == 0
    ben = Principal("ben", "acme", ("analyst",))
    asked = an_exchange(f"Shorten this: {QUOTED}", id="hx-1", mark=1)
    quoted = f"{QUOTED} {PARAGRAPHS[0]}"
    first = an_exchange("tell me of clocks", id="hx-2", mark=2)
    said = f"{PARAGRAPHS[1]} {PARAGRAPHS[2]}"
    pasted = an_exchange(f"Rewrite: {said}", id="hx-3", mark=3, principal=ben)
    asyncio.run(_written(directory, (asked, quoted), (first, said), (pasted, "As you wish.")))
    return directory


def test_a_quoted_prompt_names_nobody(quoting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = trace(quoting, QUOTED, tmp_path, capsys)
    assert (code, found["grade"], found["user"]) == (1, "unknown", None)
    assert found["evidence"]["background_share"] == 1.0


def test_pasting_an_answer_into_a_prompt_does_not_launder_it(
    quoting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = trace(quoting, f"{PARAGRAPHS[1]} {PARAGRAPHS[2]}", tmp_path, capsys)
    assert (code, found["grade"], found["exchange"]) == (0, "request", "hx-2")
    assert not found["evidence"]["convict_grade"] and "same_text" in found["evidence"]["caveats"]


def test_a_document_that_everybody_has_leads_to_nobody_once_it_is_named(
    quoting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leaflet = tmp_path / "leaflet.txt"
    leaflet.write_text(f"{PARAGRAPHS[1]} {PARAGRAPHS[2]}")
    assert main(["watermark", "background", str(quoting), str(leaflet)]) == 0
    capsys.readouterr()
    assert trace(quoting, leaflet.read_text(), tmp_path, capsys)[1]["grade"] == "unknown"


def test_an_answer_is_exported_with_its_signed_label_in_front(
    quoting: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watermark", "export", str(quoting), "hx-2", "--eu"]) == 0
    head, text = capsys.readouterr().out.removeprefix("---\n").split("---\n", 1)
    told = yaml.safe_load(head)
    label = labels.Aigc("", "hx-2")
    assert told["AIGC"] == label.as_dict()
    seed = keys.marks(settings.load(quoting, complete=False).watermark).current.label
    assert labels.verify(label, told["AIGC_signature"], Ed25519PrivateKey.from_private_bytes(seed).public_key())
    assert text.strip() == f"{PARAGRAPHS[1]} {PARAGRAPHS[2]}\n\n{labels.EU_NOTICE['en']}"
    assert main(["watermark", "export", str(quoting), "hx-9"]) == 2


def test_erased_texts_leave_no_fingerprints(quoting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = f"{PARAGRAPHS[1]} {PARAGRAPHS[2]}"
    assert trace(quoting, said, tmp_path, capsys)[1]["grade"] == "request"
    token = str(quoting / "clients" / "auditor" / "token.jwt")
    erase = ["audit", "erase", str(quoting), "--tenant", "acme", "--user", "ana", "--token", token, "--reason", "asked"]
    assert main(erase) == 0
    capsys.readouterr()
    assert trace(quoting, said, tmp_path, capsys)[1]["candidates"] == []
    site = settings.load(quoting, complete=False)
    places = tracing.Places(Path(site.audit.directory), Path(site.watermark.index))
    with tracing.indices(places, keys.marks(site.watermark)) as both:
        assert not both.answers.query(fingerprint(said, both.key))


@pytest.mark.parametrize(
    ("change", "tokens", "reason", "missing"),
    [
        ("", ["analyst"], "", "may not trace"),
        ("without_token: true->without_token: false", [], "", "takes a token"),
        ("reason: false->reason: true", [], " ", "takes a reason"),
        ("persons: 1->persons: 2", ["auditor"], "", "two people"),
        ("persons: 1->persons: 2", ["auditor", "auditor"], "", "two people"),
        ("per_hour: 60->per_hour: 1", ["auditor"], "", ""),
        ("tracing:->trading:", [], "", "who may trace cannot be read"),
    ],
)
def test_who_may_trace_and_how_is_policy(
    quoting: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: str,
    tokens: list[str],
    reason: str,
    missing: str,
) -> None:
    policy = quoting / "policies" / "watermark.yaml"
    old, _, new = change.partition("->")
    policy.write_text(policy.read_text().replace(old, new) if old else policy.read_text())
    leak = tmp_path / "leak.txt"
    leak.write_text(QUOTED)
    papers = [word for name in tokens for word in ("--token", str(quoting / "clients" / name / "token.jwt"))]
    command = ["trace", str(quoting), str(leak), "--reason", reason, *papers]
    code = main(command)
    told = capsys.readouterr()
    assert (code == 2) is bool(missing) and missing in told.err
    if not missing:  # the limit: the second within the hour
        assert main(command) == 2 and "in the last hour" in capsys.readouterr().err


def test_four_eyes_are_two_people_on_record(quoting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = quoting / "policies" / "watermark.yaml"
    policy.write_text(
        policy.read_text().replace("persons: 1", "persons: 2").replace("[auditor]", "[auditor, operator]")
    )
    papers = [w for n in ("auditor", "operator") for w in ("--token", str(quoting / "clients" / n / "token.jwt"))]
    assert trace(quoting, QUOTED, tmp_path, capsys, *papers)[0] == 1
    events = [each for each in records(quoting / "audit") if each["type"] == "event" and each["kind"] == "leak.traced"]
    assert events[-1]["actor"] == "demo/auditor + demo/operator"


@pytest.mark.parametrize("suffix", [".md", ".html"])
def test_the_finding_says_the_same_in_both_languages_and_quotes_nothing(
    site: Path, marked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    path = tmp_path / f"finding{suffix}"
    trace(site, marked, tmp_path, capsys, "--reason", "ticket <12>", "--finding", str(path))
    told = path.read_text("utf-8")
    for word in ("Finding on a leaked text", "泄露文本溯源结论", "x-1", "acme", "ana"):
        assert word in told
    assert ANSWER[:60] not in told and "<12>" not in told
