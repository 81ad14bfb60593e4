"""`hangu init`: what the contract promises is there, private where it must be, and nothing is overwritten."""

from __future__ import annotations

import argparse
import stat
from pathlib import Path

import jwt
import pytest
from cryptography import x509

from gateway.cli import init
from gateway.pki.tokens import thumbprint
from gateway.settings import load

CALLERS = ("analyst", "guest", "reader", "auditor", "operator")


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    init.configure(parser)
    return init.run(parser.parse_args(words))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    assert run(str(tmp_path / "site"), "--server-name", "llm.example.org") == 0
    return tmp_path / "site"


def test_a_new_site_has_everything_its_settings_name(site: Path) -> None:
    settings = load(site)
    assert settings.tls.crl == site / "pki" / "crl.pem"
    assert settings.identity.require_bound_tokens
    assert "llm.example.org" in settings.listen.server_names
    assert len(settings.watermark.master_key.key(32)) == len(settings.pii.pseudonym_key.key(32)) == 32


@pytest.mark.parametrize("caller", CALLERS)
def test_a_demo_caller_has_a_token_bound_to_its_certificate(site: Path, caller: str) -> None:
    folder = site / "clients" / caller
    settings = load(site)
    certificate = x509.load_pem_x509_certificate((folder / "cert.pem").read_bytes())
    public = settings.identity.keys[0].read_bytes()
    claims = jwt.decode(
        (folder / "token.jwt").read_text(),
        public,
        algorithms=["EdDSA"],
        issuer=settings.identity.issuer,
        audience=settings.identity.audience,
    )
    assert claims["sub"] == caller
    assert claims["roles"] == [caller]
    assert claims["cnf"] == {"x5t#S256": thumbprint(certificate)}


def test_keys_and_tokens_are_readable_by_their_owner_alone(site: Path) -> None:
    private = [path for path in site.rglob("*") if path.suffix in (".key", ".jwt") or path.name == "key.pem"]
    assert len(private) == 2 + 5 + 2 * len(CALLERS)
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    assert {stat.S_IMODE((site / "clients" / name).stat().st_mode) for name in CALLERS} == {0o700}


def test_no_secret_is_written_into_the_settings(site: Path) -> None:
    text = (site / "gateway.toml").read_text("utf-8")
    for name in ("marks", "pii"):
        assert (site / "keys" / f"{name}.key").read_text() not in text


def test_two_sites_share_no_key(site: Path, tmp_path: Path) -> None:
    assert run(str(tmp_path / "other")) == 0
    mine, theirs = ({path.read_bytes() for path in place.rglob("*.key")} for place in (site, tmp_path / "other"))
    assert mine.isdisjoint(theirs)


def test_a_directory_with_anything_in_it_is_refused_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert run(str(tmp_path)) == 1
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    assert run(str(tmp_path / "file")) == 1
    assert "is not a directory" in capsys.readouterr().err


@pytest.mark.parametrize(("locale", "word"), [("zh_CN.UTF-8", "站点已建好"), ("en_US.UTF-8", "a site is ready")])
def test_people_are_told_in_their_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], locale: str, word: str
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    assert run(str(tmp_path / "site")) == 0
    assert word in capsys.readouterr().out
