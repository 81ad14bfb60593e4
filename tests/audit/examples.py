"""Exchanges and records to test the record with."""

from __future__ import annotations

from gateway.audit.record import Closed, Opened, closed, opened
from gateway.core.exchange import Action, Certificate, Exchange, Parameters, Passage, Peer, Principal
from gateway.core.pipeline import Judgement, Ruling
from gateway.core.reply import Channel, Usage
from gateway.core.verdict import Allow, Code, Finding, Refuse

AT = 1_700_000_000.25
DIGEST = "d" * 64


def an_exchange(
    id_: str = "x1", text: str = "请总结这份文件", *, tenant: str = "acme", user: str = "ana", mark: int = 0
) -> Exchange:
    return Exchange(
        id=id_,
        received_at=AT,
        peer=Peer("127.0.0.1", Certificate("t" * 43, "analyst")),
        route="/v1/chat/completions",
        action=Action.CHAT,
        model="smollm2",
        passages=(Passage("messages[0].content", "user", text),),
        parameters=Parameters(max_tokens=64, sampling=("temperature",)),
        streaming=True,
        principal=Principal(user, tenant, ("analyst",), "analyst", "certificate+token"),
        backend="local",
        mark=mark,
    )


def let_in(exchange: Exchange) -> Judgement:
    seen = (Finding("pii", "cn_mobile", "messages[0].content", 0, 11, 0.85, "PHONE"),)
    rulings = (Ruling("identity", Allow(), 0.00002), Ruling("pii", Allow(seen), 0.0004))
    return Judgement(exchange, rulings)


def turned_away(exchange: Exchange, code: Code = Code.NOT_PERMITTED) -> Judgement:
    refusal = Refuse(code, (Finding("access", "deny-3", "exchange"),), "no grant on this model")
    return Judgement(exchange, (Ruling("identity", Allow()), Ruling("access", refusal)), refusal)


def an_opened(id_: str = "x1", text: str = "请总结这份文件", at: float = AT, **who: str) -> Opened:
    exchange = an_exchange(id_, text, **who)  # type: ignore[arg-type]
    return opened(exchange, let_in(exchange), DIGEST, at, tls={"version": "TLSv1.3"})


def a_closed(id_: str = "x1", text: str = "好的，总结如下", at: float = AT + 1, **who: str) -> Closed:
    exchange = an_exchange(id_, **who)  # type: ignore[arg-type]
    return closed(exchange, at, "answered", None, {Channel(): text}, usage=Usage(12, 34), timings={"total": 1.25})
