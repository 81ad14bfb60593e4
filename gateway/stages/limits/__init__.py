"""Is it within bounds? One request's size, then its caller's and its tenant's rate. Sizes in bytes are the listener's."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gateway.core.exchange import Action, Exchange, Principal
from gateway.core.verdict import Allow, Code, Finding, Refuse, Verdict
from gateway.stages.limits.meter import Draw, Meter
from policies.limits import Bounds, LimitsPolicy

__all__ = ["Draw", "Limits", "Meter"]

ANSWERING = frozenset({Action.CHAT, Action.COMPLETE, Action.GENERATE})  # what costs tokens


class Limits:
    """`meter` is handed in, so that what was used stays known when the policy is replaced."""

    name = "limits"

    def __init__(self, policy: LimitsPolicy, meter: Meter) -> None:
        self._policy = policy
        self._meter = meter

    def judge(self, exchange: Exchange) -> Verdict:
        principal = exchange.principal
        if principal is None:
            return Refuse(Code.RATE_LIMITED, (Finding("limits", "nobody", "exchange"),), "the caller is not identified")
        bounds = self._policy.bounds_of(principal.tenant, principal.roles)
        for rule, code, detail in _over(exchange, bounds):
            return Refuse(code, (Finding("limits", rule, "exchange"),), detail)
        return self._metered(exchange, principal, bounds)

    def _metered(self, exchange: Exchange, principal: Principal, bounds: Bounds) -> Verdict:
        wait = self._meter.take(self._draws(exchange, principal, bounds), exchange.received_at)
        if wait == 0.0:
            return Allow()
        seen = (Finding("limits", "rate", "exchange"),)
        if math.isinf(wait):
            return Refuse(Code.TOO_LARGE, seen, "asks for more tokens at once than a whole minute's allowance")
        return Refuse(Code.RATE_LIMITED, seen, retry_after=wait)

    def _draws(self, exchange: Exchange, principal: Principal, bounds: Bounds) -> list[Draw]:
        tokens = _tokens(exchange, bounds)
        user, tenant = ("user", principal.tenant, principal.name), ("tenant", principal.tenant)
        rates = ((user, bounds.rate), (tenant, self._policy.rate_of(principal.tenant)))
        draws = [Draw((*who, "requests"), 1, rate.requests_per_minute) for who, rate in rates]
        if tokens:
            draws += [Draw((*who, "tokens"), tokens, rate.tokens_per_minute) for who, rate in rates]
        return draws


def _tokens(exchange: Exchange, bounds: Bounds) -> int:
    """The answer tokens asked for: what the backend may have to write, whether or not it does."""
    if exchange.action not in ANSWERING:
        return 0
    asked = exchange.parameters
    return asked.samples * (bounds.unstated_tokens if asked.max_tokens is None else asked.max_tokens)


def _over(exchange: Exchange, bounds: Bounds) -> Iterator[tuple[str, Code, str]]:
    """What one request has too much of: rule, code, and the bound in words safe to show."""
    if len(exchange.passages) > bounds.passages:
        yield "passages", Code.TOO_LARGE, f"more than {bounds.passages} separate texts"
    if sum(len(passage.text) for passage in exchange.passages) > bounds.characters:
        yield "characters", Code.TOO_LARGE, f"more than {bounds.characters} characters of text"
    if exchange.parameters.samples > bounds.samples:
        yield "samples", Code.PARAMETER_NOT_PERMITTED, f"more than {bounds.samples} answers per request"
