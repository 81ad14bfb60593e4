"""How many exchanges one caller may have under way at once. Counts only; rates are the limits stage's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gateway.core.exchange import Exchange
from gateway.core.verdict import Code, Refuse


@dataclass(slots=True)
class Turnstile:
    """`per_caller` is the number of exchanges one caller may have under way; `closed` turns everybody away."""

    per_caller: int
    closed: bool = False
    _inside: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def inside(self) -> int:
        """Exchanges under way now."""
        return self._inside.total()

    @contextmanager
    def enter(self, exchange: Exchange) -> Iterator[Refuse | None]:
        """Count the exchange in and out; yields the refusal when there is no room."""
        if self.closed:
            yield Refuse(Code.DRAINING)
            return
        caller = _caller(exchange)
        if self._inside[caller] >= self.per_caller:
            yield Refuse(Code.TOO_MANY_STREAMS)
            return
        self._inside[caller] += 1
        try:
            yield None
        finally:
            self._inside[caller] -= 1
            if not self._inside[caller]:
                del self._inside[caller]


def _caller(exchange: Exchange) -> tuple[str, str]:
    if exchange.principal is not None:
        return exchange.principal.tenant, exchange.principal.name
    return "", exchange.peer.address
