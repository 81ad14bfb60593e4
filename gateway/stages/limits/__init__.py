"""Is it within bounds? One request's size, then its caller's and its tenant's rate. Sizes in bytes are the listener's."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache

from gateway.core.exchange import Action, Exchange
from gateway.core.verdict import ALLOW, Code, Finding, Refuse, Verdict
from gateway.stages.limits.meter import Draw, Drawn, Meter
from policies.limits import Bounds, LimitsPolicy

__all__ = ["Draw", "Limits", "Meter"]

MAX_CALLERS = 4096  # allowances remembered; one depends on nothing but the policy
ANSWERING = frozenset({Action.CHAT, Action.COMPLETE, Action.GENERATE})  # what costs tokens


@dataclass(frozen=True, slots=True)
class _Allowance:
    """What one caller may ask for: its bounds, and its and its tenant's buckets for requests and for tokens."""

    bounds: Bounds
    requests: tuple[tuple[Hashable, int], ...]  # bucket, and how much of it there is per minute
    tokens: tuple[tuple[Hashable, int], ...]


class Limits:
    """`meter` is handed in, so that what was used stays known when the policy is replaced."""

    name = "limits"

    def __init__(self, policy: LimitsPolicy, meter: Meter) -> None:
        self._policy = policy
        self._meter = meter
        self._allowed = lru_cache(MAX_CALLERS)(self._allowance)

    def judge(self, exchange: Exchange) -> Verdict:
        principal = exchange.principal
        if principal is None:
            return Refuse(Code.RATE_LIMITED, (Finding("limits", "nobody", "exchange"),), "the caller is not identified")
        allowed = self._allowed(principal.tenant, principal.name, principal.roles)
        if (refusal := _over(exchange, allowed.bounds)) is not None:
            return refusal
        return self._metered(exchange, allowed)

    def _metered(self, exchange: Exchange, allowed: _Allowance) -> Verdict:
        tokens = _tokens(exchange, allowed.bounds)
        draws: list[Drawn] = [(of, 1, rate) for of, rate in allowed.requests]
        if tokens:
            draws += [(of, tokens, rate) for of, rate in allowed.tokens]
        wait = self._meter.take(draws, exchange.received_at)
        if wait == 0.0:
            return ALLOW
        seen = (Finding("limits", "rate", "exchange"),)
        if math.isinf(wait):
            return Refuse(Code.TOO_LARGE, seen, "asks for more tokens at once than a whole minute's allowance")
        return Refuse(Code.RATE_LIMITED, seen, retry_after=wait)

    def _allowance(self, tenant: str, name: str, roles: tuple[str, ...]) -> _Allowance:
        bounds = self._policy.bounds_of(tenant, roles)
        user, all_its = ("user", tenant, name), ("tenant", tenant)
        rates = ((user, bounds.rate), (all_its, self._policy.rate_of(tenant)))
        return _Allowance(
            bounds,
            tuple([((*who, "requests"), rate.requests_per_minute) for who, rate in rates]),
            tuple([((*who, "tokens"), rate.tokens_per_minute) for who, rate in rates]),
        )


def _tokens(exchange: Exchange, bounds: Bounds) -> int:
    """The answer tokens asked for: what the backend may have to write, whether or not it does."""
    if exchange.action not in ANSWERING:
        return 0
    asked = exchange.parameters
    return asked.samples * (bounds.unstated_tokens if asked.max_tokens is None else asked.max_tokens)


def _over(exchange: Exchange, bounds: Bounds) -> Refuse | None:
    """The first thing that one request has too much of; the bound in words safe to show."""
    passages = exchange.passages
    if len(passages) > bounds.passages:
        return _too_much("passages", Code.TOO_LARGE, f"more than {bounds.passages} separate texts")
    if sum([len(passage.text) for passage in passages]) > bounds.characters:
        return _too_much("characters", Code.TOO_LARGE, f"more than {bounds.characters} characters of text")
    if exchange.parameters.samples > bounds.samples:
        return _too_much("samples", Code.PARAMETER_NOT_PERMITTED, f"more than {bounds.samples} answers per request")
    return None


def _too_much(rule: str, code: Code, detail: str) -> Refuse:
    return Refuse(code, (Finding("limits", rule, "exchange"),), detail)
