"""What pages say, to whom, in which language; and that nothing recorded can become more than text on them."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from gateway import app
from gateway.audit.record import Answer, Decision, Event, Opened, Outcome, Text
from gateway.console.asked import LANGUAGES, preferred
from gateway.console.exchange import READ
from gateway.console.words import WORDS
from gateway.core.errors import AuditError
from gateway.core.exchange import Principal
from gateway.core.pipeline import ORDER, Gate
from gateway.core.verdict import Finding
from tests.audit.examples import a_closed, an_opened
from tests.console.making import AUDITOR, NOW, OPERATOR, Made, a_console, harmless, send, text_of, visit, write

PAGES = ("/console", "/console/exchanges", "/console/exchanges/x1", "/console/policies", "/console/playground")
AT = NOW.timestamp() - 60
PROMPT, ANSWER = "prompt-of-7f3a", "answer-of-9b1c"
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</pre></style><style>*{display:none}</style>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "</textarea><iframe src=//evil.example>",
    "\u202egnp.exe\u0000&lt;b&gt;",
)


def hostile_records(text: str) -> list[Opened | object]:
    """An exchange in which everything that anybody can influence says this."""
    finding = Finding("waf", text, text, 0, 3, 0.5, text)
    opened = replace(
        an_opened("x1", at=AT),
        user=text,
        tenant=text,
        roles=(text,),
        certificate=text,
        thumbprint=text,
        address=text,
        route=text,
        model=text,
        backend=text,
        notes=(text,),
        detail=text,
        passages=(Text(text, text, text, len(text), text),),
        rulings=(Decision("waf", "refuse", text, (finding,), text, 7),),
        code=text,
    )
    closed = replace(
        a_closed("x1", at=AT + 1),
        user=text,
        tenant=text,
        code=text,
        answers=(Answer(text, len(text), text),),
        findings=(finding,),
        timings=((text, 5),),
        fault=text,
    )
    event = Event(text or "x", round(AT * 1000), text, text, text, (("exchange", "x1"), (text or "x", text)))
    return [opened, closed, event]


@pytest.fixture
def made(site: app.Site, gate: Gate, tmp_path: Path) -> Made:
    """A console over one answered and one refused exchange."""
    directory = tmp_path / "audit"
    refused = replace(
        an_opened("x2", at=AT), code="not_permitted", rulings=(Decision("access", "refuse", "not_permitted"),)
    )
    ended = replace(a_closed("x2", at=AT + 1), outcome=Outcome.REFUSED, code="not_permitted", answers=(), mark=0)
    write(directory, [an_opened("x1", PROMPT, AT), a_closed("x1", ANSWER, AT + 1), refused, ended])
    return a_console(site, gate, directory)


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_is_recorded_is_text_on_every_page(site: app.Site, gate: Gate, tmp_path: Path, text: str) -> None:
    write(tmp_path / "audit", hostile_records(text))  # type: ignore[arg-type]
    console = a_console(site, gate, tmp_path / "audit").console
    for path in PAGES:
        read = harmless(text_of(visit(console, path)))
        if path in PAGES[:3]:
            assert text.replace("\0", "\ufffd")[:20] in read.text.replace("\0", "\ufffd")


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_is_asked_is_text_on_the_page_that_answers(made: Made, text: str) -> None:
    names = ("since", "until", "tenant", "user", "outcome", "code", "exchange", "before", "lang")
    harmless(text_of(visit(made.console, "/console/exchanges", **dict.fromkeys(names, text))))
    for name in names:
        harmless(text_of(visit(made.console, "/console/exchanges", **{name: text})))
    for stage in ("request", "response"):
        harmless(text_of(send(made.console, stage=stage, text=text)))
    fields = dict.fromkeys(("name", "tenant", "roles", "route", "model", "role", "stage", "text"), text)
    harmless(text_of(send(made.console, **fields)))
    hostile = replace(AUDITOR, name=text, tenant=text, roles=("auditor", text))
    for path in PAGES:
        harmless(text_of(visit(made.console, path, hostile)))


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("accept", ["en", "zh-CN,zh;q=0.9"])
def test_every_page_runs_nothing_and_fetches_nothing(made: Made, path: str, accept: str) -> None:
    reply = visit(made.console, path, accept=accept)
    assert reply.status == 200
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    style = re.findall(r"<style>(.*?)</style>", text_of(reply), re.DOTALL)
    assert f"'sha256-{b64encode(sha256(style[0].encode()).digest()).decode()}'" in policy
    assert "url(" not in style[0]
    assert "@import" not in style[0]
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert reply.headers["x-frame-options"] == "DENY"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_can_be_walked_without_seeing_it(made: Made, path: str, language: str) -> None:
    page = text_of(visit(made.console, path, lang=language))
    read = harmless(page)
    assert read.tags.count("h1") == read.tags.count("main") == read.tags.count("header") == read.tags.count("nav") == 1
    assert len(re.findall(r'<th scope="col"', page)) == len(re.findall(r"<th[ >]", page))
    controls = len(re.findall(r"<(?:input(?! type=\"hidden\")|select|textarea)", page))
    assert controls == read.tags.count("label")
    named = [value for name, value in read.attributes if name in ("aria-labelledby", "aria-describedby")]
    assert set(named) <= {value for name, value in read.attributes if name == "id"}


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh", "zh"),
        ("ZH-Hant-TW", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("fr, zh;q=0.3, en;q=0.2", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("fr", "en"),
        ("zh;q=x", "en"),
        (";;;,,=", "en"),
    ],
)
def test_the_browsers_language_is_taken_where_we_have_it(header: str, language: str) -> None:
    assert preferred(header) == language


@pytest.mark.parametrize("path", PAGES)
def test_the_address_can_choose_the_language_and_its_links_keep_it(made: Made, path: str) -> None:
    reply = visit(made.console, path, accept="en", lang="zh")
    page = text_of(reply)
    assert '<html lang="zh-CN">' in page
    assert reply.headers["content-language"] == "zh-CN"
    assert 'href="/console/policies?lang=zh"' in page
    assert "安全控制台" in page


def test_every_word_is_there_in_both_languages() -> None:
    for key, (english, chinese) in WORDS.items():
        assert english, key
        assert re.search(r"[\u4e00-\u9fff]", chinese), key


def test_the_way_is_drawn_in_the_one_order(made: Made) -> None:
    page = text_of(visit(made.console, "/console/exchanges/x1"))
    assert re.findall(r"<h4>(\w+)</h4>", page) == [step.name for step in ORDER]
    for step in ORDER:
        assert step.question in page


def test_a_refusal_shows_where_and_why_and_what_was_not_reached(made: Made) -> None:
    page = text_of(visit(made.console, "/console/exchanges/x2"))
    assert re.findall(r'<li class="stop (\w+)">\s*<h4>(\w+)</h4>', page)[:3] == [
        ("unreached", "identity"),
        ("refused", "access"),
        ("unreached", "limits"),
    ]
    assert "policy does not permit this" in page


def test_an_auditor_reads_texts_and_that_is_on_the_record(made: Made) -> None:
    page = text_of(visit(made.console, "/console/exchanges/x1", AUDITOR))
    assert PROMPT in page
    assert ANSWER in page
    assert "put on the record" in page
    [event] = made.told
    assert (event.kind, event.actor, dict(event.facts)["exchange"]) == (READ, "aude", "x1")


def test_an_operator_sees_places_and_lengths_and_leaves_no_trace(made: Made) -> None:
    page = text_of(visit(made.console, "/console/exchanges/x1", OPERATOR))
    assert PROMPT not in page
    assert ANSWER not in page
    assert "messages[0].content" in page
    assert made.told == []


@pytest.mark.parametrize("path", PAGES)
def test_nobody_without_the_role_finds_a_text_on_any_page(made: Made, path: str) -> None:
    both = Principal("x", "acme", ("operator", "auditors", "AUDITOR"))
    page = text_of(visit(made.console, path, both))
    assert PROMPT not in page
    assert ANSWER not in page


def test_what_cannot_be_put_on_the_record_is_not_shown(site: app.Site, gate: Gate, tmp_path: Path) -> None:
    write(tmp_path / "audit", [an_opened("x1", PROMPT, AT), a_closed("x1", ANSWER, AT + 1)])
    made = a_console(site, gate, tmp_path / "audit", fails=AuditError("the disk is full"))
    reply = visit(made.console, "/console/exchanges/x1", AUDITOR)
    assert reply.status == 503
    assert PROMPT not in text_of(reply)
    assert visit(made.console, "/console/exchanges/x1", OPERATOR).status == 200


def test_asking_for_the_head_alone_reads_nothing(made: Made) -> None:
    assert PROMPT not in text_of(visit(made.console, "/console/exchanges/x1", AUDITOR, method="HEAD"))
    assert made.told == []


@pytest.mark.parametrize("name", ["x9", "x1.", "", "X1"])
def test_an_exchange_that_is_not_there_is_not_found(made: Made, name: str) -> None:
    assert visit(made.console, f"/console/exchanges/{name}").status == 404


@pytest.mark.parametrize("path", PAGES[:3])
@pytest.mark.parametrize("state", ["missing", "damaged"])
def test_a_record_that_cannot_be_read_is_said_and_not_guessed(
    site: app.Site, gate: Gate, tmp_path: Path, path: str, state: str
) -> None:
    directory = tmp_path / "audit"
    if state == "damaged":
        write(directory, [an_opened("x1", at=AT)])
        (directory / "query.sqlite").write_bytes(b"no database at all, but long enough to look like one" * 40)
    reply = visit(a_console(site, gate, directory).console, path)
    assert reply.status == 503
    assert "cannot be read" in text_of(reply)


def test_secrets_that_policies_hold_are_not_on_the_page(site: app.Site, gate: Gate, tmp_path: Path) -> None:
    write(tmp_path / "audit", [an_opened("x1", at=AT)])
    console = a_console(site, gate, tmp_path / "audit").console
    bundle = app.load_bundle(site)
    canary = "canary-5f2c9e-nobody-says-this"
    leaking = bundle.output.model_copy(
        update={"leakage": bundle.output.leakage.model_copy(update={"canaries": (canary,)})}
    )
    current = replace(console.standing(), bundle=replace(bundle, output=leaking))
    page = text_of(visit(replace(console, standing=lambda: current), "/console/policies"))
    assert canary not in page
    assert bundle.digest in page
    assert all(name in page for name in bundle.files)
    assert all(placed.rule.id in page for placed in bundle.waf.rules)
