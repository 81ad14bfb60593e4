"""What happened outside the gateway goes on record by who may say so; what a check found does too."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.audit.projection import Projection
from gateway.audit.query import Filter
from gateway.audit.record import Event
from gateway.cli.main import main


@pytest.fixture
def site(tmp_path: Path) -> Path:
    assert main(["init", str(tmp_path / "site")]) == 0
    return tmp_path / "site"


def note(site: Path, *words: str, who: str = "operator") -> int:
    return main(["audit", "note", str(site), *words, "--token", str(site / "clients" / who / "token.jwt")])


def events(site: Path, kind: str) -> list[Event]:
    with Projection.open(site / "audit") as record:
        return [entry.record for entry in record.find(Filter(word=kind)) if isinstance(entry.record, Event)]


def test_what_an_operator_says_is_on_record_under_its_name(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert note(site, "subject.requested", "--tenant", "demo", "--subject", "ana", "--fact", "what=erasure") == 0
    (told,) = events(site, "subject.requested")
    assert (told.actor.split("/")[-1], told.tenant, told.subject, told.facts) == (
        *("operator", "demo", "ana"),
        (("what", "erasure"),),
    )


@pytest.mark.parametrize(
    ("words", "who", "said"),
    [
        (["clock.checked"], "analyst", "role operator or auditor"),
        (["clock.checked", "--fact", "offset"], "operator", "not a fact"),
        (["clock.checked", "--fact", f"a={'x' * 300}"], "operator", "not a fact"),
    ],
)
def test_what_may_not_be_said_is_refused(
    site: Path, words: list[str], who: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert note(site, *words, who=who) == 2
    assert said in capsys.readouterr().err
    assert not list((site / "audit").glob("seg-*"))


def test_other_kinds_are_not_for_people_to_write(site: Path) -> None:
    with pytest.raises(SystemExit):
        note(site, "record.erased")


def test_a_check_says_on_record_what_it_found(site: Path) -> None:
    assert note(site, "backup.restored") == 0
    assert main(["audit", "verify", str(site), "--record"]) == 0
    assert [dict(one.facts)["problems"] for one in events(site, "integrity.checked")] == ["0"]
    checkpoint = site / "audit" / "checkpoint-cli"
    kept = site / "kept"
    kept.write_bytes(checkpoint.read_bytes())
    for path in (site / "audit").glob("*"):
        path.unlink()
    assert note(site, "backup.restored") == 0  # a new history, shorter than the one that somebody kept
    assert main(["audit", "verify", str(site), "--record", "--checkpoint", str(kept)]) == 1
    assert len(events(site, "integrity.failed")) == 1
