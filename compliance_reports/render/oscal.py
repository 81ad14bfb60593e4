"""A report as OSCAL 1.2 assessment results. Verdicts that OSCAL has no word for are observations, never findings.

Identifiers are derived from what they name, so the same report has the same bytes. Format: https://pages.nist.gov/OSCAL/
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid5

import orjson

from compliance_reports.evidence.catalogue import FAMILIES, MEASURES, family
from compliance_reports.evidence.counting import iso
from compliance_reports.model import Result, Verdict, Words, number
from compliance_reports.reporting import Report

VERSION = "1.2.1"
NAMES = UUID("7a0e0b0e-3c0b-5f61-9b1c-5a3f0b9d4c11")  # where our identifiers are derived from
SPACE = "urn:hangu:oscal"

Json = dict[str, Any]

_DECIDED = {Verdict.SATISFIED: "satisfied", Verdict.NOT_SATISFIED: "not-satisfied"}
_NO_TOKEN = re.compile(r"[^\w.-]", re.ASCII)


def render(report: Report, language: str, signature: str = "") -> bytes:
    """The file. `signature` is the blank that signing fills in."""
    naming = _Naming(report)
    told = {
        "assessment-results": {
            "uuid": naming("results"),
            "metadata": _metadata(report, language, signature),
            "import-ap": {"href": "#" + naming("plan")},
            "results": [_result(report, language, naming)],
            "back-matter": {"resources": [_plan(report, language, naming), *_proofs(report, naming)]},
        }
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n"


def verdicts(data: bytes) -> dict[str, Verdict]:
    """Each clause's verdict in a report that was written here before. Raises ValueError for anything else."""
    try:
        result = orjson.loads(data)["assessment-results"]["results"][0]
        told = [_named(one["props"]) for one in (*result.get("findings", ()), *result["observations"])]
        return {props["clause"]: Verdict(props["verdict"]) for props in told if "clause" in props}
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"not one of our OSCAL reports: {error}") from error


def _named(props: list[Json]) -> dict[str, str]:
    return {prop["name"]: prop["value"] for prop in props}


class _Naming:
    """A UUID for each thing of one report: the same for the same report."""

    def __init__(self, report: Report) -> None:
        period, logs = report.facts.period, report.facts.around.verification.logs
        heads = ",".join(f"{log.origin}:{log.records}:{log.checkpoint}" for log in logs)
        self._of = f"{report.framework.id}|{period.since}|{period.until}|{heads}"

    def __call__(self, what: str) -> str:
        return str(uuid5(NAMES, f"{self._of}|{what}"))


def token(text: str) -> str:
    """An identifier as OSCAL takes it: it begins with a letter and has no spaces or brackets."""
    clean = _NO_TOKEN.sub("_", text)
    return clean if clean[0].isalpha() else f"c{clean}"


def _metadata(report: Report, language: str, signature: str) -> Json:
    told: Json = {
        "title": report.framework.title.say(language),
        "last-modified": iso(report.facts.period.until),
        "version": report.generator,
        "oscal-version": VERSION,
        "props": [_prop("generator", report.generator), _prop("framework", report.framework.id)],
    }
    if signature:
        told["props"].append(_prop("signature", signature))
    return told


def _result(report: Report, language: str, naming: _Naming) -> Json:
    period, check = report.facts.period, report.facts.around.verification
    told: Json = {
        "uuid": naming("result"),
        "title": report.framework.title.say(language),
        "description": _MEANS.say(language),
        "start": iso(period.since),
        "end": iso(period.until),
        "props": [
            _prop("records", str(report.facts.records)),
            _prop("record-verified", "yes" if report.trusted else "no"),
            _prop("mapping-checked", report.framework.checked or "no"),
            *(_prop("log", f"{log.origin} {log.records} records, {log.sealed} sealed") for log in check.logs),
            *(_prop("problem", problem) for problem in check.problems[:20]),
        ],
        "reviewed-controls": {"control-selections": [{"include-controls": _controls(report)}]},
        "observations": [*_figures(report, language, naming), *_undecided(report, language, naming)],
    }
    if findings := list(_findings(report, language, naming)):
        told["findings"] = findings
    return told


