"""The order is one, a refusal ends the way, and a stage that fails is never skipped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.exchange import Principal
from gateway.core.meanings import MEANINGS, meaning
from gateway.core.pipeline import REQUEST_ORDER, RESPONSE_ORDER, Gate, judge, redacted
from gateway.core.verdict import Allow, Amend, Code, Finding, Refuse
from tests.make import ANA, Passes, Says, a_gate, an_exchange


def tick() -> float:
    return 0.0


def test_a_gate_with_stages_out_of_order_cannot_be_made() -> None:
    stages = tuple(Says(step.name) for step in reversed(REQUEST_ORDER))
    with pytest.raises(ValueError, match="stages must be"):
        Gate(stages, tuple(Passes(step.name) for step in RESPONSE_ORDER), "")


def test_a_gate_that_lacks_a_stage_cannot_be_made() -> None:
    stages = tuple(Says(step.name) for step in REQUEST_ORDER if step.name != "pii")
    with pytest.raises(ValueError, match="pii"):
        Gate(stages, tuple(Passes(step.name) for step in RESPONSE_ORDER), "")


def test_a_refusal_ends_the_way() -> None:
    judgement = judge([Says("one"), Says("two", Refuse(Code.NOT_PERMITTED)), Says("three")], an_exchange("hi"), tick)
    assert judgement.refusal == Refuse(Code.NOT_PERMITTED)
    assert [ruling.stage for ruling in judgement.rulings] == ["one", "two"]


def test_an_amended_exchange_is_what_the_next_stage_and_the_backend_see() -> None:
    amended = replace(an_exchange("hi"), backend="embedded")
    judgement = judge([Says("one", Amend(amended)), Says("two")], an_exchange("hi"), tick)
    assert judgement.exchange is amended


def test_findings_of_every_stage_are_kept_in_order() -> None:
    seen = [Finding("waf", f"rule-{n}", "inputs") for n in range(2)]
    stages = [Says("one", Allow((seen[0],))), Says("two", Refuse(Code.ATTACK_DETECTED, (seen[1],)))]
    assert list(judge(stages, an_exchange("hi"), tick).findings) == seen


@pytest.mark.parametrize("answer", [RuntimeError("secret 13800138000"), None, True, "allow"])
def test_a_stage_that_raises_or_answers_nonsense_refuses(answer: object) -> None:
    judgement = judge([Says("broken", answer), Says("never")], an_exchange("hi"), tick)
    assert judgement.refusal == Refuse(Code.STAGE_FAILED)
    assert len(judgement.rulings) == 1
    assert "13800138000" not in judgement.rulings[0].fault


def test_a_failed_stage_says_what_failed_and_where() -> None:
    fault = judge([Says("broken", KeyError("x"))], an_exchange("hi"), tick).rulings[0].fault
    assert fault.startswith("KeyError at tests.make:")


def test_each_ruling_carries_the_time_its_stage_took() -> None:
    times = iter([1.0, 1.5, 1.75])
    judgement = judge([Says("one"), Says("two")], an_exchange("hi"), lambda: next(times))
    assert [ruling.seconds for ruling in judgement.rulings] == [0.5, 0.25]


class TestWhatTheRecordMayKeep:
    clean = an_exchange("call <PHONE>")

    def kept(self, *stages: Says, principal: Principal | None = ANA) -> tuple[str, ...] | None:
        gate = a_gate(*stages)
        judgement = judge(gate.stages, an_exchange("call 13800138000", principal=principal), tick)
        passages = redacted(gate, judgement, tick)
        return None if passages is None else tuple(passage.text for passage in passages)

    def test_text_that_passed_the_personal_data_stage_is_kept_as_it_left_it(self) -> None:
        assert self.kept(Says("pii", Amend(self.clean))) == ("call <PHONE>",)

    def test_text_refused_before_that_stage_is_redacted_for_the_record(self) -> None:
        refuses = Says("waf", Refuse(Code.ATTACK_DETECTED))
        assert self.kept(refuses, Says("pii", Amend(self.clean))) == ("call <PHONE>",)

    @pytest.mark.parametrize(
        "pii", [Refuse(Code.PERSONAL_DATA_BLOCKED), RuntimeError("broken")], ids=["blocked", "broken"]
    )
    @pytest.mark.parametrize("waf", [Allow(), Refuse(Code.ATTACK_DETECTED)], ids=["passed", "attack"])
    def test_text_that_nobody_could_redact_is_not_kept(self, pii: object, waf: object) -> None:
        assert self.kept(Says("waf", waf), Says("pii", pii)) is None

    def test_a_strangers_text_is_not_kept(self) -> None:
        refuses = Says("identity", Refuse(Code.TOKEN_MISSING))
        assert self.kept(refuses, Says("pii", Amend(self.clean)), principal=None) is None


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_a_meaning_in_both_languages(code: Code) -> None:
    assert meaning(code, "en") and meaning(code, "zh") and meaning(code, "en") != meaning(code, "zh")


def test_no_meaning_is_left_of_a_code_that_is_gone() -> None:
    assert set(MEANINGS) == set(Code)
