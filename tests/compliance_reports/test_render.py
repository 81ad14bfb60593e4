"""Every format: deterministic, in both languages, never a formula, never a verdict nobody can stand for."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from compliance_reports import signature
from compliance_reports.facts import Facts
from compliance_reports.loading import frameworks
from compliance_reports.model import Verdict
from compliance_reports.render import html, oscal, pdf, table
from compliance_reports.reporting import Report, compared, measured, report
from tests.compliance_reports.months import a_good_month, changed, told
from tests.compliance_reports.test_violations import verified

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
FRAMEWORKS = frameworks()
PUBLIC = KEY.public_key().public_bytes_raw()
RENDERERS: dict[str, Callable[[Report, str, str], bytes]] = {
    "html": html.render,
    "json": oscal.render,
    "csv": table.render,
}


def made(facts: Facts | None = None, framework: str = "djbh-l3") -> Report:
    found = measured(facts or a_good_month())
    return report(FRAMEWORKS[framework], found, "hangu test", {one.place: "{}" for one in found.samples})


class Page(HTMLParser):
    """What a browser would fetch or run, and where links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.tags.append(tag)
        self.ids += [told["id"] or ""] if "id" in told else []
        self.links += [told["href"] or ""] if "href" in told else []
        self.inline += [name for name in told if name == "style" or name.startswith("on") or name == "src"]


@pytest.mark.parametrize("form", RENDERERS)
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_same_report_has_the_same_bytes_and_never_says_compliant(form: str, language: str, framework: str) -> None:
    data = RENDERERS[form](made(framework=framework), language, "")
    assert data == RENDERERS[form](made(framework=framework), language, "")
    assert not re.search(rb"\bcompliant\b|\bcompliance with\b", data, re.IGNORECASE)
    assert "合规。" not in data.decode()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_page_runs_nothing_fetches_nothing_and_every_link_leads_somewhere(framework: str, language: str) -> None:
    page = Page(html.render(made(framework=framework), language).decode())
    assert not {"script", "iframe", "img", "link", "object", "form"} & set(page.tags)
    assert page.inline == []
    assert len(page.ids) == len(set(page.ids))
    assert {link for link in page.links if link.startswith("#")} <= {f"#{name}" for name in page.ids}
    assert all(link.startswith("#") for link in page.links)


def test_every_clause_leads_to_its_figures_and_from_there_to_records_and_a_query() -> None:
    one = made()
    text = html.render(one, "en").decode()
    for clause in one.framework.clauses:
        section = text[text.index(f'id="c-{clause.id}"') :].partition("</section>")[0]
        assert all(f'href="#f-{wanted.figure}"' in section for wanted in clause.wanted)
    assert "hangu audit query site --format json --from 2026-" in text
    assert 'href="#r-w0:304"' in text  # the reading of a sealed original


def test_what_a_caller_wrote_is_text_and_never_markup() -> None:
    evil = "<script>alert(1)</script>"
    facts = changed(a_good_month(), 3, outcome="", code=evil, id=evil)
    facts = replace(facts, events=(*facts.events, told("record.revealed", 900, exchange=evil, actor="x")))
    text = html.render(made(facts), "en").decode()
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_an_unchecked_mapping_is_marked_as_such_in_the_report() -> None:
    one = made()
    text = html.render(one, "en").decode()
    unchecked = [clause for clause in one.framework.clauses if not clause.checked]
    assert 0 < len(unchecked) < len(one.framework.clauses)
    assert text.count('class="flag"') == len(unchecked) + 1  # and once for the whole mapping


def test_a_record_that_does_not_verify_is_on_the_first_page_of_every_format() -> None:
    bad = made(verified(problems=("seg-w0: record 7: changed",))(a_good_month()))
    page = html.render(bad, "zh").decode()
    assert "审计记录未通过校验" in page[: page.index('id="clauses"')]
    told = json.loads(oscal.render(bad, "en"))["assessment-results"]["results"][0]
    assert {"name": "record-verified", "ns": "urn:hangu:oscal", "value": "no"} in told["props"]
    rows = list(csv.DictReader(io.StringIO(table.render(bad, "en").decode("utf-8-sig"))))
    assert {row["record_verified"] for row in rows} == {"no"}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_oscal_is_read_by_an_independent_implementation(framework: str, language: str) -> None:
    models = pytest.importorskip(
        "trestle.oscal.assessment_results", reason="compliance-trestle is in requirements/test.in"
    )
    one = made(framework=framework)
    told = json.loads(oscal.render(one, language, signature.blank(PUBLIC)))["assessment-results"]
    read = models.AssessmentResults.model_validate(told)
    result = read.results[0]
    decided = [one for one in one.results if one.verdict.value in ("satisfied", "not-satisfied")]
    assert len(result.findings or []) == len(decided)
    assert len(result.reviewed_controls.control_selections[0].include_controls or []) == len(one.framework.clauses)


