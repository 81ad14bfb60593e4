"""Values into a page: Jinja2 with escaping on, one stylesheet, no script, and the headers that keep it so."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from gateway.audit.export import iso
from gateway.console.asked import Asked
from gateway.console.words import words
from gateway.core.meanings import MEANINGS
from gateway.core.verdict import Code
from gateway.http.replies import SERVER

HTML = "text/html; charset=utf-8"
_LANG = {"en": "en", "zh": "zh-CN"}


@dataclass(frozen=True, slots=True)
class Page:
    """A whole reply."""

    body: bytes
    status: int
    headers: dict[str, str]


def page(asked: Asked, name: str, status: int = 200, **values: object) -> Page:
    """The template `name` in the visitor's language, with what every page has."""
    body = (
        _environment()
        .get_template(f"{name}.html.j2")
        .render(
            asked=asked,
            t=words(asked.language),
            lang=_LANG[asked.language],
            style=Markup(_style()),  # noqa: S704 - our own file, hashed into the policy below
            meaning=lambda code: meaning(code, asked.language),
            time=time,
            page_name=name,
            **values,
        )
    )
    return Page(body.encode("utf-8", "replace"), status, _headers(asked.language))


def message(asked: Asked, status: int, title: str, said: str) -> Page:
    """A page that only says something; `title` and `said` are keys of the words."""
    return page(asked, "message", status, title=title, said=said)


def meaning(code: str, language: str) -> str:
    """What a code says to people; nothing for words that are none."""
    try:
        english, chinese = MEANINGS[Code(code)]
    except ValueError:
        return ""
    return chinese if language == "zh" else english


def time(at: int) -> str:
    """Unix milliseconds as a table shows them, in UTC, to the second."""
    return iso(at)[:19].replace("T", " ")


def _headers(language: str) -> dict[str, str]:
    return {
        "content-type": HTML,
        "content-language": _LANG[language],
        "vary": "accept-language",
        "cache-control": "no-store",
        "content-security-policy": _policy(),
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",  # with no-referrer, browsers would send our own forms with Origin: null
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "server": SERVER,
    }


@cache
def _policy() -> str:
    """Nothing runs, nothing is fetched, nobody frames it; the one style is known by its hash."""
    digest = b64encode(sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


@cache
def _environment() -> Environment:
    folder = files("gateway.console.templates")
    pages = {item.name: item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".j2")}
    return Environment(
        loader=DictLoader(pages), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


@cache
def _style() -> str:
    return files("gateway.console.templates").joinpath("console.css").read_text("utf-8")
