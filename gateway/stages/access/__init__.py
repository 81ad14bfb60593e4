"""May they? Asks the index, then the profile of the rule that allows. Who they are is identity's; how often is limits'."""

from __future__ import annotations

from dataclasses import replace

from gateway.core.exchange import Action, Exchange, Parameters, Principal
from gateway.core.verdict import Allow, Amend, Code, Finding, Refuse, Verdict
from gateway.stages.access.asking import bound, excesses
from gateway.stages.access.index import NO_RULE, Decision, Index
from policies.access import AccessPolicy, Profile, Rule
from policies.routing import RoutingPolicy

ANSWERING = frozenset({Action.CHAT, Action.COMPLETE, Action.GENERATE})  # a model writes; the others only look
NAMELESS = frozenset({Action.GENERATE, Action.INFO, Action.HEALTH})  # these routes name no model: none is to be hidden
KNOWN = tuple(action for action in Action if action is not Action.UNKNOWN)
WHERE = "exchange"


class Access:
    """Role-based access in tenants. Rules name models by their own name, so an alias opens no side door."""

    name = "access"

    def __init__(self, policy: AccessPolicy, routing: RoutingPolicy) -> None:
        self._profiles = policy.profiles
        self._routing = routing
        self._index = Index(policy)

    def judge(self, exchange: Exchange) -> Verdict:
        """What goes on carries every role the caller has, the token's and the policy's: later stages look at roles too."""
        principal = exchange.principal
        if principal is None:
            return Refuse(Code.NOT_PERMITTED, (Finding("access", "nobody", WHERE),), "the caller is not identified")
        subject, roles = _named(principal)
        verdict = self._judged(exchange, principal, subject, roles)
        given = self._index.roles_given(subject, roles, principal.tenant)
        if not given or isinstance(verdict, Refuse):
            return verdict
        going_on = verdict.exchange if isinstance(verdict, Amend) else exchange
        whole = replace(principal, roles=(*principal.roles, *given))
        return Amend(replace(going_on, principal=whole), verdict.findings)

    def _judged(self, exchange: Exchange, principal: Principal, subject: str, roles: tuple[str, ...]) -> Verdict:
        if exchange.action is Action.UNKNOWN:  # `*` in a rule means every action there is, not ones nobody thought of
            return Refuse(Code.NOT_PERMITTED, (Finding("access", NO_RULE, WHERE),))
        if exchange.action is Action.MODELS:
            return self._listing(exchange, principal)
        model = self._routing.resolve(exchange.model)
        if model is None:
            return _not_found()
        decision = self._index.decide(subject, roles, principal.tenant, model.name, str(exchange.action))
        if not decision.allowed:
            return self._refusal(principal, model.name, exchange.action, decision)
        return self._asking(exchange, decision)

    def decide(self, principal: Principal, model: str, action: Action) -> Decision:
        """The bare decision on one model, by its own name."""
        return self._index.decide(*_named(principal), principal.tenant, model, str(action))

    def visible(self, principal: Principal) -> tuple[tuple[str, str], ...]:
        """The models a caller may see listed and their owners, in the order of the routing policy."""
        models = self._routing.models
        return tuple(
            (model.name, model.owner) for model in models if self.decide(principal, model.name, Action.MODELS).allowed
        )

    def _listing(self, exchange: Exchange, principal: Principal) -> Verdict:
        decisions = [self.decide(principal, model.name, Action.MODELS) for model in self._routing.models]
        decision = next((one for one in decisions if one.allowed), decisions[0])
        seen = (_finding(decision),)
        if not decision.allowed:
            return Refuse(Code.NOT_PERMITTED, seen)
        return Amend(replace(exchange, visible=self.visible(principal)), seen)

    def _refusal(self, principal: Principal, model: str, asked: Action, decision: Decision) -> Refuse:
        """A model on which nothing at all is permitted does not exist, as far as this caller can tell."""
        if asked in NAMELESS or any(self.decide(principal, model, action).allowed for action in KNOWN):
            return Refuse(Code.NOT_PERMITTED, (_finding(decision),))
        return _not_found(decision.rule)

    def _asking(self, exchange: Exchange, decision: Decision) -> Verdict:
        """Grants add up: one allowing rule whose profile permits everything asked for is enough."""
        grants = [(rule, self._profiles[rule.profile]) for rule in decision.matched if rule.effect == "allow"]
        asked = exchange.parameters
        fitting = [(rule, profile) for rule, profile in grants if not excesses(profile, asked)]
        if not fitting:
            return _too_much(grants, asked)
        rule, profile = fitting[0] if len(fitting) == 1 else max(fitting, key=lambda grant: bound(grant[1]))
        seen = (Finding("access", str(rule), WHERE),)
        if exchange.action not in ANSWERING or asked.max_tokens is not None or profile.max_tokens == "unlimited":
            return Allow(seen)
        return Amend(exchange.asking(asked.capped(profile.max_tokens)), seen)


def _named(principal: Principal) -> tuple[str, tuple[str, ...]]:
    """The caller and the token's roles, as rules write them."""
    return f"user:{principal.name}", tuple([f"role:{role}" for role in principal.roles])


def _finding(decision: Decision) -> Finding:
    return Finding("access", decision.rule, WHERE)


def _not_found(rule: str = NO_RULE) -> Refuse:
    """The same words whether the model is hidden or absent."""
    return Refuse(Code.MODEL_NOT_FOUND, (Finding("access", rule, WHERE),))


def _too_much(grants: list[tuple[Rule, Profile]], asked: Parameters) -> Refuse:
    """Told by the grant that comes closest."""
    rule, profile = min(grants, key=lambda grant: len(excesses(grant[1], asked)))
    found = excesses(profile, asked)
    seen = [Finding("access", f"{rule.profile}.{name}", f"parameters.{name}") for name, _ in found]
    detail = "; ".join(why for _, why in found)
    return Refuse(Code.PARAMETER_NOT_PERMITTED, (Finding("access", str(rule), WHERE), *seen), detail)
