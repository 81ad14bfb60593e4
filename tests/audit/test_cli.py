"""`hangu audit` as people and scripts use it: exit codes, and words that name the thing."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import jwt
import pytest

from gateway.audit import frames
from gateway.audit.journal import Journal
from gateway.audit.record import opened
from gateway.audit.seal import FileSigner, generate_key
from gateway.audit.segment import Sizes
from gateway.audit.vault import Key, Vault
from gateway.cli.main import main
from tests.audit.examples import AT, DIGEST, a_closed, an_exchange, an_opened, let_in

SIZES = Sizes(ballast=0, reserve=0)


@pytest.fixture
async def site(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    for name in ("audit", "tokens"):
        private, public = generate_key()
        (tmp_path / "keys" / f"{name}.key").write_bytes(private)
        (tmp_path / "keys" / f"{name}.pem").write_bytes(public)
    (tmp_path / "keys" / "sealing.key").write_text("6d" * 32)
    (tmp_path / "gateway.toml").write_text(
        '[identity]\nissuer = "i"\naudience = "a"\nkeys = ["keys/tokens.pem"]\n'
        '[audit]\ndirectory = "audit"\nsigning_key = { file = "keys/audit.key" }\npublic_key = "keys/audit.pem"\n'
        'sealing_key = { file = "keys/sealing.key" }\n'
    )
    vault = Vault(tmp_path / "keys" / "subjects", Key(b"m" * 32))
    signer = FileSigner.load(tmp_path / "keys" / "audit.key")
    async with Journal.open(tmp_path / "audit", sizes=SIZES, signer=signer) as journal:
        exchange = an_exchange("x1", "as it came: 13800138000")
        sealing = vault.begin("x1", "acme", "ana")
        sealed = sealing.seal("request", [("messages[0].content", "as it came: 13800138000")])
        await journal.append(opened(exchange, let_in(exchange), DIGEST, AT, sealed=sealed))
        answer = sealing.seal("answer", [("choices[0].content", "as it was written")])
        await journal.append(replace(a_closed("x1"), sealed=answer))
        await journal.append(an_opened("x2", "合同", user="bob"))
    return tmp_path


def token(site: Path, name: str, *roles: str, expires: float = 600, key: str = "tokens") -> str:
    claims = {"iss": "i", "aud": "a", "sub": name, "tenant": "acme", "roles": roles, "exp": time.time() + expires}
    path = site / f"{name}.jwt"
    path.write_text(jwt.encode(claims, (site / "keys" / f"{key}.key").read_bytes(), algorithm="EdDSA"))
    return str(path)


def test_a_whole_record_is_0_a_changed_one_1_and_none_2(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "verify", str(site)]) == 0
    assert "whole and unchanged" in capsys.readouterr().out
    path = frames.segments(site / "audit", "w0")[0][1]
    path.write_bytes(path.read_bytes().replace(b'"bob"', b'"eve"'))
    assert main(["audit", "verify", str(site)]) == 1
    assert f"problem: {path.name}: record 3: " in capsys.readouterr().out
    assert main(["audit", "verify", str(tmp_path / "nowhere")]) == 2


def test_it_speaks_chinese_to_those_who_do(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert main(["audit", "verify", str(site)]) == 0
    assert "记录完整，未被改动" in capsys.readouterr().out


def test_an_auditor_needs_the_directory_and_the_key_alone(site: Path, tmp_path: Path) -> None:
    key = ["--key", str(site / "keys" / "audit.pem")]
    assert main(["audit", "verify", str(site / "audit"), *key]) == 0
    other = tmp_path / "other.pem"
    other.write_bytes(generate_key()[1])
    assert main(["audit", "verify", str(site / "audit"), "--key", str(other)]) == 1
    assert main(["audit", "verify", str(site / "audit")]) == 2  # no key, no answer


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (["--exchange", "x1"], ["x1", "x1"]),
        (["--text", "合同"], ["x2"]),
        (["--user", "bob", "--from", "2023-11-14", "--to", "2023-11-15"], ["x2"]),
        (["--outcome", "answered"], ["x1"]),
    ],
)
def test_query_prints_a_json_line_each(
    site: Path, arguments: list[str], ids: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "query", str(site), *arguments]) == 0
    assert [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()] == ids


def test_query_that_finds_nothing_is_1(site: Path) -> None:
    assert main(["audit", "query", str(site), "--user", "nobody"]) == 1


def test_query_prints_for_people_too(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "query", str(site), "--format", "lines"]) == 0
    assert "acme/ana" in capsys.readouterr().out


def test_a_proof_goes_out_and_is_checked_elsewhere(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "prove", str(site), "x1"]) == 0
    proof = tmp_path / "proof.json"
    proof.write_text(capsys.readouterr().out)
    assert main(["audit", "prove", str(site), "x1", "--check", str(proof)]) == 0
    proof.write_text(proof.read_text().replace("smollm2", "smollm3"))
    assert main(["audit", "prove", str(site), "x1", "--check", str(proof)]) == 1
    assert main(["audit", "prove", str(site), "unknown"]) == 1


@pytest.mark.parametrize("form", ["csv", "jsonl", "tiles"])
def test_export_writes_each_form(site: Path, tmp_path: Path, form: str) -> None:
    out = tmp_path / "out"
    assert main(["audit", "export", str(site), "--format", form, "--out", str(out)]) == 0
    assert (out / "w0" / "checkpoint").exists() if form == "tiles" else out.stat().st_size > 0


def test_reveal_takes_an_auditors_token_and_shows_the_original(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    auditor = token(site, "eve", "auditor")
    assert main(["audit", "reveal", str(site), "x1", "--reason", "incident", "--token", auditor]) == 0
    shown = capsys.readouterr().out.strip()
    assert shown == "[messages[0].content]\nas it came: 13800138000\n\n[choices[0].content]\nas it was written"
    assert main(["audit", "query", str(site), "--outcome", "record.revealed"]) == 0


@pytest.mark.parametrize(
    ("roles", "expires", "key"),
    [(["analyst"], 600, "tokens"), (["auditor"], -600, "tokens"), (["auditor"], 600, "audit")],
)
def test_reveal_and_erase_refuse_everybody_else(site: Path, roles: list[str], expires: float, key: str) -> None:
    bad = token(site, "mallory", *roles, expires=expires, key=key)
    assert main(["audit", "reveal", str(site), "x1", "--reason", "curious", "--token", bad]) == 2
    assert (
        main(["audit", "erase", str(site), "--tenant", "acme", "--user", "ana", "--reason", "x", "--token", bad]) == 2
    )
    assert main(["audit", "query", str(site), "--outcome", "record.erased"]) == 1


def test_erase_is_final_and_the_record_verifies(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    auditor = token(site, "eve", "auditor")
    whose = ["--tenant", "acme", "--user", "ana", "--reason", "request", "--token", auditor]
    assert main(["audit", "erase", str(site), *whose]) == 0
    assert "erased the texts of 2 records, and the key" in capsys.readouterr().out
    assert main(["audit", "verify", str(site)]) == 0
    assert main(["audit", "reveal", str(site), "x1", "--reason", "late", "--token", auditor]) == 2
    assert main(["audit", "erase", str(site), *whose, "--hold"]) == 0
    assert main(["audit", "erase", str(site), *whose]) == 2


def test_a_replaced_key_opens_everything_and_only_operators_replace_it(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    auditor, operator = token(site, "eve", "auditor"), token(site, "olga", "operator")
    before = (site / "keys" / "sealing.key").read_text()
    assert main(["audit", "rekey", str(site), "--reason", "yearly", "--token", auditor]) == 2
    assert (site / "keys" / "sealing.key").read_text() == before
    assert main(["audit", "rekey", str(site), "--reason", "yearly", "--token", operator]) == 0
    assert (site / "keys" / "sealing.key").read_text() != before
    capsys.readouterr()
    assert main(["audit", "reveal", str(site), "x1", "--reason", "incident", "--token", auditor]) == 0
    assert "as it came" in capsys.readouterr().out
    assert main(["audit", "query", str(site), "--outcome", "key.replaced"]) == 0


def test_a_key_that_was_being_replaced_when_the_power_went_is_replaced_on_the_next_try(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vault = Vault(site / "keys" / "subjects", Key(b"m" * 32))
    vault.rewrap(Key(b"n" * 32))  # everything is under the new key, and it has not got its name yet
    (site / "keys" / "sealing.key.next").write_text("6e" * 32)
    operator, auditor = token(site, "olga", "operator"), token(site, "eve", "auditor")
    assert main(["audit", "rekey", str(site), "--reason", "again", "--token", operator]) == 0
    assert (site / "keys" / "sealing.key").read_text() == "6e" * 32
    capsys.readouterr()
    assert main(["audit", "reveal", str(site), "x1", "--reason", "incident", "--token", auditor]) == 0


def test_a_site_moves_to_another_sealing_key_by_naming_the_one_to_come(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    operator, auditor = token(site, "olga", "operator"), token(site, "eve", "auditor")
    (site / "keys" / "other.key").write_text("6f" * 32)
    settings = (site / "gateway.toml").read_text()
    (site / "gateway.toml").write_text(settings + 'sealing_key_next = { file = "keys/other.key" }\n')
    reveal = ["audit", "reveal", str(site), "x1", "--reason", "incident", "--token", auditor]
    assert main(reveal) == 0  # either opens meanwhile
    assert main(["audit", "rekey", str(site), "--reason", "to another", "--token", operator]) == 0
    assert "wrapped the keys of 1 tenants anew" in capsys.readouterr().out
    assert main(reveal) == 0
    (site / "gateway.toml").write_text(settings.replace("keys/sealing.key", "keys/other.key"))
    assert main(reveal) == 0
    (site / "gateway.toml").write_text(settings)
    assert main(reveal) == 2
    assert "does not open it" in capsys.readouterr().err


def test_a_new_signing_key_signs_every_log_and_what_the_old_one_signed_verifies(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    auditor, operator = token(site, "eve", "auditor"), token(site, "olga", "operator")
    assert main(["audit", "prove", str(site), "x1"]) == 0
    proof = site / "proof.json"
    proof.write_text(capsys.readouterr().out)
    before = (site / "keys" / "audit.key").read_bytes()
    assert main(["audit", "rotate", str(site), "--reason", "yearly", "--token", auditor]) == 2
    assert (site / "keys" / "audit.key").read_bytes() == before
    assert main(["audit", "rotate", str(site), "--reason", "yearly", "--token", operator]) == 0
    assert "signed anew: w0" in capsys.readouterr().out
    assert (site / "keys" / "audit.key").read_bytes() != before
    assert (site / "keys" / "audit.key").stat().st_mode & 0o777 == 0o600
    assert main(["audit", "verify", str(site)]) == 0
    assert main(["audit", "prove", str(site), "x1", "--check", str(proof)]) == 0
    assert main(["audit", "query", str(site), "--outcome", "key.replaced"]) == 0


def test_a_rotation_that_a_crash_broke_off_is_finished_by_the_next_try(site: Path) -> None:
    operator = token(site, "olga", "operator")
    private, public = generate_key()
    (site / "keys" / "audit.key.next").write_bytes(private)  # made, and listed, and the power went
    (site / "keys" / "audit.pem").write_bytes(public + (site / "keys" / "audit.pem").read_bytes())
    assert main(["audit", "rotate", str(site), "--reason", "again", "--token", operator]) == 0
    assert (site / "keys" / "audit.key").read_bytes() == private
    assert (site / "keys" / "audit.pem").read_bytes().count(b"BEGIN PUBLIC KEY") == 2
    assert main(["audit", "verify", str(site)]) == 0


def test_a_log_whose_worker_is_gone_is_finished_and_only_once(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    operator = token(site, "olga", "operator")
    finish = ["audit", "finish", str(site), "--reason", "two workers now", "--token", operator]
    assert main(finish) == 0  # the fixture left x2 open
    assert "finished: w0" in capsys.readouterr().out
    assert main(finish) == 0
    assert "finished: none" in capsys.readouterr().out
    assert main(["audit", "query", str(site), "--exchange", "x2", "--kind", "closed"]) == 0
    assert json.loads(capsys.readouterr().out)["fault"] == "interrupted"


@pytest.mark.parametrize(
    ("policy", "persons", "code"),
    [
        ("version: 1\nauditors: 2\n", ["eve"], 2),
        ("version: 1\nauditors: 2\n", ["eve", "adam"], 0),
        ("version: 1\nrules: [{tenants: [acme], keep: sealed, auditors: 2, reason: r}]\n", ["eve"], 2),
        ("version: 1\nrules: [{tenants: [other], keep: sealed, auditors: 2, reason: r}]\n", ["eve"], 0),
        ("version: 1\nauditor: 2\n", ["eve", "adam"], 2),  # cannot be read: nobody may
    ],
)
def test_policy_says_how_many_auditors_a_reveal_takes(site: Path, policy: str, persons: list[str], code: int) -> None:
    (site / "policies").mkdir()
    (site / "policies" / "originals.yaml").write_text(policy)
    who = [argument for name in persons for argument in ("--token", token(site, name, "auditor"))]
    assert main(["audit", "reveal", str(site), "x1", "--reason", "incident", *who]) == code


def test_a_time_that_is_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["audit", "query", "somewhere", "--from", "yesterday"])
    assert "'yesterday' is no date" in capsys.readouterr().err
