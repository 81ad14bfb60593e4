"""`hangu report` as a person types it, over a record that the journal wrote."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from compliance_reports.loading import frameworks
from gateway.audit.seal import FileSigner
from gateway.cli.main import main
from gateway.cli.report_press import last_month
from gateway.site import create
from tests.compliance_reports.records import some_records, write


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("report") / "site"
    create(directory, datetime.now(UTC))
    write(directory / "audit", FileSigner.load(directory / "keys" / "audit.key"), some_records())
    return directory


def report(site: Path, out: Path, *more: str) -> int:
    return main(["report", str(site), "djbh-l3", "--lang", "en", "--out", str(out), *more])


def test_the_list_has_one_framework_a_line_and_its_id_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--list"]) == 0
    assert "djbh-l3" in [line.split()[0] for line in capsys.readouterr().out.splitlines()]


def test_a_report_is_written_and_its_last_line_sums_it_up(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(site, tmp_path / "r.html") == 0
    told = capsys.readouterr().out.splitlines()[-1]
    assert "djbh-l3, 38 records" in told
    assert "was verified: whole and unchanged" in (tmp_path / "r.html").read_text()


def test_the_same_records_give_the_same_bytes(site: Path, tmp_path: Path) -> None:
    report(site, tmp_path / "one.html")
    report(site, tmp_path / "two.html")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


@pytest.mark.parametrize("suffix", [".html", ".json", ".csv"])
def test_a_copy_of_the_site_elsewhere_gives_the_same_bytes_and_no_path_of_this_machine(
    site: Path, tmp_path: Path, suffix: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(site, copy, ignore=shutil.ignore_patterns("query.sqlite*", "lock-*"))
    report(site, tmp_path / f"one{suffix}")
    report(copy, tmp_path / f"two{suffix}")
    data = (tmp_path / f"one{suffix}").read_bytes()
    assert data == (tmp_path / f"two{suffix}").read_bytes()
    assert str(site).encode() not in data


def test_only_the_asked_period_is_counted(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(site, tmp_path / "r.html", "--from", "2023-11-14T22:13:00", "--to", "2023-11-14T22:18:30") == 0
    assert "djbh-l3, 13 records" in capsys.readouterr().out


def test_a_report_verifies_with_the_sites_key_and_not_when_changed(site: Path, tmp_path: Path) -> None:
    out, key = tmp_path / "r.html", str(site / "keys" / "audit.pem")
    report(site, out)
    assert main(["report", "verify", str(out)]) == 0
    assert main(["report", "verify", str(out), "--key", key]) == 0
    out.write_bytes(out.read_bytes().replace(b"38", b"39", 1))
    assert main(["report", "verify", str(out), "--key", key]) == 1


def test_a_report_signed_by_somebody_else_is_told(site: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    create(other, datetime.now(UTC))
    write(other / "audit", FileSigner.load(other / "keys" / "audit.key"), some_records(3))
    report(other, tmp_path / "r.html")
    assert main(["report", "verify", str(tmp_path / "r.html"), "--key", str(site / "keys" / "audit.pem")]) == 1


def test_a_file_without_a_signature_cannot_be_told(tmp_path: Path) -> None:
    (tmp_path / "r.html").write_text("<p>hello</p>")
    assert main(["report", "verify", str(tmp_path / "r.html")]) == 2


def test_a_changed_record_is_said_on_the_first_page(tmp_path: Path) -> None:
    directory = tmp_path / "site"
    create(directory, datetime.now(UTC))
    write(directory / "audit", FileSigner.load(directory / "keys" / "audit.key"), some_records())
    segment = max((directory / "audit").glob("seg-*"), key=lambda path: path.stat().st_size)
    data = bytearray(segment.read_bytes())
    data[data.index(b"smollm2")] ^= 1
    segment.write_bytes(data)
    assert report(directory, tmp_path / "r.html") == 1
    page = (tmp_path / "r.html").read_text()
    assert "THE RECORD DOES NOT VERIFY" in page[: page.index('id="clauses"')]
    assert '<span class="verdict satisfied">' not in page


def test_a_copy_of_the_audit_directory_is_reported_on_with_the_public_key(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = str(site / "keys" / "audit.pem")
    assert report(site / "audit", tmp_path / "r.html", "--key", key) == 0
    assert "not signed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [(), ("somewhere",), ("/nonexistent", "djbh-l3", "--out", "r.html"), (".", "no-such", "--out", "r.html")],
)
def test_what_cannot_be_done_exits_with_2(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", *words]) == 2
    assert capsys.readouterr().err


def test_a_pack_holds_every_framework_measured_once(site: Path, tmp_path: Path) -> None:
    assert main(["report", str(site), "all", "--lang", "zh", "--out", str(tmp_path / "pack")]) == 0
    there = {path.name for path in (tmp_path / "pack").iterdir()}
    assert {f"{one}{suffix}" for one in frameworks() for suffix in (".html", ".json", ".csv")} <= there


def test_the_scheduled_pack_is_last_months_and_is_compared_with_the_one_before(site: Path, tmp_path: Path) -> None:
    assert main(["report", str(site), "all", "--schedule", "--out", str(tmp_path)]) == 0
    begin, end = last_month(datetime.now(UTC))
    month = datetime.fromtimestamp(begin, UTC).strftime("%Y-%m")
    page = (tmp_path / month / "djbh-l3.html").read_text()
    assert datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%dT00:00:00.000Z") in page
    assert 'id="drift"' not in page
    before = datetime.fromtimestamp(begin - 1, UTC).strftime("%Y-%m")
    (tmp_path / month).rename(tmp_path / before)
    assert main(["report", str(site), "all", "--schedule", "--out", str(tmp_path)]) == 0
    assert 'id="drift"' in (tmp_path / month / "djbh-l3.html").read_text()


@pytest.mark.parametrize(
    ("now", "begin"), [("2026-01-15", "2025-12-01"), ("2026-11-01", "2026-10-01"), ("2028-03-31", "2028-02-01")]
)
def test_last_month_is_a_calendar_month(now: str, begin: str) -> None:
    told = last_month(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert datetime.fromtimestamp(told[0], UTC).strftime("%Y-%m-%d") == begin


def test_openssl_agrees_with_the_signature(site: Path, tmp_path: Path) -> None:
    """The file beside the report is a plain Ed25519 signature over the whole of it."""
    out = tmp_path / "r.html"
    report(site, out)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(site / "keys" / "audit.pem"), "-rawin",
               "-in", str(out), "-sigfile", f"{out}.sig"]  # fmt: skip
    assert subprocess.run(command, capture_output=True).returncode == 0
