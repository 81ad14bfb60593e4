"""The yardstick of the access index: the same policy in Casbin's own enforcer, and random policies to compare them on."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import casbin

import policies
from policies.access import ACTIONS, AccessPolicy, Membership, Profile, Rule

MODEL = (Path(policies.__file__).parent / "default" / "access" / "model.conf").read_text("utf-8")
WIDE = Profile(max_tokens="unlimited", samples=1000, tools="any", grammar=True, adapters="any", sampling="any")


@dataclass(frozen=True)
class Asked:
    """One question, and the roles a token adds to those the policy gives."""

    subject: str
    roles: tuple[str, ...]
    tenant: str
    model: str
    action: str


def an_enforcer(policy: AccessPolicy) -> casbin.Enforcer:
    """Plain Casbin over the same model, rules and memberships."""
    model = casbin.Model()
    model.load_model_from_text(policy.model)
    enforcer = casbin.Enforcer(model)
    enforcer.add_policies([list(rule.fields) for rule in policy.rules])
    enforcer.add_grouping_policies([[one.member, one.role, one.tenant] for one in policy.memberships])
    return enforcer


def plainly(enforcer: casbin.Enforcer, asked: Asked) -> bool:
    """What plain Casbin answers, the token's roles being memberships for the time of the question."""
    manager = enforcer.get_role_manager()
    held = set(manager.get_roles(asked.subject, asked.tenant))
    lent = [role for role in dict.fromkeys(asked.roles) if role not in held]
    for role in lent:
        manager.add_link(asked.subject, role, asked.tenant)
    try:
        return bool(enforcer.enforce(asked.subject, asked.tenant, asked.model, asked.action))
    finally:
        for role in lent:
            manager.delete_link(asked.subject, role, asked.tenant)


def a_policy(chance: random.Random, rules: int, users: int, model: str = MODEL) -> AccessPolicy:
    """Rules and memberships that overlap, contradict, inherit, run in circles and reach across tenants."""
    roles = [f"role:r{number}" for number in range(max(3, rules // 8))]
    tenants = [f"t{number}" for number in range(4)]
    members = [f"user:u{number}" for number in range(users)]
    made = {_a_rule(chance, roles, members, tenants) for _ in range(rules)}
    joined = {(member, chance.choice(roles), chance.choice(tenants)) for member in members for _ in range(2)}
    joined |= {(chance.choice(roles), chance.choice(roles), chance.choice(tenants)) for _ in range(len(roles))}
    memberships = tuple(Membership(*one) for one in sorted(joined))
    return AccessPolicy(model, tuple(Rule(*fields) for fields in sorted(made)), memberships, {"wide": WIDE})


def _a_rule(
    chance: random.Random, roles: Sequence[str], members: Sequence[str], tenants: Sequence[str]
) -> tuple[str, str, str, str, str, str]:
    effect = chance.choices(("allow", "deny"), (5, 1))[0]
    return (
        chance.choice(roles) if chance.random() < 0.9 else chance.choice(members),
        chance.choice((*tenants, "*", "*", "*")),
        chance.choice(("*", "m1", "m2", "lab/*", "lab/m3", "m*")),
        chance.choice((*ACTIONS, "*", "*")),
        effect,
        "wide" if effect == "allow" else "-",
    )


def a_question(chance: random.Random, policy: AccessPolicy) -> Asked:
    """Mostly about people and roles that exist, now and then about ones that do not."""
    members = [one.member for one in policy.memberships]
    roles = [rule.subject for rule in policy.rules if rule.subject.startswith("role:")]
    return Asked(
        chance.choice(members) if chance.random() < 0.9 else "user:stranger",
        tuple(chance.sample(roles, min(len(roles), chance.choice((0, 1, 1, 2))))),
        chance.choice(("t0", "t1", "t2", "t3", "t9")),
        chance.choice(("m1", "m2", "m7", "lab/m3", "lab/m3", "other")),
        chance.choice(ACTIONS),
    )


def many_questions(chance: random.Random, count: int) -> Iterator[tuple[AccessPolicy, casbin.Enforcer, list[Asked]]]:
    """Random policies of 2 to 40 rules with a hundred questions each, `count` questions in all."""
    for start in range(0, count, 100):
        policy = a_policy(chance, chance.choice((2, 5, 10, 40)), chance.choice((2, 8, 30)))
        yield policy, an_enforcer(policy), [a_question(chance, policy) for _ in range(min(100, count - start))]