def test_what_changed_since_an_earlier_report_is_told_clause_by_clause() -> None:
    before = oscal.verdicts(oscal.render(made(), "zh"))
    now = made(changed(a_good_month(), 3, tls="1.2"))
    drifted = compared(now, before).drift
    assert drifted is not None
    assert {id_ for id_, _, _ in drifted} == {"8.1.2.2", "8.1.4.7", "8.1.4.8"}
    assert compared(made(), before).drift == ()
    page = html.render(compared(now, before), "en").decode()
    assert page.index('id="drift"') < page.index('id="clauses"')


def test_a_clause_that_came_or_went_is_drift_too() -> None:
    before = {"gone": Verdict.SATISFIED}
    drifted = compared(made(), before).drift
    assert drifted is not None
    assert ("gone", Verdict.SATISFIED, None) in drifted
    assert all(then is None for id_, then, _ in drifted if id_ != "gone")


def test_oscal_findings_point_to_observations_that_are_there() -> None:
    told = json.loads(oscal.render(made(), "en"))["assessment-results"]
    result = told["results"][0]
    there = {one["uuid"] for one in result["observations"]}
    pointed = {o["observation-uuid"] for one in result["findings"] for o in one["related-observations"]}
    assert pointed <= there
    assert len(there) == len(result["observations"])


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_no_cell_is_a_formula(text: str) -> None:
    assert not table.safe(text).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert table.safe(text).removeprefix("'") == text.removeprefix("'")


def test_csv_has_a_row_for_each_figure_of_each_clause() -> None:
    one = made()
    rows = list(csv.DictReader(io.StringIO(table.render(one, "en").decode("utf-8-sig"))))
    assert len(rows) == sum(max(1, len(clause.wanted)) for clause in one.framework.clauses)
    assert {row["clause"] for row in rows} == {clause.id for clause in one.framework.clauses}


@pytest.mark.parametrize("form", RENDERERS)
def test_a_signed_report_is_known_and_any_flipped_byte_is_noticed(form: str) -> None:
    data = signature.signed(RENDERERS[form](made(), "en", signature.blank(PUBLIC)), KEY.sign)
    assert signature.check(data, PUBLIC).standing is signature.Standing.GOOD
    for at in range(0, len(data), max(1, len(data) // 150)):
        changed_data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        assert signature.check(changed_data, PUBLIC).standing is not signature.Standing.GOOD


def test_a_signature_quoted_in_the_content_is_content() -> None:
    """Somebody names a caller after a signature: the real one, which comes last, still decides."""
    quoted = signature.blank(PUBLIC).encode()
    data = signature.signed(quoted + b"\n" + signature.blank(PUBLIC).encode(), KEY.sign)
    assert signature.check(data, PUBLIC).standing is signature.Standing.GOOD
    other = data.replace(b"A", b"B", 1)
    assert signature.check(other, PUBLIC).standing is not signature.Standing.GOOD


def fonts_are_here() -> bool:
    typst = pytest.importorskip("typst")
    return any(name in typst.Fonts(include_system_fonts=True).families() for name in pdf.FONTS)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_pdf_says_what_the_page_says_and_carries_its_fonts(language: str) -> None:
    pytest.importorskip("typst")
    framework = "djbh-l3" if language == "zh" else "soc2"
    if language == "zh" and not fonts_are_here():
        pytest.skip("no Chinese font is installed here")
    one = made(framework=framework)
    data = signature.signed(pdf.render(one, language, signature.blank(PUBLIC)), KEY.sign)
    assert signature.check(data, PUBLIC).standing is signature.Standing.GOOD
    assert pdf.render(one, language, "") == pdf.render(one, language, "")
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    assert all(clause.id in text for clause in one.framework.clauses)
    assert one.results[0].clause.title.say(language) in text
    assert "\u200b" not in text  # a command copied from the page must still run


def test_chinese_without_a_chinese_font_is_refused_rather_than_printed_as_boxes() -> None:
    with pytest.raises(pdf.CannotSet, match="no Chinese font"):
        pdf.fonts("审计", ["DejaVu Sans"])
    assert pdf.fonts("audit", ["DejaVu Sans"]) == (pdf.LATIN,)
    assert pdf.fonts("审计", ["Noto Sans CJK SC"])[0] == "Noto Sans CJK SC"
