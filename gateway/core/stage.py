"""What a stage is: a judge of requests, or a rewriter of reply text. The protocols only; each stage lives in `gateway.stages`."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from gateway.core.exchange import Exchange
from gateway.core.reply import Channel
from gateway.core.verdict import Code, Finding, Verdict


class Stage(Protocol):
    """Judges one exchange: no I/O, no clock, nothing kept between calls but what was handed in."""

    @property
    def name(self) -> str: ...

    def judge(self, exchange: Exchange) -> Verdict: ...


class Piece(NamedTuple):
    """Text that may leave now, what was seen in it, and whether to stop here. Offsets count the channel's input text."""

    text: str = ""
    findings: tuple[Finding, ...] = ()
    refusal: Code | None = None


NOTHING = Piece()


class Transform(Protocol):
    """Rewrites a text as it arrives. Law: the joined output depends on the joined input alone, never on how it was cut."""

    def feed(self, text: str) -> Piece: ...

    def finish(self) -> Piece: ...


class Rewriter(Protocol):
    """Makes the transform for one channel of one exchange's reply."""

    @property
    def name(self) -> str: ...

    def transform(self, exchange: Exchange, channel: Channel) -> Transform: ...


class Detector(Protocol):
    """Finds things in a text. `reach` is the longest thing, in code points, it can recognise."""

    @property
    def reach(self) -> int: ...

    def find(self, text: str) -> list[Finding]: ...
