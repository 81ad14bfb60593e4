"""A report as CSV for spreadsheets: one row for each figure of each clause. No cell can be taken for a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from compliance_reports.evidence.catalogue import MEASURES
from compliance_reports.evidence.counting import iso
from compliance_reports.model import Result, Test
from compliance_reports.render.words import WORDS
from compliance_reports.reporting import Report

COLUMNS = (
    *("framework", "clause", "title", "verdict", "why", "mapping_checked", "figure", "what", "value", "of", "wanted"),
    *("test", "samples", "query", "not_covered", "people", "since", "until", "record_verified"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def render(report: Report, language: str, signature: str = "") -> bytes:
    """The file, UTF-8 with a byte order mark: spreadsheets take Chinese for Latin without it. The last row is the signature."""
    lines = StringIO()
    writer = csv.writer(lines)
    writer.writerow(COLUMNS)
    for result in report.results:
        for row in _rows(report, result, language):
            writer.writerow([safe(str(cell)) for cell in row])
    if signature:
        writer.writerow([signature])
    return b"\xef\xbb\xbf" + lines.getvalue().encode()


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell


def _rows(report: Report, result: Result, language: str) -> Iterator[list[object]]:
    clause, facts = result.clause, report.facts
    first: list[object] = [
        report.framework.id,
        clause.id,
        clause.title.say(language),
        WORDS[result.verdict.value].say(language),
        result.why.say(language),
        "yes" if clause.checked else "no",
    ]
    last: list[object] = [
        clause.manual.say(language),
        iso(facts.period.since),
        iso(facts.period.until),
        "yes" if report.trusted else "no",
    ]
    for test in result.tests:
        yield [*first, *_figure(test, language), *last]
    if not result.tests:
        yield [*first, *[""] * 9, *last]


def _figure(test: Test, language: str) -> list[object]:
    name, figure = test.wanted.figure, test.figure
    return [
        name,
        MEASURES[name].title.say(language),
        repr(figure.value).removesuffix(".0") if figure.known else "",
        figure.of if figure.of >= 0 else "",
        str(test.wanted.bound),
        WORDS[test.verdict.value].say(language) if str(test.wanted.bound) else "",
        " ".join(one.place if one.seq >= 0 else one.note for one in figure.samples),
        figure.query,
        figure.gap.say(language) or figure.why.say(language),
    ]
