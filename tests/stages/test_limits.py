"""Is it within bounds: sizes, samples, and rates that fill up again, per caller and per tenant."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.exchange import Action, Parameters, Principal
from gateway.core.pipeline import judge
from gateway.core.verdict import Allow, Code, Refuse, Verdict
from gateway.stages.limits import Draw, Limits, Meter
from policies import limits
from tests.make import an_exchange

NOW = 1_800_000_000.0
POLICY = limits.parse(
    {
        "limits.yaml": b"""
streams_per_client: 4
exchanges_per_client: 8
default: small
bounds:
  small:
    rate: {requests_per_minute: 6, tokens_per_minute: 1000}
    passages: 3
    characters: 20
    samples: 2
    unstated_tokens: 200
  large:
    rate: {requests_per_minute: 1000, tokens_per_minute: 100000}
    passages: 300
    characters: 2000
    samples: 20
    unstated_tokens: 200
assign:
  - {role: batch, tenant: acme, bounds: large}
tenants:
  "*": {requests_per_minute: 10, tokens_per_minute: 100000}
  big: {requests_per_minute: 5000, tokens_per_minute: 1000000}
"""
    }
)


def a_stage() -> Limits:
    return Limits(POLICY, Meter())


def ask(stage: Limits, *texts: str, name: str = "ana", at: float = NOW, **facts: object) -> Verdict:
    tenant, roles = str(facts.pop("tenant", "acme")), facts.pop("roles", ())
    principal = Principal(name, tenant, roles)  # type: ignore[arg-type]
    facts.setdefault("parameters", Parameters(max_tokens=1))
    return stage.judge(an_exchange(*(texts or ("hi",)), principal=principal, received_at=at, **facts))


def test_a_small_request_passes() -> None:
    assert isinstance(ask(a_stage()), Allow)


@pytest.mark.parametrize(
    ("texts", "parameters", "code", "rule"),
    [
        (("a", "b", "c", "d"), Parameters(), Code.TOO_LARGE, "passages"),
        (("a" * 11, "数" * 10), Parameters(), Code.TOO_LARGE, "characters"),
        (("a",), Parameters(samples=3), Code.PARAMETER_NOT_PERMITTED, "samples"),
        (("a",), Parameters(max_tokens=1001), Code.TOO_LARGE, "rate"),
        (("a",), Parameters(max_tokens=501, samples=2), Code.TOO_LARGE, "rate"),
    ],
)
def test_too_much_in_one_request_is_refused(
    texts: tuple[str, ...], parameters: Parameters, code: Code, rule: str
) -> None:
    verdict = ask(a_stage(), *texts, parameters=parameters)
    assert isinstance(verdict, Refuse)
    assert (verdict.code, verdict.findings[0].rule) == (code, rule)
    assert verdict.retry_after is None  # waiting would not help
    assert verdict.detail


def test_a_role_in_a_tenant_may_have_other_bounds() -> None:
    many = [str(number) for number in range(30)]
    assert isinstance(ask(a_stage(), *many, roles=("batch",)), Allow)
    assert isinstance(ask(a_stage(), *many, roles=("batch",), tenant="other"), Refuse)


def test_a_minute_s_requests_may_come_at_once_and_then_fill_up_evenly() -> None:
    stage = a_stage()
    assert all(isinstance(ask(stage), Allow) for _ in range(6))
    verdict = ask(stage)
    assert isinstance(verdict, Refuse)
    assert verdict.code is Code.RATE_LIMITED
    assert verdict.retry_after == pytest.approx(10.0)
    assert isinstance(ask(stage, at=NOW + 9.9), Refuse)
    assert isinstance(ask(stage, at=NOW + 10.1), Allow)
    assert isinstance(ask(stage, at=NOW + 10.2), Refuse)


def test_one_caller_s_requests_do_not_count_for_another_until_the_tenant_s_are_used() -> None:
    stage = a_stage()
    assert all(isinstance(ask(stage, name="ana"), Allow) for _ in range(6))
    assert all(isinstance(ask(stage, name="bob"), Allow) for _ in range(4))
    assert isinstance(ask(stage, name="carol"), Refuse)  # ten in all: the tenant's own limit
    assert isinstance(ask(stage, name="ana", tenant="big"), Allow)  # the same name elsewhere is somebody else


def test_a_refused_request_uses_nothing_up() -> None:
    stage = a_stage()
    for _ in range(6):
        ask(stage)
    for _ in range(50):
        assert isinstance(ask(stage), Refuse)
    assert isinstance(ask(stage, at=NOW + 10.1), Allow)


def test_the_tokens_asked_for_count() -> None:
    stage = a_stage()
    assert isinstance(ask(stage, parameters=Parameters(max_tokens=400, samples=2)), Allow)
    verdict = ask(stage, parameters=Parameters(max_tokens=500))
    assert isinstance(verdict, Refuse)
    assert verdict.retry_after == pytest.approx(18.0)
    assert isinstance(ask(stage, parameters=Parameters(max_tokens=200)), Allow)


def test_tokens_nobody_named_count_as_the_policy_says() -> None:
    stage = a_stage()
    assert all(isinstance(ask(stage, parameters=Parameters()), Allow) for _ in range(5))
    assert isinstance(ask(stage, parameters=Parameters()), Refuse)
    assert isinstance(ask(stage, action=Action.INFO, parameters=Parameters()), Allow)


def test_a_caller_nobody_identified_is_refused() -> None:
    assert isinstance(a_stage().judge(an_exchange("hi", principal=None)), Refuse)


def test_a_broken_meter_refuses() -> None:
    class Broken(Meter):
        def take(self, draws: object, now: float) -> float:
            raise MemoryError

    judged = judge((Limits(POLICY, Broken()),), an_exchange("hi"), lambda: 0.0)
    assert judged.refusal is not None
    assert judged.refusal.code is Code.STAGE_FAILED


class TestMeter:
    """The buckets themselves."""

    @given(
        times=st.lists(st.floats(0, 600, allow_nan=False), min_size=1, max_size=60),
        amount=st.floats(0.1, 5),
        per_minute=st.integers(5, 120),
    )
    @settings(max_examples=100, deadline=None)
    def test_no_span_of_time_gives_more_than_a_minute_s_worth_and_what_fills_up_in_it(
        self, times: list[float], amount: float, per_minute: int
    ) -> None:
        meter = Meter()
        taken = [at for at in sorted(times) if meter.take([Draw("k", amount, per_minute)], NOW + at) == 0.0]
        for first in range(len(taken)):
            for last in range(first, len(taken)):
                span = taken[last] - taken[first]
                assert (last - first + 1) * amount <= per_minute * (1 + span / 60) + 1e-3

    @given(amount=st.floats(0.1, 50), per_minute=st.integers(50, 500), used=st.floats(0.1, 50))
    @settings(max_examples=100, deadline=None)
    def test_after_the_wait_it_told_it_gives(self, amount: float, per_minute: int, used: float) -> None:
        meter, now = Meter(), NOW
        while (wait := meter.take([Draw("k", used, per_minute)], now)) == 0.0:
            continue
        assert meter.take([Draw("k", used, per_minute)], now + wait + 1e-3) == 0.0

    def test_all_draws_are_taken_or_none(self) -> None:
        meter = Meter()
        assert meter.take([Draw("a", 5, 10), Draw("b", 11, 10)], NOW) == float("inf")
        assert meter.take([Draw("a", 10, 10)], NOW) == 0.0

    def test_a_clock_that_goes_back_gives_nothing_away_and_does_not_stick(self) -> None:
        meter = Meter()
        meter.take([Draw("a", 10, 10)], NOW)
        assert meter.take([Draw("a", 1, 10)], NOW - 3600) > 0
        assert meter.take([Draw("a", 1, 10)], NOW - 3600 + 6.1) == 0.0

    def test_it_remembers_a_bounded_number_of_callers(self) -> None:
        meter = Meter(capacity=10)
        for number in range(100):
            meter.take([Draw(number, 1, 10)], NOW)
        assert len(meter) == 10

    def test_workers_share_a_rate(self) -> None:
        halves = [Meter(share=0.5) for _ in range(2)]
        taken = sum(meter.take([Draw("a", 1, 10)], NOW) == 0.0 for meter in halves for _ in range(10))
        assert taken == 10
        with pytest.raises(ValueError, match="share"):
            Meter(share=0)
