"""The list and the overview say what is in the record: all of it, each once, newest first, and counted right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import app
from gateway.audit.query import Filter
from gateway.audit.record import Closed, Opened, Outcome, Record
from gateway.audit.survey import UNDER_WAY, Survey
from gateway.console import exchanges, overview
from gateway.console.exchanges import OUTCOMES, wanted
from gateway.console.papers import papers
from gateway.core.pipeline import Gate
from gateway.core.verdict import Code
from tests.audit.examples import a_closed, an_opened
from tests.console.making import NOW, a_console, text_of, visit, write

AT = NOW.timestamp()


def an_exchange(n: int, age: int, user: str, outcome: str) -> tuple[Opened, Closed | None]:
    """One exchange `age` seconds ago."""
    code = "" if outcome in ("answered", UNDER_WAY, "aborted") else "not_permitted"
    at = AT - age
    opened = replace(an_opened(f"x{n}", at=at, user=user), code=code if outcome == "refused" else "")
    if outcome == UNDER_WAY:
        return opened, None
    return opened, replace(a_closed(f"x{n}", at=at, user=user), outcome=Outcome(outcome), code=code)


EXCHANGES = st.lists(
    st.tuples(st.integers(0, 100_000), st.sampled_from(["ana", "bo"]), st.sampled_from(OUTCOMES)), max_size=12
)


def records(pairs: Iterable[tuple[Opened, Closed | None]]) -> list[Record]:
    return [record for pair in pairs for record in pair if record is not None]


@given(
    EXCHANGES, st.sampled_from(["", "ana"]), st.sampled_from(["", *OUTCOMES]), st.sampled_from(["", "not_permitted"])
)
@settings(max_examples=25, deadline=None)
def test_the_pages_together_are_the_whole_list(
    tmp_path_factory: pytest.TempPathFactory, facts: list[tuple[int, str, str]], user: str, outcome: str, code: str
) -> None:
    directory = tmp_path_factory.mktemp("survey") / "audit"
    made = [an_exchange(n, *each) for n, each in enumerate(facts)]
    write(directory, records(made))
    fitting = [
        opened.id
        for (opened, closed), (_, who, how) in zip(made, facts, strict=True)
        if user in ("", who) and outcome in ("", how) and code in ("", closed.code if closed else opened.code)
    ]
    pages, before = [], None
    with Survey.open(directory) as survey:
        while page := survey.lines(Filter(user=user, word=outcome, code=code), before, 3):
            pages.append(page)
            before = (page[-1].at, page[-1].number)
    lines = [line for page in pages for line in page]
    assert sorted(line.exchange for line in lines) == sorted(fitting)
    assert [(line.at, line.number) for line in lines] == sorted(
        [(line.at, line.number) for line in lines], reverse=True
    )


@given(EXCHANGES)
@settings(max_examples=15, deadline=None)
def test_the_overview_counts_what_happened(
    tmp_path_factory: pytest.TempPathFactory, facts: list[tuple[int, str, str]]
) -> None:
    directory = tmp_path_factory.mktemp("overview") / "audit"
    write(directory, records(an_exchange(n, *each) for n, each in enumerate(facts)))
    with Survey.open(directory) as survey:
        seen = overview.survey(survey, AT)
    day = [fact for fact in facts if fact[0] <= overview.DAY_SECONDS]
    assert seen.day == Counter(outcome for _, _, outcome in day if outcome != UNDER_WAY)
    assert seen.hour == Counter(o for age, _, o in facts if age <= overview.HOUR_SECONDS and o != UNDER_WAY)
    assert {count.what[1]: count.number for count in seen.callers} == Counter(user for _, user, _ in day)
    coded = [age for age, _, outcome in day if outcome in ("refused", "failed", "unknown")]
    recent = sum(age <= overview.HOUR_SECONDS for age in coded)
    assert seen.codes == ((("not_permitted", recent, len(coded)),) if coded else ())
    assert seen.kinds == ([overview.Fired("pii", "", "request", len(day))] if day else [])
    assert seen.all_read


def test_older_pages_are_linked_until_there_are_none(site: app.Site, gate: Gate, tmp_path: Path) -> None:
    total = exchanges.PAGE + 3
    write(tmp_path / "audit", records(an_exchange(n, n, "ana", "answered") for n in range(total)))
    console = a_console(site, gate, tmp_path / "audit").console
    first = text_of(visit(console, "/console/exchanges", user="ana"))
    assert first.count('<a href="/console/exchanges/') == exchanges.PAGE
    with Survey.open(tmp_path / "audit") as survey:
        listed = exchanges.listed(survey, wanted({"user": "ana"}))
    assert f"before={listed.next}&amp;user=ana" in first or f"user=ana&amp;before={listed.next}" in first
    last = text_of(visit(console, "/console/exchanges", user="ana", before=listed.next))
    assert last.count('<a href="/console/exchanges/') == 3
    assert 'rel="next"' not in last


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("since", "yesterday"),
        ("since", "9999-99-99"),
        ("until", "2026-01-01T25:00"),
        ("outcome", "nice"),
        ("code", "403"),
        ("before", "1"),
        ("before", "1.x"),
        ("before", "².²"),
        ("before", f"{1 << 63}.1"),
    ],
)
def test_a_filter_that_cannot_be_read_lists_nothing_and_says_so(
    site: app.Site, gate: Gate, tmp_path: Path, field: str, value: str
) -> None:
    write(tmp_path / "audit", records([an_exchange(1, 5, "ana", "answered")]))
    reply = visit(a_console(site, gate, tmp_path / "audit").console, "/console/exchanges", **{field: value})
    assert reply.status == 400
    assert 'role="alert"' in text_of(reply)
    assert ">x1<" not in text_of(reply)


@pytest.mark.parametrize(
    ("since", "found"),
    [(-10, True), (10, False)],
)
def test_times_are_utc_unless_they_say_otherwise(
    site: app.Site, gate: Gate, tmp_path: Path, since: int, found: bool
) -> None:
    write(tmp_path / "audit", records([an_exchange(1, 60, "ana", "answered")]))
    console = a_console(site, gate, tmp_path / "audit").console
    moment = datetime.fromtimestamp(AT - 60 + since, UTC)
    elsewhere = moment.astimezone(tz=datetime.strptime("+0800", "%z").tzinfo)
    for text in (f"{moment:%Y-%m-%dT%H:%M:%S}", elsewhere.isoformat()):
        page = text_of(visit(console, "/console/exchanges", since=text))
        assert ("<code>x1</code>" in page) is found
        assert f'value="{moment:%Y-%m-%dT%H:%M:%S}"' in page


def test_codes_that_can_be_chosen_are_all_there_are() -> None:
    assert set(exchanges.CODES) == {code.value for code in Code}


def test_the_survey_takes_in_what_was_written_since(site: app.Site, gate: Gate, tmp_path: Path) -> None:
    console = a_console(site, gate, tmp_path / "audit").console
    for n in (1, 2):
        write(tmp_path / "audit", records([an_exchange(n, 5, "ana", "answered")]))
        assert f"<code>x{n}</code>" in text_of(visit(console, "/console/exchanges"))


@pytest.mark.parametrize(("days", "state"), [(0, "good"), (364, "soon"), (400, "expired")])
def test_the_servers_certificate_tells_how_long_it_is_good(site: app.Site, days: int, state: str) -> None:
    found = {paper.what: paper.state for paper in papers(site.settings.tls, NOW + timedelta(days=days))}
    assert found["server"] == state
    assert found["authority"] == "good"
    assert set(found) == {"server", "authority", "revocation"}


def test_a_certificate_that_cannot_be_read_says_so_and_leaves_the_page_standing(
    site: app.Site, gate: Gate, tmp_path: Path
) -> None:
    write(tmp_path / "audit", records([an_exchange(1, 5, "ana", "answered")]))
    (tmp_path / "broken.pem").write_text("no certificate")
    files = site.settings.tls.model_copy(update={"certificate": tmp_path / "broken.pem", "crl": tmp_path / "none.pem"})
    console = replace(a_console(site, gate, tmp_path / "audit").console, tls=files)
    assert {p.what: p.state for p in papers(files, NOW)} == {"server": "unreadable", "authority": "good", "revocation": "unreadable"}  # fmt: skip
    assert visit(console, "/console").status == 200
