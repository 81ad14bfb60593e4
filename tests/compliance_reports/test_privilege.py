"""Least privilege: credit goes to every rule that alone would do, and the tightened policy refuses nothing that was needed."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from compliance_reports.facts import Decide, Facts, Grant, Rules
from compliance_reports.privilege import spelled, tightened, usage
from gateway.stages.access.index import Index
from policies.access import AccessPolicy, Rule
from tests.compliance_reports.months import CHAT, COMPLETE, LOOK, POLICY, a_good_month, an_exchange

MODEL = """
[request_definition]
r = sub, dom, obj, act
[policy_definition]
p = sub, dom, obj, act, eft, may
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.sub, p.sub, r.dom) && (p.dom == "*" || r.dom == p.dom) && keyMatch(r.obj, p.obj) && (p.act == "*" || r.act == p.act)
"""
GRANTS = tuple(
    (f"role:{role}", tenant, model, action, "allow", "standard")
    for role, tenant, model, action in product("ab", ("*", "acme"), ("*", "m1"), ("chat", "info"))
)
ASKED = st.tuples(
    st.sampled_from([("a",), ("b",), ("a", "b")]), st.sampled_from(["acme", "other"]),
    st.sampled_from(["m1", "m2"]), st.sampled_from(["chat", "info"]),
)  # fmt: skip


def real(grants: tuple[Grant, ...]) -> Decide:
    """Decided by the gateway's own index, not by a fake."""
    index = Index(AccessPolicy(MODEL, tuple(Rule(*grant) for grant in grants), (), {}))

    def decide(user: str, roles: tuple[str, ...], tenant: str, model: str, action: str) -> tuple[bool, tuple[str, ...]]:
        found = index.decide(f"user:{user}", tuple(f"role:{role}" for role in roles), tenant, model, action)
        return found.allowed, tuple(str(rule) for rule in found.matched if rule.effect == "allow")

    return decide


def a_month_of(grants: tuple[Grant, ...], asked: list[tuple[tuple[str, ...], str, str, str]]) -> Facts:
    decide = real(grants)
    passed = []
    for n, (roles, tenant, model, action) in enumerate(asked):
        one = replace(an_exchange(n), roles=roles, tenant=tenant, model=model, action=action)
        passed.append(one if decide("ana", roles, tenant, model, action)[0] else replace(one, code="not_permitted"))
    month = a_good_month()
    rules = Rules(POLICY, grants, (), ("m1", "m2"), {}, decide)
    return replace(month, passed=tuple(passed), around=replace(month.around, rules=rules))


@settings(max_examples=100, deadline=None)
@given(st.sets(st.sampled_from(GRANTS), min_size=1), st.lists(ASKED, max_size=12))
def test_taking_out_what_nobody_needed_refuses_nothing_that_was_let_in(
    chosen: set[Grant], asked: list[tuple[tuple[str, ...], str, str, str]]
) -> None:
    grants = tuple(sorted(chosen))
    facts = a_month_of(grants, asked)
    found = usage(facts)
    assert found.refused_by_tightening == 0
    tighter = real(tuple(grant for grant in grants if grant not in found.unused))
    for one in facts.passed:
        assert tighter(one.user, one.roles, one.tenant, one.model, one.action)[0] is one.let_in


@settings(max_examples=100, deadline=None)
@given(st.sets(st.sampled_from(GRANTS), min_size=1), st.lists(ASKED, min_size=1, max_size=12))
def test_a_grant_is_in_use_exactly_when_alone_it_would_have_let_somebody_in(
    chosen: set[Grant], asked: list[tuple[tuple[str, ...], str, str, str]]
) -> None:
    grants = tuple(sorted(chosen))
    used = {grant for grant, _ in usage(a_month_of(grants, asked)).used}
    alone = {grant for grant in grants if any(real((grant,))("ana", roles, *rest)[0] for roles, *rest in asked)}
    assert used == alone


def test_two_roles_that_grant_the_same_are_both_in_use() -> None:
    other = ("role:writer", *CHAT[1:])
    both = tuple(replace(an_exchange(n), roles=("analyst", "writer")) for n in range(3))
    facts = a_month_of((CHAT, other), [])
    found = usage(replace(facts, passed=both))
    assert [(grant, times) for grant, times in found.used] == [(CHAT, 3), (other, 3)]


def test_exchanges_under_another_policy_are_not_covered_and_said_to_be() -> None:
    month = a_good_month()
    passed = (*month.passed[:5], *(replace(one, policy="e" * 64) for one in month.passed[5:8]))
    found = usage(replace(month, passed=passed))
    assert (found.requests, found.not_covered) == (5, 3)


def test_the_tightened_policy_is_the_old_one_with_lines_struck_out() -> None:
    month = a_good_month()
    assert month.around.rules is not None
    rules = replace(month.around.rules, grants=(CHAT, COMPLETE, LOOK))
    found = usage(replace(month, around=replace(month.around, rules=rules)))
    lines = tightened(rules.grants, found)
    assert [line[0] for line in lines] == [" ", "-", " "]
    assert spelled(found.unused[0]) == "role:analyst,*,smollm2,complete,allow,standard"


def test_grants_for_everybody_everywhere_are_pointed_out() -> None:
    assert usage(a_good_month()).wildcards == (LOOK,)
