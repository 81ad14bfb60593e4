"""Cases run through a real gate: they pass when the policy does what they say, and say what is wrong when not."""

from __future__ import annotations

from pathlib import Path

import pytest

import policies
from gateway.cases import CaseResult, look, run
from gateway.core.exchange import Exchange
from gateway.core.pipeline import Gate
from gateway.core.reply import Channel
from gateway.core.stage import Piece, Transform
from gateway.core.verdict import Amend, Code, Finding, Refuse
from gateway.stages.access import Access
from gateway.stages.limits import Limits, Meter
from gateway.stages.routing import Routing
from policies import access, cases, limits, routing
from policies.cases import Outcome
from tests.make import Says, a_gate, an_exchange
from tgi.wire import TgiWire

DEFAULT = Path(policies.__file__).parent / "default"
WIRE = TgiWire(default_model="smollm2")


def files(*patterns: str) -> dict[str, bytes]:
    return {path.relative_to(DEFAULT).as_posix(): path.read_bytes() for p in patterns for path in DEFAULT.glob(p)}


def the_gate() -> Gate:
    routes = routing.parse(files("routing.yaml"))
    return a_gate(
        Access(access.parse(files("access/*")), routes),
        Limits(limits.parse(files("limits.yaml")), Meter()),
        Routing(routes),
    )


def results(text: str, gate: Gate | None = None) -> list[CaseResult]:
    return run(gate or the_gate(), cases.parse({"cases/x.yaml": text.encode()}), WIRE)


def one(gate: Gate | None = None, **facts: str) -> CaseResult:
    given = {
        "caller": "{name: ana, tenant: demo, roles: [analyst]}",
        "model": "smollm2",
        "text": "hi",
        "expect": "allow",
    }
    lines = "\n  ".join(f"{key}: {value}" for key, value in (given | facts).items() if value)
    return results(f"- name: it\n  {lines}\n", gate)[0]


@pytest.mark.parametrize("file", ["cases/access.yaml", "cases/limits.yaml"])
def test_the_shipped_policies_pass_their_own_cases(file: str) -> None:
    found = run(the_gate(), cases.parse(files(file)), WIRE)
    assert found
    assert [(result.case.name, result.wrong) for result in found if not result.passed] == []


@pytest.mark.parametrize(
    ("facts", "wrong"),
    [
        ({"expect": "block", "code": "not_permitted"}, "expected block, got allow"),
        ({"caller": "{name: x, tenant: demo}"}, "expected allow, got block (model_not_found)"),
        ({"caller": "{name: x}", "expect": "block", "code": "rate_limited"}, "expected code rate_limited, got model_not_found"),
        ({"rules": "['waf:*']"}, "waf:* did not fire"),
        ({"silent": "['access:*']"}, "access:* fired and should not"),
        ({"becomes": "ho"}, "expected the text 'ho', got 'hi'"),
        ({"route": "/nowhere"}, "expected allow, got block (route_unknown)"),
    ],
)  # fmt: skip
def test_a_case_that_does_not_hold_says_what_is_wrong(facts: dict[str, str], wrong: str) -> None:
    assert one(**facts).wrong == (wrong,)


def test_a_whole_body_is_read_by_the_wire() -> None:
    body = "{model: smollm2, max_tokens: 9999, messages: [{role: user, content: hi}]}"
    assert one(text="", model="", body=body, expect="block", code="parameter_not_permitted").passed
    assert one(text="", model="", body="'{\"nonsense\"'", expect="block", code="json_malformed").passed


def test_a_stage_that_changes_the_text_redacts() -> None:
    changed = an_exchange("h*", principal=None)
    gate = a_gate(Says("pii", Amend(changed, (Finding("pii", "a-rule", "messages[0].content"),))))
    assert one(gate, expect="redact", becomes="h*", rules="[a-rule, 'pii:a-*']").passed


def test_a_stage_that_is_broken_fails_its_cases_instead_of_passing_them() -> None:
    gate = a_gate(Says("waf", RuntimeError("detector gone")))
    assert one(gate).wrong == ("expected allow, got block (stage_failed)",)
    assert one(a_gate(Says("waf", Refuse(Code.ATTACK_DETECTED)))).wrong


class Shouts:
    """A rewriter that makes text loud, or stops at a word."""

    name = "output"

    def transform(self, exchange: Exchange, channel: Channel) -> Transform:
        return self

    def feed(self, text: str) -> Piece:
        return Piece(refusal=Code.OUTPUT_BLOCKED) if "secret" in text else Piece(text.upper())

    def finish(self) -> Piece:
        return Piece()


def test_replies_go_through_the_rewriters() -> None:
    gate = a_gate(rewriters=(Shouts(),))
    assert one(gate, stage="response", expect="redact", becomes="HI").passed
    assert one(gate, stage="response", text="HI").passed
    assert one(gate, stage="response", text="a secret", expect="block", code="output_blocked").passed


def test_a_case_asked_many_times_is_judged_by_the_last_answer_and_harms_no_other() -> None:
    text = """
- {name: a, caller: {name: n, tenant: demo, roles: [guest]}, route: /info, times: 301, expect: block, code: rate_limited}
- {name: b, caller: {name: n, tenant: demo, roles: [guest]}, route: /info, times: 300, expect: allow}
"""
    assert [result.wrong for result in results(text)] == [(), ()]


def test_looking_at_a_case_does_not_ask_what_it_expects() -> None:
    case = cases.parse(files("cases/access.yaml")).entries[0][1]
    assert look(the_gate(), case, WIRE).outcome is Outcome.ALLOW
