"""A site's mark keys are rotated and distrusted by their verbs: on record, for a reason, and old marks are still traced."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from benchmarks.rig.segments import records
from gateway import keys, settings
from gateway.audit import record
from gateway.audit.journal import Journal
from gateway.audit.seal import FileSigner
from gateway.cli.main import main
from gateway.core.errors import GatewayError
from gateway.core.exchange import Principal
from gateway.core.pipeline import Judgement
from tests.end_to_end.site import hangu
from tests.make import an_exchange
from watermark import Keys, decode, embed, sampler

PROSE = "The gateway sits between the people who ask and the models that answer, and it keeps a record of both. " * 5


@pytest.fixture
def site(tmp_path: Path) -> Path:
    directory = tmp_path / "site"
    assert hangu("init", str(directory)).returncode == 0
    return directory


def marks(site: Path) -> Keys:
    return keys.marks(settings.load(site, complete=False).watermark)


def events(site: Path, kind: str) -> list[dict[str, object]]:
    return [each for each in records(site / "audit") if each["type"] == "event" and each["kind"] == kind]


def test_rotating_begins_an_epoch_on_record_and_the_old_marks_are_found(site: Path) -> None:
    old = embed(PROSE, marks(site), 5)
    token = str(site / "clients" / "operator" / "token.jwt")
    assert main(["watermark", "rotate", str(site), "--reason", "each quarter", "--token", token]) == 0
    assert [each.epoch for each in marks(site).epochs] == [2, 1]
    assert decode(old, marks(site)).hits[0].epoch == 1
    assert decode(embed(PROSE, marks(site), 6), marks(site)).hits[0].epoch == 2
    assert events(site, "watermark.rotated")[-1]["actor"] == "demo/operator"


def test_distrusting_an_epoch_says_why_and_begins_the_next(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watermark", "distrust", str(site), "--epoch", "1", "--reason", "a laptop was lost"]) == 0
    capsys.readouterr()
    assert main(["watermark", "epochs", str(site)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["current"] == 2
    assert [(each["epoch"], each["trusted"], each["why"]) for each in told["epochs"]] == [
        (1, False, "a laptop was lost"),
        (2, True, ""),
    ]


def test_a_new_master_keeps_the_old_ones_marks_as_leads(site: Path) -> None:
    old = embed(PROSE, marks(site), 5)
    assert main(["watermark", "distrust", str(site), "--master", "--reason", "a backup was stolen"]) == 0
    folder, file = site / "keys", site / "gateway.toml"
    (folder / "marks.key").rename(folder / "marks.old.key")
    (folder / "marks.key").write_text("ab" * 32)
    said = file.read_text()
    line = next(line for line in said.splitlines() if line.startswith("master_key ="))
    file.write_text(said.replace(line, line + '\nmaster_key_before = { file = "keys/marks.old.key" }'))
    hit = decode(old, marks(site)).hits[0]
    epoch = marks(site).of(hit.epoch)
    assert (hit.mark_id, hit.epoch) == (5, 1) and epoch is not None and not epoch.trusted
    assert marks(site).current.epoch == 2 and marks(site).current.trusted


@pytest.mark.parametrize(
    "arguments",
    [["rotate"], ["distrust", "SITE", "--reason", "r"], ["distrust", "SITE", "--epoch", "1"], ["distrust", "SITE", "--epoch", "9", "--reason", "r"]],
)  # fmt: skip
def test_what_is_not_said_clearly_changes_nothing(site: Path, arguments: list[str]) -> None:
    assert main(["watermark", *(str(site) if each == "SITE" else each for each in arguments)]) == 2
    assert [each.epoch for each in marks(site).epochs] == [1]


def test_labels_verify_with_the_key_that_the_verb_prints(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watermark", "label-key", str(site)]) == 0
    assert load_pem_public_key(capsys.readouterr().out.encode())


def test_a_damaged_list_of_epochs_stops_the_gateway_rather_than_marking_with_the_wrong_key(site: Path) -> None:
    (site / "keys" / "marks.epochs.json").write_text("{")
    with pytest.raises(GatewayError, match="epochs"):
        marks(site)


def test_a_keyed_draw_leads_to_its_user_by_the_tokens_alone(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    words = {f"w{number}": number for number in range(64)}
    model = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="w0"))
    model.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    model.save(str(tmp_path / "tokenizer.json"))
    exchanges = [an_exchange("hi", id=f"hx-{n}", principal=Principal(n, "acme", ())) for n in ("ana", "ben", "cho")]

    async def write() -> None:
        signer = FileSigner.load(site / "keys" / "audit.key")
        async with Journal.open(Path(settings.load(site, complete=False).audit.directory), "w0", signer=signer) as log:
            for exchange in exchanges:
                await log.append(record.opened(exchange, Judgement(exchange), "p", exchange.received_at))

    asyncio.run(write())
    key, chance, seen = (
        sampler.user_key(marks(site).current, "acme/ben"),
        np.random.default_rng(3),
        set[tuple[int, ...]](),
    )
    tokens: list[int] = []
    for _ in range(120):
        tokens.append(sampler.sample(np.full(64, 1 / 64), tokens, key, seen, chance.random()))
    text = tmp_path / "text.txt"
    text.write_text(" ".join(f"w{token}" for token in tokens))
    command = ["watermark", "detect-user", str(site), str(text), "--tokenizer", str(tmp_path / "tokenizer.json")]
    assert main(command) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["user"], told["users_tried"]) == ("acme/ben", 3) and told["p"] <= 1e-9
    text.write_text(" ".join(f"w{token}" for token in chance.integers(0, 64, 120)))
    assert main(command) == 1 and json.loads(capsys.readouterr().out)["user"] is None
