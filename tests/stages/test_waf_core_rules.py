"""The core rules within the attack stage: asked of what no grammar proves, never of prose, and no answer refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import policies
from gateway import crs
from gateway.core.exchange import Exchange, Kind, Passage
from gateway.core.pipeline import judge
from gateway.core.verdict import Allow, Code, Refuse, Verdict
from gateway.detect.crs.residue import Crs, Match, Unproved
from gateway.detect.crs.workers import CrsUnavailable, Workers
from gateway.http import values
from gateway.stages.waf import Waf
from policies import waf
from policies.problem import PolicyInvalid
from tests.detect.crs.rules import a_directory, the_library
from tests.make import an_exchange

DEFAULT = Path(policies.__file__).parent / "default"
FILES = {f"waf/{path.name}": path.read_bytes() for path in (DEFAULT / "waf").glob("*.yaml")}
ODD = "an odd, odd name"


class Rules:
    """Fires 942100 on the odd name; says what it was asked."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.asked: list[Unproved] = []
        self._fault = fault

    def knows(self, one: Unproved) -> bool:
        return one in self.asked

    def matches(self, asked: Sequence[Unproved]) -> list[tuple[Match, ...]]:
        if self._fault is not None:
            raise self._fault
        self.asked += asked
        return [(Match(942100, 5, "crs-sqli"),) if one.text == ODD else () for one in asked]


def policy(settings: str = "", more: str = "") -> waf.WafPolicy:
    text = FILES["waf/settings.yaml"].decode()
    old = "core_rules: {mode: enforce, paranoia: 1, required: false, sample: 0.01}"
    assert old in text
    files = FILES | {"waf/settings.yaml": text.replace(old, settings or old).encode()}
    return waf.parse(files | ({"waf/own.yaml": f"version: 1\n{more}".encode()} if more else {}))


def named(text: str, where: str = "user", kind: Kind = Kind.IDENTIFIER) -> Exchange:
    return an_exchange(passages=(Passage(where, "parameter", text, kind),))


def code(verdict: Verdict) -> str:
    return verdict.code.value if isinstance(verdict, Refuse) else ""


def test_a_name_that_a_core_rule_fires_on_is_refused_and_the_rule_is_named() -> None:
    verdict = Waf(policy(), core=Rules()).judge(named(ODD))
    assert code(verdict) == "attack_detected"
    assert [(finding.rule, finding.entity) for finding in verdict.findings] == [("CRS-942100", "crs-sqli")]


@pytest.mark.parametrize("text", ["jane.doe@example.com", "张伟", "deepseek-ai/DeepSeek-V3.1", "a1b2", "SELECT"])
def test_plain_words_are_proved_and_nobody_is_asked(text: str) -> None:
    rules = Rules()
    assert Waf(policy(), core=rules).judge(named(text)) == Allow()
    assert rules.asked == []


def test_prose_is_never_shown_to_them() -> None:
    rules = Rules()
    Waf(policy(), core=rules).judge(an_exchange("SELECT * FROM users; DROP TABLE users -- <script>alert(1)</script>"))
    assert rules.asked == []


def test_what_a_grammar_refuses_is_not_asked_about() -> None:
    rules = Rules()
    assert code(Waf(policy(), core=rules).judge(named("a b", where="tools[0].function.name"))) == "attack_detected"
    assert rules.asked == []


def test_headers_are_asked_about_by_their_names() -> None:
    rules = Rules()
    headers = values.of([(b"User-Agent", ODD.encode()), (b"X-Plain", b"1.2.3"), (b"Authorization", b"Bearer a b")])
    verdict = Waf(policy(), core=rules).judge(an_exchange("hello", headers=headers))
    assert rules.asked == [Unproved(ODD, "user-agent")]
    assert code(verdict) == "attack_detected"
    assert verdict.findings[0].where == "headers.user-agent"


def test_a_policy_of_before_headers_were_judged_leaves_them_alone() -> None:
    text = FILES["waf/settings.yaml"].decode()
    old = waf.parse(
        FILES | {"waf/settings.yaml": text.replace('  - {where: "headers.*", grammar: header}\n', "").encode()}
    )
    headers = values.of([(b"User-Agent", b"<script>alert(1)</script>")])
    assert Waf(old).judge(an_exchange("hello", headers=headers)) == Allow()
    assert code(Waf(policy()).judge(an_exchange("hello", headers=headers))) == "attack_detected"


def test_all_names_of_an_exchange_are_one_question() -> None:
    passages = tuple(Passage(f"stop[{number}]", "parameter", f"stop {number}", Kind.IDENTIFIER) for number in range(3))
    rules = Rules()
    Waf(policy(), core=rules).judge(an_exchange(passages=passages))
    assert [one.text for one in rules.asked] == ["stop 0", "stop 1", "stop 2"]


