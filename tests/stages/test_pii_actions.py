"""Every action, for every kind of entity, by role and tenant, in both directions: through the gate, as `hangu inspect` shows it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

import policies
from gateway.cli import inspect, policy_candidate
from gateway.cli.policy_candidate import Candidate
from gateway.detect.patterns import Patterns
from gateway.settings import Settings
from gateway.stages.pii.rewriting import masked
from policies import bundle
from policies.cases import Caller, Side
from policies.pii import Action

DEFAULT = Path(policies.__file__).parent / "default"
VALUES = {
    "CN_ID_CARD": "11010519491231002X",
    "CN_MOBILE": "13812345678",
    "CN_BANK_CARD": "6222021234567890128",
    "CREDIT_CARD": "4111111111111111",
    "EMAIL_ADDRESS": "zhang@example.com",
    "CN_PLATE": "京A12345",
    "CN_USCC": "91350100M000100Y43",
    "IP_ADDRESS": "203.0.113.10",
    "IBAN_CODE": "GB29NWBK60161331926819",
    "US_SSN": "SSN 536-90-4399",
    "EMPLOYEE_ID": "EMP-004211",
    "PERSON": "王小明",
    "AWS_ACCESS_KEY": "AKIAQYLPMN5HHHFPZAM2",
    "GITHUB_TOKEN": "ghp_1a2B3c4D5e6F7g8H9i0J1k2L3m4N5o6P7q8R",
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
}
NUMBERS = itertools.count()
SECRET = {"AWS_ACCESS_KEY", "GITHUB_TOKEN", "JWT"}
POLICY = "default: {request: redact, response: redact}\nrules:\n" + "".join(
    f"  - {{name: {action}-{way}, roles: [{action}], direction: {way}, action: {action}}}\n"
    f"  - {{name: {action}-{way}-there, tenants: [{action}], direction: {way}, action: {action}}}\n"
    for action in Action
    for way in Side
)
NAMES = "names: {request: rules, response: rules}\nrestore: {roles: [nobody]}\n"


@pytest.fixture(scope="module")
def candidate() -> Candidate:
    files = bundle.gather(DEFAULT) | {"pii/policy.yaml": (POLICY + NAMES).encode()}
    said = Settings.model_validate(policy_candidate._BARE, context={"site": DEFAULT})
    return policy_candidate.of(bundle.assemble(files), said, DEFAULT, None)


def shown(candidate: Candidate, caller: Caller, way: Side, text: str) -> dict[str, object]:
    line = json.dumps({"id": 1, "text": text})
    somebody = caller.model_copy(update={"name": f"{caller.name} {next(NUMBERS)}"})  # nobody's allowance is used up
    ((written, understood),) = inspect.answers([line], inspect.inspector(candidate, somebody, way))
    assert understood
    answer: dict[str, object] = json.loads(written)
    return answer


def put(entity: str, value: str) -> tuple[str, str]:
    """A sentence with the value, and the part of it that is the entity's."""
    if entity == "PERSON":
        return f"联系人：{value}，谢谢", value
    return f"see {value} , ok", value.removeprefix("SSN ")


def caller_of(action: Action, by: str) -> Caller:
    if by == "role":
        return Caller(name="ann", tenant="default", roles=("analyst", action.value))
    return Caller(name="ann", tenant=action.value, roles=("analyst",))


@pytest.mark.parametrize("way", list(Side))
@pytest.mark.parametrize("by", ["role", "tenant"])
@pytest.mark.parametrize("action", list(Action))
def test_each_action_does_what_it_says_to_each_entity(candidate: Candidate, action: Action, by: str, way: Side) -> None:
    for entity, value in VALUES.items():
        if entity in SECRET and way is Side.RESPONSE and action in (Action.ALLOW, Action.RECORD):
            continue  # what passes here is withheld by the output stage behind it
        text, found = put(entity, value)
        answer = shown(candidate, caller_of(action, by), way, text)
        told = [one for one in answer["findings"] if one["entity"] == entity]  # type: ignore[union-attr,attr-defined]
        assert bool(told) is (action is not Action.ALLOW), (entity, answer)
        for one in told:
            assert text[one["start"] : one["end"]] == found, (entity, answer)
        expected = becomes(action, entity, text, found)
        if action is Action.BLOCK:
            assert (answer["action"], answer["text"], answer["code"]) == ("block", "", "personal_data_blocked"), entity
        elif expected is None:
            head, _, tail = text.partition(found)
            assert str(answer["text"]).startswith(f"{head}<{entity}_"), (entity, answer)
            assert str(answer["text"]).endswith(f">{tail}"), (entity, answer)
        else:
            assert answer["text"] == expected, entity
            assert answer["action"] == ("allow" if expected == text else "redact"), entity


def becomes(action: Action, entity: str, text: str, found: str) -> str | None:
    """The text afterwards; None where a tag stands in it. A secret is never given a tag."""
    if action in (Action.ALLOW, Action.RECORD):
        return text
    if action is Action.PSEUDONYMISE and entity not in SECRET:
        return None
    if action is Action.MASK:
        return text.replace(found, masked(found))
    return text.replace(found, f"<{entity}>")


@pytest.mark.parametrize("way", list(Side))
def test_who_is_named_by_no_rule_gets_the_default(candidate: Candidate, way: Side) -> None:
    for entity, value in VALUES.items():
        text, found = put(entity, value)
        answer = shown(candidate, Caller(name="ann", tenant="default", roles=("analyst",)), way, text)
        assert answer["text"] == text.replace(found, f"<{entity}>")


def test_the_samples_are_what_the_patterns_call_them() -> None:
    plain = Patterns()
    for entity, value in VALUES.items():
        if entity not in ("PERSON", "EMPLOYEE_ID"):
            assert [span.entity for span in plain.find(put(entity, value)[0])] == [entity]