def _controls(report: Report) -> list[Json]:
    return [{"control-id": token(clause.id)} for clause in report.framework.clauses]


def _figures(report: Report, language: str, naming: _Naming) -> Iterator[Json]:
    for name in report.used:
        figure, measure = report.figures[name], MEASURES[name]
        value = number(figure.value) if figure.known else "-"
        told: Json = {
            "uuid": naming(name),
            "title": f"{name} {measure.title.say(language)}",
            "description": figure.why.say(language) or FAMILIES[family(name)].say(language),
            "props": [_prop("value", value), *([_prop("of", str(figure.of))] if figure.of >= 0 else [])],
            "methods": ["TEST"],
            "types": ["control-objective"],
            "collected": iso(report.facts.period.until),
        }
        if evidence := _evidence(report, name, naming):
            told["relevant-evidence"] = evidence
        if remarks := "\n\n".join(filter(None, [figure.query, figure.gap.say(language)])):
            told["remarks"] = remarks
        yield told


def _evidence(report: Report, name: str, naming: _Naming) -> list[Json]:
    found = []
    for one in report.figures[name].samples:
        what = f"{one.place} {one.exchange} {one.note}".strip() if one.seq >= 0 else one.note
        told: Json = {"description": what}
        if one.place in report.proofs:
            told["href"] = "#" + naming(f"proof {one.place}")
        found.append(told)
    return found


def _undecided(report: Report, language: str, naming: _Naming) -> Iterator[Json]:
    for result in report.results:
        if result.verdict not in _DECIDED:
            yield {
                "uuid": naming(f"undecided {result.clause.id}"),
                "title": f"{result.clause.id} {result.clause.title.say(language)}",
                "description": result.why.say(language) or result.clause.asks.say(language),
                "props": [*_clause_props(result), _prop("control-id", token(result.clause.id))],
                "methods": ["EXAMINE"],
                "types": ["control-objective"],
                "collected": iso(report.facts.period.until),
                "remarks": result.clause.manual.say(language) or result.clause.asks.say(language),
            }


def _findings(report: Report, language: str, naming: _Naming) -> Iterator[Json]:
    for result in report.results:
        if result.verdict in _DECIDED:
            clause = result.clause
            yield {
                "uuid": naming(f"finding {clause.id}"),
                "title": f"{clause.id} {clause.title.say(language)}",
                "description": clause.asks.say(language),
                "props": _clause_props(result),
                "target": {
                    "type": "objective-id",
                    "target-id": token(clause.id),
                    "status": {
                        "state": _DECIDED[result.verdict],
                        "reason": "pass" if result.verdict is Verdict.SATISFIED else "fail",
                    },
                },
                "related-observations": [{"observation-uuid": naming(test.wanted.figure)} for test in result.tests],
            }


def _clause_props(result: Result) -> list[Json]:
    checked = "yes" if result.clause.checked else "no"
    return [
        _prop("clause", result.clause.id),
        _prop("verdict", result.verdict.value),
        _prop("mapping-checked", checked),
    ]


def _plan(report: Report, language: str, naming: _Naming) -> Json:
    return {
        "uuid": naming("plan"),
        "title": f"{report.framework.id}.yaml",
        "description": f"{report.framework.title.say(language)}, {report.framework.version}. {report.framework.source}",
        "rlinks": [{"href": f"urn:hangu:framework:{report.framework.id}"}],
    }


def _proofs(report: Report, naming: _Naming) -> Iterator[Json]:
    for place, proof in report.proofs.items():
        yield {
            "uuid": naming(f"proof {place}"),
            "title": f"inclusion proof of {place}",
            "base64": {
                "filename": token(f"proof-{place}.json"),
                "media-type": "application/json",
                "value": b64encode(proof.encode()).decode(),
            },
        }


def _prop(name: str, value: str) -> Json:
    return {"name": name, "ns": SPACE, "value": " ".join(value.split())}


_MEANS = Words(
    "Each finding says what the recorded evidence supports, no more. Clauses that could not be evaluated, or that only people can judge, are observations with the property verdict.",
    "每项结论仅说明记录证据所支持的内容。无法评估或须人工判断的条款以带 verdict 属性的观察项列出。",
)
