"""Rules found by who asks, instead of by reading all of them. Decides as plain Casbin does; knows no exchange."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from gateway.stages.access.casbin_model import Matcher, Request, read_model
from policies.access import AccessPolicy, Membership, Rule

MAX_HOPS = 9  # role to role: what Casbin's role manager follows with its default of ten levels
MAX_REMEMBERED = 1 << 14  # decisions: about 4 MB, and the busy callers of a large site; afresh costs microseconds


@dataclass(frozen=True, slots=True)
class Decision:
    """`allowed` and every rule that matched, in file order. A deny decides alone; no rule at all is a refusal."""

    allowed: bool
    matched: tuple[Rule, ...]

    @property
    def rule(self) -> str:
        """The rule that decided, as Casbin writes it."""
        effect = "allow" if self.allowed else "deny"
        return next((str(rule) for rule in self.matched if rule.effect == effect), NO_RULE)


NO_RULE = "default-deny"


class Index:
    """One access policy, ready to answer. Decisions are remembered; they depend on nothing but the policy."""

    def __init__(self, policy: AccessPolicy) -> None:
        self._matcher: Matcher = read_model(policy.model)
        self._roles = _by_member(policy.memberships)
        self._rules = policy.rules
        self._places = _by_subject(policy.rules)
        self.decide = lru_cache(MAX_REMEMBERED)(self.decide_afresh)
        self.roles_given = lru_cache(MAX_REMEMBERED)(self._roles_given)

    def decide_afresh(self, subject: str, roles: tuple[str, ...], tenant: str, model: str, action: str) -> Decision:
        """`subject` and `roles` as rules write them: `user:ana`, `role:analyst`. Roles here are the token's own."""
        request = Request(subject, tenant, model, action)
        reached = self._reach((subject, *roles), tenant)

        def linked(member: str, role: str, domain: str) -> bool:
            starts = (member, *roles) if member == subject and domain == tenant else (member,)
            return role in self._reach(starts, domain)

        rules = [self._rules[place] for place in sorted(self._places_of(reached))]
        matched = tuple(rule for rule in rules if self._matcher.fits(request, rule, linked))
        effects = {rule.effect for rule in matched}
        return Decision("allow" in effects and "deny" not in effects, matched)

    def _roles_given(self, subject: str, roles: tuple[str, ...], tenant: str) -> tuple[str, ...]:
        """The names, without `role:`, of the roles that memberships add to the token's own."""
        added = self._reach((subject, *roles), tenant) - {subject, *roles}
        return tuple(sorted(name.removeprefix("role:") for name in added))

    def _places_of(self, subjects: Iterable[str]) -> Iterable[int]:
        return chain.from_iterable(self._places.get(subject, ()) for subject in subjects)

    def _reach(self, starts: Iterable[str], tenant: str) -> frozenset[str]:
        """Who one is: oneself, one's roles, their roles, and so on."""
        reached = newly = frozenset(starts)
        for _ in range(MAX_HOPS):
            newly = frozenset(role for name in newly for role in self._roles.get((tenant, name), ())) - reached
            if not newly:
                break
            reached |= newly
        return reached


def _by_member(memberships: Iterable[Membership]) -> Mapping[tuple[str, str], tuple[str, ...]]:
    roles: dict[tuple[str, str], tuple[str, ...]] = {}
    for one in memberships:
        key = (one.tenant, one.member)
        roles[key] = (*roles.get(key, ()), one.role)
    return roles


def _by_subject(rules: Iterable[Rule]) -> Mapping[str, list[int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, rule in enumerate(rules):
        places[rule.subject].append(place)
    return dict(places)
