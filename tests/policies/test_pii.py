"""The pii policy as people write it: what decides, what is refused, and that every recognizer keeps its own promises."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from gateway.detect.detectors import detectors
from policies.pii import Action, Direction, Names, PiiPolicy, parse
from policies.problem import PolicyInvalid

POLICIES = Path(__file__).parents[2] / "policies"
SHIPPED = [POLICIES / "default", *sorted((POLICIES / "packs").iterdir())]


def read(directory: Path) -> PiiPolicy:
    return parse({f"pii/{file.name}": file.read_bytes() for file in (directory / "pii").glob("*.yaml")})


@pytest.mark.parametrize("directory", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_recognizer_keeps_its_own_promises(directory: Path) -> None:
    policy = read(directory)
    assert policy.recognizers
    detectors(dataclasses.replace(policy, names=Names()))


def test_a_recognizer_that_does_not_keep_its_promises_is_refused() -> None:
    said = b"- {name: x, entity: XX, pattern: 'ab[0-9]+', score: 0.9, cases: {match: [cd1], silent: [ab1]}}"
    policy = parse({"pii/policy.yaml": b"default: {request: redact, response: redact}", "pii/own.yaml": said})
    with pytest.raises(PolicyInvalid) as refused:
        detectors(policy)
    assert len(refused.value.problems) == 2


@pytest.mark.parametrize("directory", SHIPPED, ids=lambda path: path.name)
def test_a_private_key_never_reaches_a_model(directory: Path) -> None:
    assert read(directory).action("PRIVATE_KEY", Direction.REQUEST, "t", ("analyst",)) is Action.BLOCK


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("default: {request: redact}", "response"),
        ("default: {request: hide, response: redact}", "default.request"),
        ("default: {request: redact, response: redact}\nentitys: {}", "did you mean 'entities'"),
        (
            "default: {request: redact, response: redact}\nrules: [{name: x, action: allow}]",
            "give roles, tenants or both",
        ),
        ("default: {request: redact, response: redact}\nentities: {lower: {request: allow}}", "entities"),
    ],
)
def test_a_policy_that_is_not_clear_is_refused(text: str, problem: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        parse({"pii/policy.yaml": text.encode()})
    assert problem in str(refused.value)


@pytest.mark.parametrize("pattern", ["(", "(?<=a)b", "(?=a)b", r"(a)\1x", "a*"])
def test_a_pattern_that_the_scan_cannot_read_is_refused(pattern: str) -> None:
    said = f"- {{name: x, entity: XX, pattern: '{pattern}', cases: {{match: [a], silent: [b]}}}}"
    with pytest.raises(PolicyInvalid):
        parse({"pii/policy.yaml": b"default: {request: redact, response: redact}", "pii/own.yaml": said.encode()})


def test_a_missing_policy_is_a_problem_and_never_an_allowance() -> None:
    with pytest.raises(PolicyInvalid, match="is missing"):
        parse({})
