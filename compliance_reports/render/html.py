"""A report as one HTML file: no script, nothing fetched, printable. What it says is the report's, how it looks the template's."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup, escape

from compliance_reports.evidence.catalogue import FAMILIES, MEASURES, family
from compliance_reports.evidence.counting import iso
from compliance_reports.model import Verdict, number
from compliance_reports.privilege import tightened
from compliance_reports.render import charts
from compliance_reports.render.words import WORDS
from compliance_reports.reporting import Report

_CODE = re.compile("`([^`]+)`")

Drift = Sequence[tuple[str, Verdict | None, Verdict | None]]

LANGUAGES = {"en": "en", "zh": "zh-CN"}


def render(report: Report, language: str, signature: str = "", drift: Drift | None = None) -> bytes:
    """The file, in "en" or "zh". `signature` is the blank that signing fills in, `drift` what changed since the last one."""
    style = _file("report.css")
    policy = f"default-src 'none'; style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'; base-uri 'none'; form-action 'none'"
    template = _environment().get_template("report.html.j2")
    page = template.render(
        report=report,
        facts=report.facts,
        check=report.facts.around.verification,
        say=lambda words: words.say(language),
        w={name: words.say(language) for name, words in WORDS.items()},
        verdict=lambda one: WORDS[one.value].say(language),
        verdicts=tuple(Verdict),
        measures=MEASURES,
        families=FAMILIES,
        family=family,
        number=number,
        iso=iso,
        tightened=tightened,
        charts=charts,
        coded=_coded,
        lang=LANGUAGES[language],
        style=Markup(style),  # noqa: S704 - our own file, hashed into the policy above
        policy=policy,
        signature=signature,
        language=language,
        drift=drift,
    )
    return page.encode()


def _coded(text: str) -> Markup:
    """`So` as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def _environment() -> Environment:
    return Environment(
        loader=DictLoader({"report.html.j2": _file("report.html.j2")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _file(name: str) -> str:
    return files("compliance_reports.templates").joinpath(name).read_text("utf-8")
