"""A caller under a sanction is slowed, asked to sign in again, or kept out, until it is over; nobody else notices."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.audit.alarms import Sanctions
from gateway.audit.anomalies import Action, Alarm, Kind, Watch
from gateway.barring import barred
from gateway.core.exchange import Certificate, Exchange, Peer
from gateway.core.verdict import Code
from tests.make import ANA, an_exchange

AT = 1_800_000_000.0


def under(action: Action, *, subject: str = "ana", tenant: str = "acme", at: float = AT) -> Sanctions:
    sanctions = Sanctions()
    impose(sanctions, action, subject=subject, tenant=tenant, at=at)
    return sanctions


def impose(sanctions: Sanctions, action: Action, *, subject: str = "ana", tenant: str = "acme", at: float = AT) -> None:
    watch = Watch(Kind.REFUSALS, 3, action=action, lasting=600, every=10)
    sanctions.impose(Alarm(Kind.REFUSALS, tenant, subject, 3, at, "x", watch))


def asking(after: float, **facts: object) -> Exchange:
    return an_exchange("hello", received_at=AT + after, **facts)


def code(sanctions: Sanctions, exchange: Exchange) -> Code | None:
    refusal = barred(sanctions, exchange)
    return None if refusal is None else refusal.code


@pytest.mark.parametrize(
    ("action", "expected"),
    [("throttle", Code.RATE_LIMITED), ("step_up", Code.STEP_UP_REQUIRED), ("block", Code.NOT_PERMITTED)],
)
def test_a_sanction_holds_for_its_time_and_its_caller(action: Action, expected: Code) -> None:
    sanctions = under(action)
    assert code(sanctions, asking(1)) is expected
    assert code(sanctions, asking(1, principal=replace(ANA, name="bob"))) is None
    assert code(sanctions, asking(1, principal=replace(ANA, tenant="other"))) is None
    assert code(sanctions, asking(600)) is None


def test_a_throttled_caller_comes_once_in_a_while_and_is_told_when() -> None:
    sanctions = under("throttle")
    assert [code(sanctions, asking(t)) for t in (9.5, 10, 10.5, 19, 20, 29)] == [
        *(Code.RATE_LIMITED, None, Code.RATE_LIMITED, Code.RATE_LIMITED, None, Code.RATE_LIMITED)
    ]
    refusal = barred(sanctions, asking(24))
    assert refusal is not None and refusal.retry_after == 6


def test_a_token_issued_after_the_alarm_is_enough_to_step_up() -> None:
    sanctions = under("step_up")
    for since, expected in ((0.0, Code.STEP_UP_REQUIRED), (AT, Code.STEP_UP_REQUIRED), (AT + 5, None)):
        assert code(sanctions, asking(10, principal=replace(ANA, since=since))) is expected


def test_many_users_behind_one_certificate_are_the_certificates_doing() -> None:
    sanctions = under("block", tenant="", subject=ANA.certificate)
    assert code(sanctions, asking(1)) is Code.NOT_PERMITTED
    assert code(sanctions, asking(1, principal=replace(ANA, name="bob"))) is Code.NOT_PERMITTED
    assert code(sanctions, asking(1, principal=replace(ANA, certificate="another"))) is None


def test_who_is_not_identified_is_known_by_its_address() -> None:
    sanctions = under("block", tenant="", subject="127.0.0.1")
    peer = Peer("127.0.0.1", Certificate("t" * 43, "analyst"))
    assert code(sanctions, asking(1, principal=None, peer=peer)) is Code.NOT_PERMITTED
    assert code(sanctions, asking(1, principal=None, peer=replace(peer, address="127.0.0.2"))) is None


def test_a_milder_alarm_does_not_let_a_blocked_caller_in() -> None:
    sanctions = under("block")
    impose(sanctions, "throttle", at=AT + 1)
    assert code(sanctions, asking(30)) is Code.NOT_PERMITTED
    impose(sanctions, "throttle", at=AT + 700)  # the block is over by now
    assert code(sanctions, asking(701)) is Code.RATE_LIMITED
    impose(sanctions, "block", at=AT + 702)
    assert code(sanctions, asking(703)) is Code.NOT_PERMITTED
