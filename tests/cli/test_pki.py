"""`hangu pki`: what it issues is complete, what it revokes is on the list the gateway reads."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

import jwt
import pytest
from cryptography import x509

from gateway.cli import pki
from gateway.pki.tokens import thumbprint
from gateway.settings import FILE_NAME, load
from gateway.site import create


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    pki.configure(parser)
    return pki.run(parser.parse_args(words))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    create(tmp_path / "site", datetime.now(UTC))
    return tmp_path / "site"


def certificate_of(site: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((site / "clients" / name / "cert.pem").read_bytes())


def claims_of(site: Path, name: str) -> dict[str, object]:
    token = (site / "clients" / name / "token.jwt").read_text()
    identity = load(site).identity
    claims: dict[str, object] = jwt.decode(
        token, identity.keys[0].read_bytes(), algorithms=["EdDSA"], audience=identity.audience, issuer=identity.issuer
    )
    return claims


def revoked(site: Path) -> set[int]:
    crl = load(site).tls.crl
    assert crl is not None
    return {entry.serial_number for entry in x509.load_pem_x509_crl(crl.read_bytes())}


def test_a_new_caller_gets_certificate_key_and_bound_token(site: Path) -> None:
    assert run("issue", str(site), "ana", "--tenant", "acme", "--role", "analyst", "--role", "reader") == 0
    claims = claims_of(site, "ana")
    assert (claims["sub"], claims["tenant"], claims["roles"]) == ("ana", "acme", ["analyst", "reader"])
    assert claims["cnf"] == {"x5t#S256": thumbprint(certificate_of(site, "ana"))}
    assert (site / "clients" / "ana" / "key.pem").exists()


@pytest.mark.parametrize("name", ["../x", "Ana", "", "a b", "a" * 64, "-a", "server", "analyst"])
def test_a_name_that_is_taken_or_no_name_is_refused(site: Path, name: str) -> None:
    before = sorted(site.rglob("*"))
    assert run("issue", str(site), "--role", "analyst", "--", name) == 1
    assert sorted(site.rglob("*")) == before


def test_a_renewal_binds_a_new_token_to_a_new_certificate(site: Path) -> None:
    old = certificate_of(site, "analyst")
    assert run("renew", str(site), "analyst") == 0
    new = certificate_of(site, "analyst")
    assert new.serial_number != old.serial_number
    assert claims_of(site, "analyst")["cnf"] == {"x5t#S256": thumbprint(new)}
    assert claims_of(site, "analyst")["roles"] == ["analyst"]
    assert revoked(site) == set()


def test_a_renewal_can_revoke_the_old_certificate(site: Path) -> None:
    old = certificate_of(site, "analyst")
    assert run("renew", str(site), "analyst", "--revoke-old") == 0
    assert revoked(site) == {old.serial_number}


def test_the_server_is_renewed_for_the_names_it_answers_to(site: Path) -> None:
    text = (site / FILE_NAME).read_text()
    (site / FILE_NAME).write_text(text.replace('["localhost", ', '["llm.example.org:443", "localhost", '))
    assert run("renew", str(site), "server") == 0
    server = x509.load_pem_x509_certificate((site / "pki" / "server.pem").read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["llm.example.org", "localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]


def test_a_revoked_caller_is_on_the_list_and_stays_there(site: Path) -> None:
    serial = certificate_of(site, "guest").serial_number
    assert run("revoke", str(site), "guest") == 0
    assert run("crl", str(site)) == 0
    assert revoked(site) == {serial}
    assert run("revoke", str(site), "guest") == 1


def test_it_warns_when_the_gateway_reads_another_list(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (site / FILE_NAME).read_text()
    (site / FILE_NAME).write_text(text.replace('crl = "pki/crl.pem"', 'crl = "/etc/pki/crl.pem"'))
    assert run("revoke", str(site), "guest") == 0
    assert "does not see this one" in capsys.readouterr().err


def test_the_list_of_what_was_issued_says_what_became_of_it(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("revoke", str(site), "guest")
    capsys.readouterr()
    assert run("list", str(site)) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    states = {line[0]: (line[1], line[2]) for line in lines}
    assert states["guest"] == ("client", "revoked")
    assert states["analyst"] == ("client", "valid")
    assert states["server"] == ("server", "valid")


def test_an_authority_can_be_made_beside_existing_settings_and_only_once(tmp_path: Path) -> None:
    assert run("init", str(tmp_path)) == 0
    assert (tmp_path / "pki" / "ca.pem").exists()
    assert run("init", str(tmp_path)) == 1


def test_a_site_whose_tokens_come_from_elsewhere_changes_nothing(site: Path) -> None:
    (site / "keys" / "tokens.key").unlink()
    before = certificate_of(site, "analyst")
    assert run("renew", str(site), "analyst") == 1
    assert certificate_of(site, "analyst") == before
