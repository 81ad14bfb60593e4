"""Small makers of values for tests: an exchange, a principal, a gate. No fakes of our own modules."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.core.exchange import Action, Exchange, Parameters, Passage, Peer, Principal
from gateway.core.pipeline import REQUEST_ORDER, RESPONSE_ORDER, Gate
from gateway.core.reply import Channel
from gateway.core.stage import Piece, Rewriter, Stage, Transform
from gateway.core.verdict import Allow, Verdict

ANA = Principal("ana", "acme", ("analyst",), "spiffe://hangu.local/client/analyst", "certificate+token")


def an_exchange(*texts: str, principal: Principal | None = ANA, **facts: object) -> Exchange:
    """A chat of user messages, identified unless told otherwise."""
    values: dict[str, object] = {
        "id": "x-1",
        "received_at": 1_800_000_000.0,
        "peer": Peer("127.0.0.1"),
        "route": "/v1/chat/completions",
        "action": Action.CHAT,
        "model": "smollm2",
        "passages": tuple(Passage(f"messages[{i}].content", "user", text) for i, text in enumerate(texts)),
        "parameters": Parameters(),
        "principal": principal,
    }
    return Exchange(**(values | facts))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Says:
    """A stage that gives the verdict it was made with, or raises it."""

    name: str
    verdict: object = field(default_factory=Allow)

    def judge(self, exchange: Exchange) -> Verdict:
        if isinstance(self.verdict, BaseException):
            raise self.verdict
        return self.verdict  # type: ignore[return-value]


@dataclass(frozen=True)
class Passes:
    """A rewriter that changes nothing."""

    name: str

    def transform(self, exchange: Exchange, channel: Channel) -> Transform:
        return _Same()


class _Same:
    def feed(self, text: str) -> Piece:
        return Piece(text)

    def finish(self) -> Piece:
        return Piece()


def a_gate(*stages: Stage, rewriters: tuple[Rewriter, ...] = (), digest: str = "digest") -> Gate:
    """A gate in the true order, with the given stages and rewriters in their places and open ones elsewhere."""
    given = {stage.name: stage for stage in stages}
    rewriting = {rewriter.name: rewriter for rewriter in rewriters}
    return Gate(
        tuple(given.get(step.name, Says(step.name)) for step in REQUEST_ORDER),
        tuple(rewriting.get(step.name, Passes(step.name)) for step in RESPONSE_ORDER),
        digest,
    )
