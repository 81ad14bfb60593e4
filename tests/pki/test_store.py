"""A small authority on disk: what it issues is accepted, what it revokes is not, and nothing is overwritten."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from gateway.core.errors import GatewayError
from gateway.pki import files, store
from gateway.pki.certificates import Issued, spiffe_id

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    store.found(tmp_path / "pki", "test authority", ("localhost", "127.0.0.1", "::1"), NOW)
    return tmp_path / "pki"


def revoked_serials(directory: Path) -> set[int]:
    crl = x509.load_pem_x509_crl((directory / "crl.pem").read_bytes())
    assert crl.is_signature_valid(store.load_authority(directory).certificate.public_key())  # type: ignore[arg-type]
    return {entry.serial_number for entry in crl}


def crl_number(directory: Path) -> int:
    crl = x509.load_pem_x509_crl((directory / "crl.pem").read_bytes())
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def trusted(directory: Path) -> PolicyBuilder:
    authority = store.load_authority(directory).certificate
    return PolicyBuilder().store(Store([authority])).time(NOW + timedelta(days=1))


def test_an_independent_verifier_accepts_the_server_certificate_for_its_names(directory: Path) -> None:
    server = x509.load_pem_x509_certificate((directory / "server.pem").read_bytes())
    trusted(directory).build_server_verifier(x509.DNSName("localhost")).verify(server, [])


def test_an_independent_verifier_accepts_a_client_certificate_and_reads_its_names(directory: Path) -> None:
    issued = store.issue_client(directory, "ana", "demo", ("analyst",), NOW)
    verified = trusted(directory).build_client_verifier().verify(issued.certificate, [])
    assert x509.UniformResourceIdentifier(spiffe_id("ana")) in (verified.subjects or [])


def test_private_files_are_readable_by_their_owner_alone(directory: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert {name for name, mode in modes.items() if mode == 0o600} >= {"ca.key", "server.key", "issued.json"}
    assert modes["ca.pem"] == modes["crl.pem"] == 0o644


def test_founding_twice_overwrites_nothing(directory: Path) -> None:
    before = (directory / "ca.key").read_bytes()
    with pytest.raises(GatewayError, match="is there already"):
        store.found(directory, "another", ("localhost",), NOW)
    assert (directory / "ca.key").read_bytes() == before


def test_a_name_is_issued_once_and_renewed_with_its_tenant_and_roles(directory: Path) -> None:
    first = store.issue_client(directory, "ana", "demo", ("analyst",), NOW)
    with pytest.raises(GatewayError, match="issued already"):
        store.issue_client(directory, "ana", "demo", (), NOW)
    second, entry = store.renew_client(directory, "ana", NOW)
    assert (entry.tenant, entry.roles) == ("demo", ("analyst",))
    assert second.certificate.serial_number != first.certificate.serial_number


def test_revoking_lists_every_certificate_of_the_name_and_no_other(directory: Path) -> None:
    mine = [store.issue_client(directory, "ana", "demo", (), NOW), store.renew_client(directory, "ana", NOW)[0]]
    store.issue_client(directory, "bo", "demo", (), NOW)
    store.revoke(directory, "ana", NOW)
    assert revoked_serials(directory) == {issued.certificate.serial_number for issued in mine}


def test_after_a_renewal_only_the_old_certificate_can_be_revoked(directory: Path) -> None:
    old = store.issue_client(directory, "ana", "demo", (), NOW)
    new, _ = store.renew_client(directory, "ana", NOW)
    store.revoke(directory, "ana", NOW, keep_newest=True)
    assert revoked_serials(directory) == {old.certificate.serial_number}
    assert new.certificate.serial_number not in revoked_serials(directory)


def test_a_fresh_list_keeps_what_was_revoked_and_counts_up(directory: Path) -> None:
    store.issue_client(directory, "ana", "demo", (), NOW)
    store.revoke(directory, "ana", NOW)
    before = revoked_serials(directory), crl_number(directory)
    store.publish(directory, NOW + timedelta(days=30))
    assert (revoked_serials(directory), crl_number(directory)) == (before[0], before[1] + 1)


@pytest.mark.parametrize("name", ["nobody", "server"])
def test_a_name_without_a_valid_client_certificate_cannot_be_revoked_or_renewed(directory: Path, name: str) -> None:
    with pytest.raises(GatewayError, match="no valid certificate"):
        store.revoke(directory, name, NOW)
    with pytest.raises(GatewayError, match="no valid certificate"):
        store.renew_client(directory, name, NOW)


def test_renewing_the_server_changes_certificate_and_key_together(directory: Path) -> None:
    old = (directory / "server.pem").read_bytes()
    issued: Issued = store.renew_server(directory, ("localhost",), NOW)
    assert (directory / "server.pem").read_bytes() == issued.certificate_pem != old
    assert (directory / "server.key").read_bytes() == issued.key_pem


@pytest.mark.parametrize("content", ["", "{}", '{"crl_number": 1, "certificates": [{"serial": "1"}]}', "[1]"])
def test_a_damaged_ledger_stops_every_change(directory: Path, content: str) -> None:
    (directory / "issued.json").write_text(content)
    with pytest.raises(GatewayError, match="is damaged"):
        store.revoke(directory, "ana", NOW)


def test_a_place_without_an_authority_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="hangu pki init"):
        store.issue_client(tmp_path, "ana", "demo", (), NOW)


def test_a_file_is_created_with_its_mode_and_never_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(GatewayError):
        files.write_new(tmp_path / "link", b"secret", files.PRIVATE)
    assert not (tmp_path / "elsewhere").exists()
