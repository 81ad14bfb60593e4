"""A report as one HTML file: no script, nothing fetched, printable. What it says is the report's, how it looks the template's."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from compliance_reports.evidence.catalogue import FAMILIES, MEASURES, family
from compliance_reports.evidence.counting import iso
from compliance_reports.model import Verdict, number
from compliance_reports.privilege import tightened
from compliance_reports.render import charts
from compliance_reports.render.words import WORDS
from compliance_reports.reporting import Report

_CODE = re.compile("`([^`]+)`")

LANGUAGES = {"en": "en", "zh": "zh-CN"}


def render(report: Report, language: str, signature: str = "") -> bytes:
    """The file, in "en" or "zh". `signature` is the blank that signing fills in."""
    style = _file("report.css")
    policy = f"default-src 'none'; style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'; base-uri 'none'; form-action 'none'"
    template = _template()
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
    )
    return page.encode()


def _coded(text: str) -> Markup:
    """`So` as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


@cache
def _template() -> Template:
    """Compiled once: that takes longer than filling it in."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_file("report.html.j2"))


def _file(name: str) -> str:
    return files("compliance_reports.templates").joinpath(name).read_text("utf-8")
