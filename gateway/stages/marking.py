"""The invisible mark that leads a leak home. Which text may be marked at all is `watermark`'s knowledge; who is marked, policy's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from gateway.core.exchange import Exchange
from gateway.core.reply import Channel, Kind
from gateway.core.stage import Piece, Transform
from policies.marks import Density, MarksPolicy
from watermark import Embedder, Keys

MAX_REMEMBERED = 4096  # callers' densities; one depends on nothing but the policy, and costs as much as a dozen lookups


@dataclass(frozen=True, slots=True)
class Marking:
    """Marks the answer's own text: never reasoning, arguments, or answers that a program will parse."""

    keys: Keys = field(repr=False)
    policy: MarksPolicy
    name: str = "marking"
    _density: Callable[[str, tuple[str, ...], str], Density] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_density", lru_cache(MAX_REMEMBERED)(self.policy.density))

    def density(self, exchange: Exchange) -> Density:
        """How densely this exchange's answer is marked."""
        if exchange.parameters.structured:
            return Density.OFF
        who = exchange.principal
        return self._density(who.tenant if who else "", who.roles if who else (), exchange.route)

    def transform(self, exchange: Exchange, channel: Channel) -> Transform:
        density = self.density(exchange) if channel.kind is Kind.CONTENT else Density.OFF
        return Unmarked() if density is Density.OFF else Marked(Embedder(self.keys, exchange.mark, density.value))


class Marked:
    """Text with the mark woven in, at most one character later."""

    __slots__ = ("embedder",)

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    def feed(self, text: str) -> Piece:
        return Piece(self.embedder.feed(text))

    def finish(self) -> Piece:
        return Piece(self.embedder.finish())


class Unmarked:
    """Text as it came."""

    def feed(self, text: str) -> Piece:
        return Piece(text)

    def finish(self) -> Piece:
        return Piece()
