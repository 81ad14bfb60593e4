"""The harmless texts that come with the gateway: the shipped policies refuse none, and a rule written in haste shows."""

from __future__ import annotations

from pathlib import Path

import pytest

import policies
from gateway import app, smoke
from gateway.cli import policy_candidate
from gateway.core.exchange import Kind
from policies import bundle

DEFAULT = Path(policies.__file__).parent / "default"
FILES = bundle.gather(DEFAULT)
HASTY = b"""version: 1
rules:
  - id: OWN-101
    family: hasty
    severity: critical
    scope: {layer: language, roles: ["*"]}
    any: ['\\bthe\\b']
    owner: sec
    expires: 2099-01-01
    tests: {hit: ["the rule"], miss: ["a rule"]}
"""


def candidate(files: dict[str, bytes]) -> policy_candidate.Candidate:
    said = policy_candidate.load(DEFAULT)
    return policy_candidate.of(
        bundle.assemble(files),
        app.Settings.model_validate(policy_candidate._BARE, context={"site": DEFAULT}),
        said.directory,
        None,
    )


def test_the_shipped_policies_refuse_none() -> None:
    assert smoke.refused(policy_candidate.load(DEFAULT).gate) == []


def test_they_are_enough_and_of_every_kind() -> None:
    assert len(smoke.texts()) >= 500
    assert {text.kind for text in smoke.texts()} == {Kind.PROSE, Kind.IDENTIFIER}
    assert {text.role for text in smoke.texts()} >= {"user", "tool", "document", "header"}


@pytest.mark.parametrize(("allowed", "loads"), [(0, False), (500, True)])
def test_a_rule_written_in_haste_is_not_loaded_unless_policy_puts_up_with_it(allowed: int, loads: bool) -> None:
    settings = FILES["waf/settings.yaml"].replace(b"refused_at_most: 0", f"refused_at_most: {allowed}".encode())
    found = candidate(FILES | {"waf/own.yaml": HASTY, "waf/settings.yaml": settings})
    refused = app.smoked(found.bundle, found.gate)
    assert (refused == []) is loads
    assert all("OWN-101" in line for line in refused)