def test_in_shadow_they_are_recorded_and_decide_nothing() -> None:
    stage = Waf(policy("core_rules: {mode: shadow}"), core=Rules())
    verdict = stage.judge(named(ODD))
    assert isinstance(verdict, Allow)
    assert [(finding.kind, finding.rule) for finding in verdict.findings] == [("waf.shadow", "CRS-942100")]


def test_switched_off_they_are_not_asked() -> None:
    rules = Rules()
    assert Waf(policy("core_rules: {mode: off}".replace("off", '"off"')), core=rules).judge(named(ODD)) == Allow()
    assert rules.asked == []


@pytest.mark.parametrize(("rule", "holds"), [("CRS-942100", True), ("CRS-942*", True), ("CRS-941*", False)])
def test_an_exclusion_may_name_a_core_rule(rule: str, holds: bool) -> None:
    more = f'exclusions: [{{rule: "{rule}", reason: TICKET-9, owner: sec, until: 2099-12-31, where: user}}]\n'
    assert (code(Waf(policy(more=more), core=Rules()).judge(named(ODD))) == "") is holds


@pytest.mark.parametrize("fault", [CrsUnavailable("late"), RuntimeError("broken")])
def test_no_answer_is_a_refusal(fault: Exception) -> None:
    judged = judge([Waf(policy(), core=Rules(fault))], named(ODD), lambda: 0.0)
    assert judged.refusal is not None
    assert judged.refusal.code is Code.STAGE_FAILED
    assert judge([Waf(policy(), core=Rules(fault))], named("plain"), lambda: 0.0).refusal is None


def test_only_what_was_not_answered_yet_has_to_wait() -> None:
    stage = Waf(policy(), core=Rules())
    assert not stage.waits(named("plain"))
    assert stage.waits(named("Two Words"))
    stage.judge(named("Two Words"))
    assert not stage.waits(named("Two Words"))
    assert not Waf(policy()).waits(named("Two Words"))


def test_a_policy_that_requires_them_is_not_loaded_without() -> None:
    with pytest.raises(PolicyInvalid, match="no core rules"):
        crs.in_force(policy("core_rules: {required: true}"), None)
    assert crs.in_force(policy(), None) is None


def test_seclang_that_nobody_would_read_is_a_problem() -> None:
    files = FILES | {"waf/ours.conf": b"SecRuleRemoveById 942100\n"}
    with pytest.raises(PolicyInvalid, match="nothing reads Seclang"):
        crs.in_force(waf.parse(files), None)


def test_the_real_library_refuses_and_allows_within_the_stage(tmp_path: Path) -> None:
    site = Crs(a_directory(tmp_path), "", Workers(the_library(), 1), 10.0)
    stage = Waf(policy(), core=crs.in_force(policy(), site))
    assert code(stage.judge(named("Two Words"))) == ""
    verdict = stage.judge(an_exchange("hello", headers=values.of([(b"user-agent", b"x jndi y")])))
    assert [finding.rule for finding in verdict.findings if finding.rule.startswith("CRS")] == ["CRS-944999"]
    site.close()
    judged = judge([stage], named("Three Whole Words"), lambda: 0.0)
    assert judged.refusal is not None
    assert judged.refusal.code is Code.STAGE_FAILED


class FiresOnAll(Rules):
    """Fires on whatever it is asked about."""

    def matches(self, asked: Sequence[Unproved]) -> list[tuple[Match, ...]]:
        super().matches(asked)
        return [(Match(942100, 5, "crs-sqli"),) for _ in asked]


def test_of_a_sample_plain_words_are_asked_about_for_the_record_alone() -> None:
    rules = FiresOnAll()
    stage = Waf(policy("core_rules: {sample: 1.0}"), core=rules)
    assert stage.waits(named("SELECT"))
    verdict = stage.judge(named("SELECT"))
    assert isinstance(verdict, Allow)
    assert {(one.kind, one.rule) for one in verdict.findings} == {("waf.shadow", "CRS-942100")}
    assert [one.where for one in verdict.findings] == ["model", "user"]
    assert Unproved("SELECT") in rules.asked
    assert code(stage.judge(named(ODD))) == "attack_detected"


def test_nobody_depends_on_the_sample() -> None:
    silent = Waf(policy("core_rules: {sample: 1.0}"), core=Rules(CrsUnavailable("late")))
    assert judge([silent], named("SELECT"), lambda: 0.0).refusal is None
    assert judge([silent], named(ODD), lambda: 0.0).refusal is not None


def test_about_so_many_exchanges_are_in_the_sample() -> None:
    rules = Rules()
    stage = Waf(policy("core_rules: {sample: 0.05}"), core=rules)
    asked = sum(stage.waits(replace(named("SELECT"), id=f"hx-{number:x}")) for number in range(2000))
    assert 60 <= asked <= 140
