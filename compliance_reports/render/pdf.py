"""A report as PDF/A, set by typst from the same words as the page. Needs the extra `pdf`, and a Chinese font where there is Chinese.

Typst is given the report as JSON, so nothing in a record can become markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib.resources import as_file, files
from typing import Any

import orjson

from compliance_reports.evidence.catalogue import FAMILIES, MEASURES, family
from compliance_reports.evidence.counting import iso
from compliance_reports.model import Figure, Result, Verdict, Words, number
from compliance_reports.privilege import tightened
from compliance_reports.render.html import LANGUAGES
from compliance_reports.render.words import WORDS
from compliance_reports.reporting import Drifted, Report

# Simplified Chinese, the best first. Debian: fonts-noto-cjk, fonts-wqy-microhei.
FONTS = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "PingFang SC"),
    *("Microsoft YaHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimSun"),
)
LATIN = "Libertinus Serif"  # typst brings it along
_CHINESE = re.compile("[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")

Say = Callable[[Words], str]


class CannotSet(Exception):
    """A PDF cannot be made here; says why and what to do."""


def render(report: Report, language: str, signature: str = "") -> bytes:
    """The file. `signature` is the blank that signing fills in. Raises CannotSet where typst or a font is missing."""
    try:
        import typst
    except ImportError as error:
        raise CannotSet("PDF needs typst; hint: pip install 'hangu[pdf]', or write .html") from error
    told = _told(report, language, signature)
    data = orjson.dumps(told).decode()
    told["fonts"] = list(fonts(data, typst.Fonts(include_system_fonts=True).families()))
    try:
        return _set(typst, told, report.facts.period.until // 1000)
    except typst.TypstError as error:
        raise CannotSet(f"typst could not set this report: {error}; hint: write .html, and tell us") from error


def _set(typst: Any, told: dict[str, Any], at: int) -> bytes:
    with as_file(files("compliance_reports.templates").joinpath("report.typ")) as template:
        return bytes(
            typst.compile(
                template,
                format="pdf",
                sys_inputs={"report": orjson.dumps(told).decode()},
                pdf_standards=["a-2b"],
                timestamp=at,
            )
        )


def fonts(text: str, installed: Iterable[str]) -> tuple[str, ...]:
    """What to set this text in. Boxes instead of characters would look like a report, so without a font there is none."""
    there = set(installed)
    chinese = tuple(name for name in FONTS if name in there)[:1]
    if _CHINESE.search(text) and not chinese:
        raise CannotSet("no Chinese font is installed; hint: apt install fonts-noto-cjk, or write .html")
    return (*chinese, LATIN)


def _told(report: Report, language: str, signature: str) -> dict[str, Any]:
    def say(words: Words) -> str:
        return words.say(language)

    facts, framework, check = report.facts, report.framework, report.facts.around.verification
    checked = framework.checked or say(WORDS["unchecked"])
    return {
        "language": LANGUAGES[language],
        "w": {name: say(words) for name, words in WORDS.items()},
        "title": say(framework.title),
        "signature": signature,
        "trusted": report.trusted,
        "problems": [one for one in (check.fault, facts.fault, *check.problems[:10]) if one],
        "verdicts": [[one.value, say(WORDS[one.value]), report.counts[one]] for one in Verdict],
        "facts": [
            [say(WORDS["framework"]), f"{say(framework.title)} ({framework.id})"],
            [say(WORDS["version"]), framework.version],
            [say(WORDS["source"]), framework.source],
            [say(WORDS["mapping"]), f"{checked} {say(framework.note)}".strip()],
            [say(WORDS["period"]), _period(report, say)],
            [say(WORDS["records"]), number(facts.records)],
            [say(WORDS["exchanges"]), number(len(facts.passed))],
            [say(WORDS["generator"]), report.generator],
            [say(WORDS["signature"]), say(WORDS["signed_how" if signature else "unsigned"])],
        ],
        "would": say(WORDS["would"]).format(**_simulated(report)),
        "drift": None if report.drift is None else [_drifted(one, say) for one in report.drift],
        "logs": [_log(report, n) for n in range(len(check.logs))],
        "clauses": [_clause(result, say) for result in report.results],
        "figures": [_figure(name, report.figures[name], say) for name in report.used],
        "samples": [[one.place, one.exchange, one.note] for one in report.samples],
        "privilege": list(tightened(facts.around.rules.grants, report.usage)) if facts.around.rules else [],
    }


def _simulated(report: Report) -> dict[str, str]:
    found = report.usage
    told = {"refused": found.refused_by_tightening, "requests": found.requests, "others": found.not_covered}
    return {name: number(count) for name, count in told.items()}


def _period(report: Report, say: Say) -> str:
    period = report.facts.period
    return say(WORDS["no_period"]) if period.empty else f"{iso(period.since)} – {iso(period.until)}"


def _drifted(one: Drifted, say: Say) -> list[list[str]]:
    id_, *both = one
    return [[id_], *([verdict.value, say(WORDS[verdict.value])] if verdict else [] for verdict in both)]


def _log(report: Report, n: int) -> list[str]:
    log = report.facts.around.verification.logs[n]
    first, last, count = report.facts.spans.get(log.origin, (0, 0, 0))
    span = f"{first} – {last}" if count else "—"
    return [log.origin, span, f"{number(count)} / {number(log.records)}", number(log.sealed), number(log.erased)]


def _clause(result: Result, say: Say) -> dict[str, Any]:
    clause = result.clause
    return {
        "id": clause.id,
        "title": say(clause.title),
        "asks": say(clause.asks),
        "manual": say(clause.manual),
        "why": say(result.why),
        "checked": clause.checked,
        "verdict": [result.verdict.value, say(WORDS[result.verdict.value])],
        "tests": [
            [
                f"{test.wanted.figure} {say(MEASURES[test.wanted.figure].title)}",
                _value(test.wanted.figure, test.figure, say),
                str(test.wanted.bound),
                test.verdict.value if str(test.wanted.bound) else "",
                say(WORDS[test.verdict.value if str(test.wanted.bound) else "informs"]),
            ]
            for test in result.tests
        ],
    }


def _figure(name: str, figure: Figure, say: Say) -> dict[str, Any]:
    return {
        "name": name,
        "title": say(MEASURES[name].title),
        "family": say(FAMILIES[family(name)]),
        "value": _value(name, figure, say),
        "lines": [
            [say(WORDS[word]), text]
            for word, text in (
                ("why", say(figure.why)),
                ("gap", say(figure.gap)),
                ("samples", ", ".join(one.place if one.seq >= 0 else one.note for one in figure.samples)),
            )
            if text
        ],
        "query": figure.query,
    }


def _value(name: str, figure: Figure, say: Say) -> str:
    if not figure.known:
        return "—"
    unit = say(MEASURES[name].unit)
    among = f" {say(WORDS['among'])} {number(figure.of)}" if figure.of >= 0 else ""
    return f"{number(figure.value)}{' ' if unit.isascii() and unit not in ('', '%') else ''}{unit}{among}"
