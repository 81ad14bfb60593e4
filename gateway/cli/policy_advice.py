"""What is allowed to stand in a policy but hardly meant: grants that reach nobody, names that lead nowhere. Refuses nothing."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.cli.words import say
from policies.access import AccessPolicy, Rule
from policies.bundle import Bundle


def advice(bundle: Bundle) -> list[str]:
    """One line each, in the reader's language, with the place where there is one."""
    access = bundle.access
    found = (_unreachable_models(bundle), _unused_roles(access), _unused_profiles(access), _strange_roles(bundle))
    return [line for lines in (*found, _wide(bundle)) for line in lines]


def _unreachable_models(bundle: Bundle) -> Iterator[str]:
    names = [model.name for model in bundle.routing.models]
    for rule in bundle.access.rules:
        if not any(_covers(rule.model, name) for name in names):
            yield _at(rule) + say(f"no model is called {rule.model}", f"没有名为 {rule.model} 的模型")


def _unused_roles(access: AccessPolicy) -> Iterator[str]:
    known = {rule.subject for rule in access.rules} | {one.member for one in access.memberships}
    for one in access.memberships:
        if one.role not in known:
            place = f"{one.file} line {one.line}: "
            yield place + say(f"no rule is about {one.role}", f"没有规则涉及 {one.role}")


def _unused_profiles(access: AccessPolicy) -> Iterator[str]:
    for name in sorted(set(access.profiles) - {rule.profile for rule in access.rules}):
        yield "access/profiles.yaml: " + say(f"no rule names the profile {name}", f"没有规则使用配置 {name}")


def _strange_roles(bundle: Bundle) -> Iterator[str]:
    """Roles that another section treats specially, though nobody who has them may do anything."""
    access = bundle.access
    known = {rule.subject for rule in access.rules} | {one.role for one in access.memberships}
    named = [("limits.yaml", one.role) for one in bundle.limits.assign if one.role]
    named += [("pii/policy.yaml", role) for role in bundle.pii.restore.roles]
    for file, role in named:
        if f"role:{role}" not in known:
            yield f"{file}: " + say(f"no access rule knows the role {role}", f"没有访问规则涉及角色 {role}")


def _wide(bundle: Bundle) -> Iterator[str]:
    for rule in bundle.access.rules:
        if rule.effect == "allow" and (rule.tenant, rule.model, rule.action) == ("*", "*", "*"):
            yield _at(rule) + say(
                f"{rule.subject} may do everything everywhere: least privilege asks for less",
                f"{rule.subject} 在任何地方都可做任何事：最小权限原则要求更少",
            )


def _covers(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _at(rule: Rule) -> str:
    return f"{rule.file} line {rule.line}: "
