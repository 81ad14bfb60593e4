"""What single exchanges do not show is noticed once, with the right name on it, and acted upon; ordinary work raises nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit import watches
from gateway.audit.alarms import Alarms, Sanctions
from gateway.audit.anomalies import WATCHES, Alarm, Detectors, Kind, Watch
from gateway.audit.journal import Journal
from gateway.audit.projection import Projection
from gateway.audit.query import Filter
from gateway.audit.record import Closed, Event, Opened, Record
from gateway.audit.segment import Sizes
from gateway.audit.webhook import webhook
from gateway.core.reply import Usage
from gateway.core.verdict import Finding
from policies.problem import PolicyInvalid
from tests.audit.examples import AT, a_closed, an_opened

DAY = 86_400.0


def refused(n: int, code: str = "not_permitted", user: str = "ana") -> Opened:
    return replace(an_opened(f"x{n}", at=AT + n, user=user), code=code, rulings=())


def personal(n: int, count: int) -> Opened:
    found = replace(an_opened(f"x{n}", at=AT + n).rulings[1], findings=(Finding("pii", "phone", "m"),) * count)
    return replace(an_opened(f"x{n}", at=AT + n), rulings=(found,))


def spent(n: int, tokens: int) -> Closed:
    return replace(a_closed(f"x{n}", at=AT + n), usage=Usage(tokens, 0))


def behind(n: int, user: str) -> Opened:
    return an_opened(f"x{n}", at=AT + n, user=user)


def canary(n: int) -> Closed:
    return replace(a_closed(f"x{n}", at=AT + n), findings=(Finding("output", "canary:7", "choices[0].content"),))


def alarms(watch: Watch, records: list[Record]) -> list[Alarm]:
    detectors = Detectors([watch])
    return [alarm for record in records for alarm in detectors.see(record)]


@pytest.mark.parametrize(
    ("watch", "records", "expected"),
    [
        (Watch(Kind.REFUSALS, 5, 60), [refused(n) for n in range(5)], [("ana", 5)]),
        (Watch(Kind.REFUSALS, 5, 60), [refused(n) for n in range(4)], []),
        (Watch(Kind.REFUSALS, 5, 60), [refused(20 * n) for n in range(9)], []),  # never five within a minute
        (Watch(Kind.REFUSALS, 5, 60), [refused(n, user=f"u{n % 2}") for n in range(8)], []),  # four each
        (Watch(Kind.REFUSALS, 5, 60), [refused(n) for n in range(50)], [("ana", 5)]),  # once a window, not fifty times
        (Watch(Kind.REFUSALS, 5, 60), [refused(n) for n in range(130)], [("ana", 5), ("ana", 60), ("ana", 60)]),
        (Watch(Kind.ATTACKS, 3, 60), [refused(n, "prompt_injection") for n in range(3)], [("ana", 3)]),
        (Watch(Kind.ATTACKS, 3, 60), [refused(n, "not_permitted") for n in range(9)], []),
        (Watch(Kind.PERSONAL_DATA, 100, 60), [personal(n, 30) for n in range(4)], [("ana", 120)]),
        (Watch(Kind.TOKENS, 1000, 60), [spent(n, 400) for n in range(3)], [("ana", 1200)]),
        (Watch(Kind.REQUESTS, 10, 5), [an_opened(at=AT + n / 10) for n in range(10)], [("ana", 10)]),
        (Watch(Kind.IDENTITIES, 3, 60), [behind(n, f"u{n}") for n in range(3)], [("analyst", 3)]),
        (Watch(Kind.IDENTITIES, 3, 60), [behind(n, f"u{n % 2}") for n in range(20)], []),
        (Watch(Kind.FAILURES, 2, 60), [refused(n, "stage_failed", f"u{n}") for n in range(2)], [("stage_failed", 2)]),
        (Watch(Kind.CANARY, 1, 60), [canary(1)], [("ana", 1)]),
    ],
)
def test_too_much_of_a_kind_is_noticed_once(
    watch: Watch, records: list[Record], expected: list[tuple[str, int]]
) -> None:
    assert [(alarm.subject, alarm.amount) for alarm in alarms(watch, records)] == expected


def office_days(days: int, model: str = "smollm2") -> list[Opened]:
    """A caller who comes ten times a working day between 9 and 18, UTC."""
    monday = 1_700_438_400.0
    times = [monday + day * DAY + 9 * 3600 + n * 3600 for day in range(days) for n in range(10)]
    return [replace(an_opened(f"d{n}", at=at), model=model) for n, at in enumerate(times)]


def test_a_known_caller_at_an_odd_hour_is_noticed() -> None:
    night = an_opened("night", at=1_700_438_400.0 + 20 * DAY + 3 * 3600)
    assert [a.exchange for a in alarms(Watch(Kind.ODD_HOUR, 1, DAY), [*office_days(20), night])] == ["night"]
    assert alarms(Watch(Kind.ODD_HOUR, 1, DAY), [*office_days(3), night]) == []  # hardly known yet
    assert alarms(Watch(Kind.ODD_HOUR, 1, DAY), list(office_days(60))) == []


def test_a_known_caller_on_a_new_model_is_noticed_once() -> None:
    other = [replace(an_opened(f"o{n}", at=1_700_438_400.0 + 30 * DAY + n), model="deepseek-r1") for n in range(5)]
    found = alarms(Watch(Kind.NEW_MODEL, 1, DAY), [*office_days(20), *other])
    assert [alarm.exchange for alarm in found] == ["o0"]


def test_an_ordinary_day_raises_nothing() -> None:
    detectors = Detectors(WATCHES)
    assert [alarm for record in office_days(60) for alarm in detectors.see(record)] == []


@given(st.lists(st.floats(0, 1000), max_size=60).map(sorted), st.integers(1, 8), st.floats(1, 200))
@settings(max_examples=60, deadline=None)
def test_an_alarm_is_raised_exactly_when_the_window_is_full(times: list[float], threshold: int, span: float) -> None:
    at = [round(AT * 1000 + t * 1000) / 1000 for t in times]
    records: list[Record] = [replace(refused(0), at=round(t * 1000)) for t in at]
    raised = alarms(Watch(Kind.REFUSALS, threshold, span), records)
    full = [t for n, t in enumerate(at) if sum(1 for other in at[: n + 1] if other > t - span) >= threshold]
    expected: list[float] = []
    for t in full:
        if not expected or t >= expected[-1] + span:
            expected.append(t)
    assert [alarm.at for alarm in raised] == expected


async def test_an_alarm_is_on_record_and_its_sanction_holds_for_a_while(directory: Path) -> None:
    watch = Watch(Kind.REFUSALS, 3, 60, action="block", lasting=600)
    told: list[Alarm] = []

    async def notify(alarm: Alarm) -> None:
        told.append(alarm)

    alarms = Alarms(Detectors([watch]), Sanctions())
    async with Journal.open(directory, sizes=Sizes(ballast=0, reserve=0), watchers=[alarms]) as journal:
        work = asyncio.ensure_future(alarms.run(journal, notify))
        for n in range(3):
            await journal.append(refused(n))
        while not told:
            await asyncio.sleep(0.01)
    await work
    held = alarms.sanctions.on("acme", "ana", AT + 3)
    assert held is not None
    assert (held.action, held.why, held.until) == ("block", "anomaly:refusals", AT + 2 + 600)
    assert alarms.sanctions.on("acme", "bob", AT + 3) is None
    assert alarms.sanctions.on("acme", "ana", AT + 602) is None
    with Projection.open(directory) as record:
        events = [entry.record for entry in record.find(Filter(word="anomaly.refusals"))]
    assert [
        (e.subject, dict(e.facts)["exchange"], dict(e.facts)["action"]) for e in events if isinstance(e, Event)
    ] == [("ana", "x2", "block")]


def test_a_sanction_can_be_lifted() -> None:
    sanctions = Sanctions()
    sanctions.impose(Alarm(Kind.REFUSALS, "acme", "ana", 3, AT, "x", Watch(Kind.REFUSALS, 3, action="throttle")))
    assert sanctions.on("acme", "ana", AT) is not None
    assert sanctions.lift("acme", "ana")
    assert sanctions.on("acme", "ana", AT) is None
    assert not sanctions.lift("acme", "ana")


@pytest.mark.parametrize(("status", "fault"), [(204, ""), (500, "answers 500"), (302, "answers 302")])
async def test_an_alarm_is_told_to_an_address_and_its_refusal_is_said(directory: Path, status: int, fault: str) -> None:
    heard: list[dict[str, object]] = []

    async def hear(request: web.Request) -> web.Response:
        heard.append(await request.json())
        return web.Response(status=status, headers={"location": "/elsewhere"})

    app = web.Application()
    app.router.add_post("/", hear)
    alarms = Alarms(Detectors([Watch(Kind.CANARY, 1, action="webhook")]), Sanctions())
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        async with Journal.open(directory, sizes=Sizes(ballast=0, reserve=0), watchers=[alarms]) as journal:
            work = asyncio.ensure_future(alarms.run(journal, webhook(session, str(server.make_url("/")))))
            await journal.append(canary(1))
            while not heard:
                await asyncio.sleep(0.01)
        await work
    assert (heard[0]["kind"], heard[0]["tenant"], heard[0]["subject"]) == ("anomaly.canary", "acme", "ana")
    assert fault in alarms.fault


def test_a_site_says_what_it_watches_for() -> None:
    assert watches.parse(
        b"- {kind: refusals, threshold: 3, window: 60, action: block, lasting: 5}\n- {kind: canary, threshold: 1}"
    ) == (
        Watch(Kind.REFUSALS, 3, 60, "block", 5),
        Watch(Kind.CANARY, 1),
    )


@pytest.mark.parametrize(
    ("text", "wheres"),
    [
        ("kind: refusals", [""]),
        ("- [", [""]),
        ("- 3", ["[0]"]),
        ("- {kind: nosuch, threshold: 1}", ["[0].kind"]),
        ("- {kind: canary, threshold: 1}\n- {kind: canary}", ["[1].threshold"]),
        ("- {kind: canary, threshold: 0, action: shoot, windw: 3}", ["[0].windw", "[0].action", "[0].threshold"]),
        ("- {kind: canary, threshold: true}", ["[0].threshold"]),
        ("- {kind: canary, threshold: 1, window: 0, lasting: 1e9}", ["[0].window", "[0].lasting"]),
    ],
)
def test_everything_wrong_in_it_is_told_at_once(text: str, wheres: list[str]) -> None:
    with pytest.raises(PolicyInvalid) as told:
        watches.parse(text.encode())
    assert [problem.where for problem in told.value.problems] == wheres
