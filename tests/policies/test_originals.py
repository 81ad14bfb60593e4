"""Whose originals are kept, and how many auditors it takes: first fit wins, and nobody's where nothing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

import policies
from policies import originals
from policies.problem import PolicyInvalid

DEFAULT = Path(policies.__file__).parent / "default" / "originals.yaml"
RULES = """
version: 1
default: none
rules:
  - {tenants: [bank], roles: [adviser], keep: none, reason: their own archive has it}
  - {tenants: [bank], keep: sealed, auditors: 2, reason: disputes}
  - {roles: [intern], keep: sealed, reason: training}
"""


def parsed(text: str) -> originals.OriginalsPolicy:
    return originals.parse({"originals.yaml": text.encode()})


@pytest.mark.parametrize(
    ("tenant", "roles", "kept", "auditors"),
    [
        ("bank", ("analyst",), True, 2),
        ("bank", ("analyst", "adviser"), False, 1),
        ("shop", ("intern",), True, 1),
        ("shop", ("analyst",), False, 1),
        ("", (), False, 1),
    ],
)
def test_the_first_rule_that_fits_decides(tenant: str, roles: tuple[str, ...], kept: bool, auditors: int) -> None:
    policy = parsed(RULES)
    assert (policy.keeps(tenant, roles), policy.needed(tenant, roles)) == (kept, auditors)
    assert policy.keeps_some


@pytest.mark.parametrize("policy", [originals.parse({}), parsed(DEFAULT.read_text("utf-8")), parsed("version: 1")])
def test_nobodys_are_kept_unless_somebody_says_so(policy: originals.OriginalsPolicy) -> None:
    assert not policy.keeps_some
    assert not policy.keeps("acme", ("analyst",))


def test_everybodys_are_kept_where_that_is_the_default() -> None:
    assert parsed("version: 1\ndefault: sealed").keeps("anyone", ())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version: 1\nkeep: sealed", "unknown key"),
        ("version: 1\ndefault: plain", "default"),
        ("version: 1\nauditors: 3", "auditors"),
        ("version: 1\nrules: [{tenants: [a], keep: sealed}]", "reason"),
        ("version: 2", "version"),
    ],
)
def test_slips_are_told(text: str, says: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        parsed(text)
    assert says in str(caught.value)
