"""Which model answers? Turns the name that was asked for into a model and its backend. Whether one may is access's."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.exchange import Action, Exchange
from gateway.core.verdict import Amend, Code, Finding, Refuse, Verdict
from policies.routing import RoutingPolicy

GATEWAY_S_OWN = frozenset({Action.MODELS})  # answered from the policy: no one model is meant


@dataclass(frozen=True, slots=True)
class Routing:
    """The exchange goes on under the model's own name, so that records and rules never differ by an alias."""

    policy: RoutingPolicy
    name: str = "routing"

    def judge(self, exchange: Exchange) -> Verdict:
        asked = "" if exchange.action in GATEWAY_S_OWN else exchange.model
        model = self.policy.resolve(asked)
        if model is None:
            return Refuse(Code.MODEL_NOT_FOUND, (Finding("routing", "no-such-model", "model"),))
        return Amend(exchange.routed_to(model.name, model.backend))
