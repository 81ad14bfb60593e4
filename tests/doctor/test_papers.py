"""What the doctor says about certificates, revocation lists and keys: each fault is found, and a sound site has none."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.doctor.check import Check, State
from gateway.doctor.papers import check_papers
from gateway.pki import files, store
from gateway.pki.certificates import revocation_list, server_certificate
from gateway.settings import FILE_NAME, load
from gateway.site import create

NOW = datetime.now(UTC)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    create(tmp_path / "site", NOW)
    return tmp_path / "site"


def faults(site: Path, now: datetime = NOW) -> dict[str, str]:
    checks = check_papers(load(site, complete=False), now)
    return {check.subject[0]: _whole(check) for check in checks if check.state is not State.FINE}


def _whole(check: Check) -> str:
    return f"{check.said[0]}; {check.hint[0]}"


def test_a_new_site_is_sound(site: Path) -> None:
    assert faults(site) == {}


@pytest.mark.parametrize(
    ("days", "subjects"),
    [
        (60, set()),
        (80, {"revocation list"}),
        (91, {"revocation list"}),
        (350, {"revocation list", "server certificate"}),
        (366, {"revocation list", "server certificate"}),
        (3651, {"revocation list", "server certificate", "client authorities"}),
    ],
)
def test_what_expires_is_said_before_and_after(site: Path, days: int, subjects: set[str]) -> None:
    assert set(faults(site, NOW + timedelta(days=days))) == subjects


def test_a_certificate_from_the_future_points_at_the_clock(site: Path) -> None:
    assert "clock" in faults(site, NOW - timedelta(days=1))["server certificate"]


def a_key_of_another_site(site: Path) -> None:
    other = site.parent / "other"
    create(other, NOW)
    files.replace(site / "pki" / "server.key", (other / "pki" / "server.key").read_bytes(), 0o600)


def a_list_of_another_authority(site: Path) -> None:
    other = site.parent / "other"
    create(other, NOW)
    files.replace(site / "pki" / "crl.pem", (other / "pki" / "crl.pem").read_bytes())


def a_forged_list(site: Path) -> None:
    """Carries the authority's name and somebody else's signature."""
    mine = store.load_authority(site / "pki")
    store.found(site.parent / "other", mine.certificate.subject.rfc4514_string().removeprefix("CN="), ("x",), NOW)
    forged = revocation_list(store.load_authority(site.parent / "other"), (), 9, NOW)
    files.replace(site / "pki" / "crl.pem", forged)


def a_chain_out_of_order(site: Path) -> None:
    server = site / "pki" / "server.pem"
    a_stranger = server_certificate(store.load_authority(site / "pki"), ("x",), NOW).certificate_pem
    files.replace(server, server.read_bytes() + a_stranger)


def a_name_the_certificate_lacks(site: Path) -> None:
    text = (site / FILE_NAME).read_text().replace('["localhost"', '["llm.example.org", "localhost"')
    (site / FILE_NAME).write_text(text)


def no_revocation_list(site: Path) -> None:
    (site / FILE_NAME).write_text((site / FILE_NAME).read_text().replace('crl = "pki/crl.pem"', ""))


def an_audit_key_of_another_site(site: Path) -> None:
    other = site.parent / "other"
    create(other, NOW)
    files.replace(site / "keys" / "audit.pem", (other / "keys" / "audit.pem").read_bytes())


def an_audit_key_that_is_none(site: Path) -> None:
    files.replace(site / "keys" / "audit.key", b"none", 0o600)


@pytest.mark.parametrize(
    ("fault", "subject", "says"),
    [
        (a_key_of_another_site, "server certificate", "cannot be used with"),
        (a_list_of_another_authority, "revocation list", "has no list, so all its clients are refused"),
        (a_forged_list, "revocation list", "has no list"),
        (a_chain_out_of_order, "server certificate", "out of order"),
        (a_name_the_certificate_lacks, "server certificate", "does not name llm.example.org"),
        (no_revocation_list, "revocation list", "stolen certificate"),
        (an_audit_key_of_another_site, "audit keys", "does not begin with the other half"),
        (an_audit_key_that_is_none, "audit keys", "not a private key in PEM"),
    ],
)
def test_a_fault_is_found_and_named(site: Path, fault: Callable[[Path], None], subject: str, says: str) -> None:
    fault(site)
    found = faults(site)
    assert list(found) == [subject]
    assert says in found[subject]


def test_a_key_that_others_can_read_is_a_problem_where_they_can_reach_it() -> None:
    with tempfile.TemporaryDirectory() as place:  # not tmp_path, which others cannot enter
        site = Path(place) / "site"
        create(site, NOW)
        (site / "keys" / "pii.key").chmod(0o644)
        assert faults(site) == {}
        for folder in (Path(place), site, site / "keys"):
            folder.chmod(0o755)
        assert "pii.key can be read by others" in faults(site)["key files"]
