"""Least privilege, measured: which grants were needed, which were not, and what a tighter policy would have refused.

A decision is credited to every rule that alone would have given it, not to the one that happened to be named: two roles
that grant the same thing are both in use.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from compliance_reports.facts import Decide, Facts, Grant, Passed, Rules

Asked = tuple[str, tuple[str, ...], str, str, str]  # user, roles, tenant, model, action


@dataclass(frozen=True, slots=True)
class Usage:
    """Allowing grants by whether the period needed them, and how often. `requests` were let in under these rules."""

    used: tuple[tuple[Grant, int], ...]
    unused: tuple[Grant, ...]
    requests: int
    not_covered: int  # let in under another policy than these rules
    wildcards: tuple[Grant, ...]
    refused_by_tightening: int = 0


def usage(facts: Facts) -> Usage:
    """What of the policy on disk was used by the exchanges that were let in under it."""
    rules = facts.around.rules
    if rules is None:
        return Usage((), (), 0, 0, ())
    grants = tuple(grant for grant in rules.grants if grant[4] == "allow")
    mine = [one for one in facts.passed if one.let_in and one.user and one.policy == rules.digest]
    counts = _needed(Counter(map(_asked, mine)), rules)
    others = sum(1 for one in facts.passed if one.let_in and one.user) - len(mine)
    used = tuple((grant, counts[spelled(grant)]) for grant in grants if counts[spelled(grant)])
    unused = tuple(grant for grant in grants if not counts[spelled(grant)])
    refused = _refused(Counter(map(_asked, mine)), rules, {spelled(grant) for grant in unused})
    wild = tuple(grant for grant in grants if grant[1] == "*" and grant[2] == "*")
    return Usage(used, unused, len(mine), others, wild, refused)


def agrees(one: Passed, rules: Rules) -> bool:
    """Does the policy still say what the record says?"""
    if rules.decide is None:
        return True
    allowed, _ = rules.decide(*_asked(one))
    return allowed == one.let_in


def spelled(grant: Grant) -> str:
    """The rule as records name it."""
    return ",".join(grant)


def tightened(grants: tuple[Grant, ...], found: Usage) -> tuple[str, ...]:
    """The access rules as a diff: one line each, those without use taken out."""
    idle = set(found.unused)
    return tuple(f"{'-' if grant in idle else ' '}p, {', '.join(grant)}" for grant in grants)


def _asked(one: Passed) -> Asked:
    return one.user, one.roles, one.tenant, one.model, one.action


def _needed(asked: Counter[Asked], rules: Rules) -> Counter[str]:
    counts: Counter[str] = Counter()
    if rules.decide is None:
        return counts
    for question, times in sorted(asked.items()):
        for rule in rules.decide(*question)[1]:
            counts[rule] += times
    return counts


def _refused(asked: Counter[Asked], rules: Rules, idle: set[str]) -> int:
    """How many past requests have no allowing rule left once the idle ones are gone."""
    decide: Decide | None = rules.decide
    if decide is None:
        return 0
    kept = {spelled(grant) for grant in rules.grants if grant[4] == "allow"} - idle
    return sum(times for question, times in asked.items() if not kept.intersection(decide(*question)[1]))
