"""How many exchanges one caller may have under way at once. Counts only; rates are the limits stage's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.core.exchange import Exchange
from gateway.core.verdict import Code, Refuse

Caller = tuple[str, str]  # tenant and name; or no tenant, and an address


def _nobody(exchange: Exchange) -> Refuse | None:
    """Nobody is barred."""
    return None


@dataclass(slots=True)
class Turnstile:
    """`per_caller` is the number of exchanges one caller may have under way; `closed` turns everybody away.

    `barred` says whether a caller is under a sanction now: an alarm's, and for a while.
    """

    per_caller: int
    closed: bool = False
    barred: Callable[[Exchange], Refuse | None] = _nobody
    _inside: Counter[Caller] = field(default_factory=Counter)

    @property
    def inside(self) -> int:
        """Exchanges under way now."""
        return self._inside.total()

    def enter(self, exchange: Exchange) -> Visit:
        """Counts the exchange in and out, as a context; it gives the refusal when there is no room."""
        return Visit(self, exchange)

    def _let_in(self, exchange: Exchange, caller: Caller) -> Refuse | None:
        if self.closed:
            return Refuse(Code.DRAINING)
        if (refusal := self.barred(exchange)) is not None:
            return refusal
        if self._inside[caller] >= self.per_caller:
            return Refuse(Code.TOO_MANY_STREAMS)
        self._inside[caller] += 1
        return None

    def _let_out(self, caller: Caller) -> None:
        self._inside[caller] -= 1
        if not self._inside[caller]:
            del self._inside[caller]


class Visit:
    """One exchange's time inside. A class rather than a generator: that costs a third, and every request has one."""

    __slots__ = ("_caller", "_exchange", "_refusal", "_turnstile")

    def __init__(self, turnstile: Turnstile, exchange: Exchange) -> None:
        self._turnstile, self._exchange, self._caller = turnstile, exchange, caller_of(exchange)
        self._refusal: Refuse | None = None

    def __enter__(self) -> Refuse | None:
        self._refusal = self._turnstile._let_in(self._exchange, self._caller)
        return self._refusal

    def __exit__(self, *error: object) -> None:
        if self._refusal is None:
            self._turnstile._let_out(self._caller)


def caller_of(exchange: Exchange) -> Caller:
    """Whose an exchange is."""
    if exchange.principal is not None:
        return exchange.principal.tenant, exchange.principal.name
    return "", exchange.peer.address
