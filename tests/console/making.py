"""What the console's tests share: a site's real gate, a record written by the real journal, and visits to its pages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

from aiohttp.test_utils import make_mocked_request
from aiohttp.web import Response

from gateway import app
from gateway.audit.journal import Journal
from gateway.audit.record import Event, Record
from gateway.console.console import Console
from gateway.console.reading import Archive
from gateway.console.standing import Standing
from gateway.core.exchange import Principal
from gateway.core.pipeline import Gate
from policies.bundle import Bundle

NOW = datetime.now(UTC)  # certificates of a site made for a test must be good now

OPERATOR = Principal("olga", "acme", ("operator",), "spiffe://hangu.local/client/operator", "certificate")
AUDITOR = Principal("aude", "acme", ("auditor",), "spiffe://hangu.local/client/auditor", "certificate")

_TAGS = """html head meta title style body a header nav main footer section div p h1 h2 h3 h4 ul ol li b br span code pre dl dt dd
table caption thead tbody tr th td details summary form input label select option textarea button"""
_ATTRIBUTES = """lang charset name content class href id aria-label aria-labelledby aria-current aria-hidden aria-describedby
hreflang scope title role type value maxlength step spellcheck method action selected required rows rel"""
TAGS, ATTRIBUTES = frozenset(_TAGS.split()), frozenset(_ATTRIBUTES.split())


@dataclass(frozen=True)
class Up:
    """A backend that is well."""

    state: str = "up"
    fault: str = ""


@dataclass
class Made:
    """A console over a directory, and what it put on the record."""

    console: Console
    told: list[Event] = field(default_factory=list)


def a_console(
    site: app.Site, gate: Gate, directory: Path, *, fails: BaseException | None = None, **more: object
) -> Made:
    """The console of a site over another record. `fails` is raised where it wants to put something on the record."""
    told: list[Event] = []

    async def append(event: Event) -> None:
        if fails is not None:
            raise fails
        told.append(event)

    bundle = bundle_of(site.directory)
    console = Console(
        Archive(directory),
        lambda: Standing(gate, bundle, 1),
        lambda default: app.wire(site.settings, default),
        lambda: ("embedded", Up()),
        dict,
        site.settings.tls,
        append,
        NOW.timestamp,
        **more,  # type: ignore[arg-type]
    )
    return Made(console, told)


@cache
def bundle_of(directory: Path) -> Bundle:
    return app.load_bundle(app.open_site(directory))


def write(directory: Path, records: Iterable[Record], clock: Callable[[], float] = NOW.timestamp) -> None:
    """A journal that holds these records."""

    async def written() -> None:
        async with Journal.open(directory, "w0", clock=clock) as journal:
            for record in records:
                await journal.append(record)

    asyncio.run(written())


def visit(
    console: Console, path: str, who: Principal = AUDITOR, *, accept: str = "en", method: str = "GET", **query: str
) -> Response:
    """A page as a browser gets it."""
    target = f"{path}?{urlencode(query)}" if query else path
    request = make_mocked_request(method, target, headers={"Accept-Language": accept})
    pages = console.pages()
    page = pages.get(path) or pages[path.rpartition("/")[0] + "/"]
    reply = asyncio.run(page(request, who))  # type: ignore[arg-type]
    assert isinstance(reply, Response)
    return reply


def send(console: Console, who: Principal = OPERATOR, accept: str = "en", **fields: str) -> Response:
    """The playground's form, filled in."""
    request = make_mocked_request("POST", "/console/playground", headers={"Accept-Language": accept})
    reply = asyncio.run(console.forms()["/console/playground"](request, who, fields))  # type: ignore[arg-type]
    assert isinstance(reply, Response)
    return reply


def text_of(reply: Response) -> str:
    body = reply.body
    assert isinstance(body, bytes)
    return body.decode()


class Read(HTMLParser):
    """A page as a browser takes it apart: its tags, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.pieces: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def harmless(page: str) -> Read:
    """Nothing in the page but what its templates put there: known tags and attributes, links to the console alone."""
    read = Read(page)
    assert set(read.tags) <= TAGS, set(read.tags) - TAGS
    names = {name for name, _ in read.attributes}
    assert names <= ATTRIBUTES, names - ATTRIBUTES
    assert all(value.startswith(("/console", "#")) for name, value in read.attributes if name in ("href", "action"))
    assert read.tags.count("style") == 1
    return read
