"""A form is taken from our own pages, whole and in one reading; and a certificate alone opens the operations port only."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import app, site
from gateway.core.exchange import Action, Certificate, Exchange, Peer
from gateway.core.verdict import Amend, Code, Refuse
from gateway.http.forms import MAX_FIELDS, check_sender, parse
from gateway.http.strict import Head, Strictness, check
from gateway.pki.certificates import spiffe_id
from gateway.stages.identity import Identity
from tests.console.making import NOW

HOST = "localhost:9443"
WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


@given(st.dictionaries(WORDS, WORDS, min_size=1, max_size=8))
@settings(max_examples=60)
def test_what_a_browser_encodes_is_read_back(fields: dict[str, str]) -> None:
    assert parse(urlencode(fields).encode()) == fields


@pytest.mark.parametrize(
    "body",
    [b"a=1&a=2", b"a", b"a=%ff", b"a=\xff", "a=文".encode(), b"&".join(b"f%d=" % n for n in range(MAX_FIELDS + 1))],
)
def test_a_form_that_could_be_read_in_two_ways_is_refused(body: bytes) -> None:
    refused = parse(body)
    assert isinstance(refused, Refuse)
    assert refused.code is Code.REQUEST_MALFORMED


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({"Origin": f"https://{HOST}"}, True),
        ({}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": f"https://{HOST}"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": f"http://{HOST}"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": f"https://{HOST}.evil.example"}, False),
    ],
)
def test_only_a_page_of_this_origin_may_send_one(headers: dict[str, str], taken: bool) -> None:
    assert (check_sender({"Host": HOST, **headers}) is None) is taken


@pytest.mark.parametrize(
    ("forms", "kind", "passes"),
    [
        (True, b"application/x-www-form-urlencoded", True),
        (True, b"application/json", True),
        (True, b"multipart/form-data; boundary=x", False),
        (True, b"text/plain", False),
        (False, b"application/x-www-form-urlencoded", False),
    ],
)
def test_a_listener_takes_forms_only_where_it_says_so(forms: bool, kind: bytes, passes: bool) -> None:
    headers = ((b"Host", b"localhost"), (b"Content-Type", kind), (b"Content-Length", b"3"))
    refused = check(
        Head("POST", "/console/playground", (1, 1), headers), Strictness(frozenset({"localhost"}), forms=forms)
    )
    assert (refused is None) is passes


def by_certificate(name: str) -> Exchange:
    peer = Peer("127.0.0.1", Certificate("t" * 43, name, uris=(spiffe_id(name),)))
    return Exchange("x", NOW.timestamp(), peer, "/", Action.UNKNOWN, "")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> app.Site:
    directory = tmp_path_factory.mktemp("certificates") / "site"
    site.create(directory, NOW)
    return app.open_site(directory)


@pytest.mark.parametrize("name", ["operator", "auditor"])
def test_a_new_site_lets_its_people_in_by_certificate_at_the_operations_port(made: app.Site, name: str) -> None:
    verdict = app.admin_identity(made.settings, app.lasting(made)).judge(by_certificate(name))
    assert isinstance(verdict, Amend)
    assert verdict.exchange.principal is not None
    assert verdict.exchange.principal.roles == (name,)


@pytest.mark.parametrize("name", ["operator", "auditor", "analyst"])
def test_and_nobody_at_the_data_port(made: app.Site, name: str) -> None:
    kept = app.lasting(made)
    verdict = Identity(app.identity_rules(made.settings), kept.keys, kept.verified).judge(by_certificate(name))
    assert isinstance(verdict, Refuse)
    assert verdict.code is Code.TOKEN_MISSING


def test_other_certificates_alone_are_nobody_at_the_operations_port(made: app.Site) -> None:
    verdict = app.admin_identity(made.settings, app.lasting(made)).judge(by_certificate("analyst"))
    assert isinstance(verdict, Refuse)
    assert verdict.code is Code.CERTIFICATE_REJECTED


def test_settings_may_list_them_without_certificates_alone(made: app.Site) -> None:
    assert not made.settings.identity.certificates_alone
    assert [Path(one.name).name for one in made.settings.identity.certificates] == ["auditor", "operator"]
