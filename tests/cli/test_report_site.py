"""What a report learns of a site beside its records, and what it does when that cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compliance_reports.evidence.catalogue import measure
from compliance_reports.facts import Facts, Surroundings
from compliance_reports.gathering import Reading, gather
from gateway import settings
from gateway.audit.query import open_query
from gateway.audit.seal import FileSigner
from gateway.cli.audit import place_of
from gateway.cli.report_site import decider, papers_of, rules_of, surroundings
from gateway.site import create
from policies import bundle
from tests.compliance_reports.records import some_records, write


def a_site(directory: Path, made: datetime | None = None) -> Path:
    create(directory, made or datetime.now(UTC))
    write(directory / "audit", FileSigner.load(directory / "keys" / "audit.key"), some_records(5))
    return directory


def around(site: Path) -> Surroundings:
    return surroundings(site, place_of(site, None))


def facts_of(site: Path, until: float | None = None) -> Facts:
    with open_query(site / "audit") as record:
        return gather(record, Reading(until=until), around(site))


def test_a_fresh_site_is_verified_and_its_policy_and_papers_are_known(tmp_path: Path) -> None:
    found = around(a_site(tmp_path / "site"))
    assert found.verification.trusted
    assert found.rules is not None
    assert found.rules.modes == {"waf": "enforce", "output": "enforce"}
    assert ("role:analyst", "*", "*", "chat", "allow", "standard") in found.rules.grants
    assert found.papers is not None
    assert len(found.papers) >= 2


def test_access_is_asked_with_what_a_record_holds_and_decides_as_the_gateway_does(tmp_path: Path) -> None:
    create(tmp_path / "site", datetime.now(UTC))
    decide = decider(bundle.load(tmp_path / "site" / "policies"))
    assert decide("ana", ("analyst",), "demo", "smollm2", "chat") == (
        True, ("role:analyst,*,*,chat,allow,standard",),
    )  # fmt: skip
    assert decide("ana", ("analyst",), "demo", "", "chat")[0]  # no name means the default model
    assert not decide("gus", ("guest",), "demo", "smollm2", "chat")[0]
    assert not decide("ana", ("analyst",), "demo", "no-such-model", "chat")[0]
    assert decide("gus", ("guest",), "demo", "", "models")[0]  # a list of models names none


def test_a_policy_that_cannot_be_read_is_said_and_stops_nothing(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site")
    (site / "policies" / "access" / "policy.csv").write_text("p, nonsense\n")
    assert rules_of(site / "policies") is None
    figures = measure(facts_of(site))
    for name in ("E7.unused", "E7.mismatched", "E17.unlisted", "E9.watching"):
        assert not figures[name].known
        assert "could not be read" in figures[name].why.en
    assert figures["E7.uncovered"].known  # what the record alone shows is still shown


def test_a_certificate_that_ended_before_the_period_did_is_found(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site")
    told = settings.load(site, complete=False)
    server = next(paper for paper in papers_of(told) if paper.name.startswith("server.pem"))
    late = server.ends / 1000 + 86_400
    figure = measure(facts_of(site, until=late))["E6.expired"]
    assert figure.value >= 1
    assert any("server.pem" in sample.note for sample in figure.samples)
    soon = datetime.now(UTC) + timedelta(hours=1)
    assert measure(facts_of(site, until=soon.timestamp()))["E6.expired"].value == 0


def test_papers_that_cannot_be_read_count_as_ended(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site")
    (site / "pki" / "server.pem").write_text("not a certificate")
    assert measure(facts_of(site))["E6.expired"].value == 1


def test_without_the_public_key_nothing_is_verified_and_nothing_supported(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site")
    (site / "keys" / "audit.pem").unlink()
    found = around(site).verification
    assert not found.trusted
    assert "public key" in found.fault


@pytest.mark.parametrize("missing", ["gateway.toml", "policies"])
def test_a_copy_without_settings_or_policies_is_still_reported_on(tmp_path: Path, missing: str) -> None:
    site = a_site(tmp_path / "site")
    (site / missing).rename(tmp_path / "gone")
    found = around(site)
    assert found.rules is None
    assert found.verification.trusted
