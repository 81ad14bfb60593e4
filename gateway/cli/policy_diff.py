"""`hangu policy diff OLD NEW`: what changes and for whom: cases decided otherwise, grants given and taken, profiles widened."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway import cases
from gateway.cases import Seen
from gateway.cli import policy_candidate
from gateway.cli.policy_candidate import Candidate
from gateway.cli.words import say
from gateway.core.exchange import Action, Principal
from policies.access import AccessPolicy, Profile
from policies.cases import Case, Cases

FINE, FOUND = 0, 1
ANY_OTHER = "(any other)"  # a tenant that no rule names: what `*` means for newcomers
ACTIONS = tuple(action for action in Action if action is not Action.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing a caller may do under one policy and not under the other."""

    who: str
    tenant: str
    model: str
    action: str
    given: bool

    def __str__(self) -> str:
        word = say("may now", "现可") if self.given else say("may no longer", "不再可")
        tenant = say("any other tenant", "其他任何租户") if self.tenant == ANY_OTHER else self.tenant
        return f"{self.who} ({tenant}) {word} {self.action}: {self.model}"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", metavar="OLD", type=Path)
    parser.add_argument("new", metavar="NEW", type=Path)
    parser.add_argument(
        "--exit-code", action="store_true", help=say("exit 1 when something changes", "有变化时以 1 退出")
    )
    parser.set_defaults(task=diff)


def diff(args: argparse.Namespace) -> int:
    old, new = policy_candidate.load(args.old), policy_candidate.load(args.new)
    parts = (
        (say("files", "文件"), list(files(old, new))),
        (say("access", "访问"), [str(change) for change in grants(old, new)]),
        (say("what may be asked for", "可请求的内容"), list(profiles(old.bundle.access, new.bundle.access))),
        (say("cases", "用例"), list(outcomes(old, new))),
    )
    for title, lines in parts:
        print(f"{title}: {say('no change', '无变化') if not lines else ''}")
        print("".join(f"  {line}\n" for line in lines), end="")
    return FOUND if args.exit_code and any(lines for _, lines in parts) else FINE


def files(old: Candidate, new: Candidate) -> Iterator[str]:
    """Every file that is not the same, byte for byte."""
    before, after = old.bundle.files, new.bundle.files
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            word = say("added", "新增") if name not in before else say("removed", "删除") if name not in after else ""
            yield f"{word or say('changed', '修改')} {name}"


def grants(old: Candidate, new: Candidate) -> Iterator[Change]:
    """Every access decision that differs, for every role and for every user whose lines differ."""
    models = dict.fromkeys(model.name for one in (old, new) for model in one.bundle.routing.models)
    for principal in _who(old.bundle.access, new.bundle.access):
        for model in models:
            for action in ACTIONS:
                before, after = _may(old, principal, model, action), _may(new, principal, model, action)
                if before != after:
                    name = f"role:{principal.roles[0]}" if principal.roles else f"user:{principal.name}"
                    yield Change(name, principal.tenant, model, action, after)


def _may(candidate: Candidate, principal: Principal, model: str, action: Action) -> bool:
    known = any(one.name == model for one in candidate.bundle.routing.models)
    return known and candidate.access.decide(principal, model, action).allowed


def _who(old: AccessPolicy, new: AccessPolicy) -> Iterator[Principal]:
    """Roles in every tenant that is named, and in one that is not; users where something about them changed."""
    subjects = {rule.subject for one in (old, new) for rule in one.rules}
    subjects |= {name for one in (old, new) for each in one.memberships for name in (each.member, each.role)}
    tenants = {rule.tenant for one in (old, new) for rule in one.rules if rule.tenant != "*"}
    tenants |= {each.tenant for one in (old, new) for each in one.memberships if each.member.startswith("role:")}
    for role in sorted(subject.removeprefix("role:") for subject in subjects if subject.startswith("role:")):
        for tenant in (*sorted(tenants), ANY_OTHER):
            yield Principal("", tenant, (role,))
    for member, tenant in sorted(_touched(old, new)):
        for one in (tenant,) if tenant != "*" else (*sorted(tenants), ANY_OTHER):
            yield Principal(member.removeprefix("user:"), one, ())


def _touched(old: AccessPolicy, new: AccessPolicy) -> set[tuple[str, str]]:
    """Users and tenants of the lines that stand in one policy only."""
    lines = [
        {(each.member, each.tenant, each.role) for each in one.memberships}
        | {(rule.subject, rule.tenant, str(rule)) for rule in one.rules}
        for one in (old, new)
    ]
    return {(subject, tenant) for subject, tenant, _ in lines[0] ^ lines[1] if subject.startswith("user:")}


def profiles(old: AccessPolicy, new: AccessPolicy) -> Iterator[str]:
    """Every bound of a profile that differs, and the rules' subjects that have the profile."""
    for name in sorted({*old.profiles, *new.profiles}):
        before, after = old.profiles.get(name), new.profiles.get(name)
        holders = sorted({rule.subject for rule in new.rules if rule.profile == name})
        for field, was, now in _fields(before, after):
            yield f"{name}.{field}: {was} → {now}  ({', '.join(holders) or '-'})"


def _fields(before: Profile | None, after: Profile | None) -> Iterator[tuple[str, object, object]]:
    for field in Profile.model_fields:
        was = getattr(before, field) if before else "-"
        now = getattr(after, field) if after else "-"
        if was != now:
            yield field, was, now


def outcomes(old: Candidate, new: Candidate) -> Iterator[str]:
    """Every case of either policy that the two decide differently."""
    for number, case in enumerate(_cases(old.bundle.cases, new.bundle.cases)):
        at = number * cases.APART_SECONDS
        before, after = (cases.look(one.gate, case, one.wire, at) for one in (old, new))
        if _short(before) != _short(after):
            who = f"{case.caller.name} ({case.caller.tenant}: {', '.join(case.caller.roles) or '-'})"
            yield f"{case.name}: {_short(before)} → {_short(after)}  {who}"


def _cases(old: Cases, new: Cases) -> Iterable[Case]:
    return {case.name: case for one in (old, new) for _, case in one.entries}.values()


def _short(seen: Seen) -> str:
    return f"{seen.outcome}" + (f" ({seen.code})" if seen.code else "")
