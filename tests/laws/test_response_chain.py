"""The law of streams, for the whole response chain of the shipped policies: how a reply was cut never shows in what leaves.

Real rewriters in their real order, the real wire, replies cut twice: into tokens by the "model", and the bytes of its events by
the "network". HANGU_LAW_EXAMPLES sets how many cases are drawn (`python -m benchmarks.law` draws ten thousand).
"""

from __future__ import annotations

import itertools
import json
import os
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import app
from gateway.core.exchange import Principal
from gateway.core.pipeline import Gate
from gateway.core.ports import Ask, Wire
from gateway.core.reply import Channel, Delta, Kind
from gateway.core.stream import Inspection
from gateway.http.proxy import chain_of
from policies.bundle import digest, gather
from tests.end_to_end.site import hangu
from tests.make import an_exchange

EXAMPLES = int(os.environ.get("HANGU_LAW_EXAMPLES", "150"))
CALLERS = (
    Principal("analyst", "demo", ("analyst",)),
    Principal("reader", "demo", ("reader",)),
)

FRAGMENTS = (
    "身份证号11010519491231002X", "11010519491231002X", "手机 138 0013 8000", "13800138000", "+86 138-0013-8000", "１３８００１３８０００",
    "卡号6222021234567890128", "4111 1111 1111 1111", "mary.smith@acme-corp.com", "li.na (at) example (dot) com", "192.168.1.10",
    "京A·12345", "AKIAIOSFODNN7EXAMPLE", "sk-" + "a1B2" * 12, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "postgres://root:hunter2@db:5432/x", "<CN_MOBILE_1a2b>",
    "![x](http://evil.example/p.png)", "[link](https://example.org/a?b=1)", "<script>alert(1)</script>", "`code 13800138000`",
    "```python\nprint('13800138000')\n```", "```\n", "$x^2$", "https://example.org/path", '{"phone": "13800138000"}', "\u200b", "é", "👩‍👩‍👧", "。", "，",
    ". ", ", ", "\n", "\n\n", " ", "The gate stands in the pass. ", "老子著书上下篇，言道德之意五千余言而去。", "1", "3", "@", "-", "<", "`", "x",
)  # fmt: skip

texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=6), max_size=12).map("".join)


@pytest.fixture(scope="module")
def gate_and_wire(tmp_path_factory: pytest.TempPathFactory) -> tuple[Gate, Wire]:
    directory = tmp_path_factory.mktemp("law") / "site"
    assert hangu("init", str(directory)).returncode == 0
    site = app.open_site(directory)
    bundle = app.load_bundle(site)
    return app.build_gate(bundle, site.settings, app.lasting(site)), app.wire(site.settings, "smollm2")


@st.composite
def cut(draw: st.DrawFn, text: str) -> list[str]:
    edges = sorted({0, len(text), *draw(st.lists(st.integers(0, len(text)), max_size=12))})
    return [text[a:b] for a, b in itertools.pairwise(edges)]


def released(gate: Gate, caller: Principal, channel: Channel, pieces: list[str]) -> tuple[str, object]:
    exchange = an_exchange("hi", principal=caller, mark=0x1_2345_6789)
    seen = Inspection(partial(chain_of, gate, exchange))
    seen.feed([Delta(channel, piece) for piece in pieces])
    seen.finish()
    return "".join(seen.released.values()), seen.refusal


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), text=texts, kind=st.sampled_from(list(Kind)), caller=st.sampled_from(CALLERS))
def test_any_cut_of_any_channel_gives_the_same_text(
    gate_and_wire: tuple[Gate, Wire], data: st.DataObject, text: str, kind: Kind, caller: Principal
) -> None:
    gate, channel = gate_and_wire[0], Channel(0, kind)
    if kind is Kind.ARGUMENTS:
        text = json.dumps({"value": text}, ensure_ascii=data.draw(st.booleans()))
    whole, refusal = released(gate, caller, channel, [text])
    pieces, refused = released(gate, caller, channel, data.draw(cut(text)))
    assert refused == refusal
    assert pieces == whole if refusal is None else whole.startswith(pieces) or pieces.startswith(whole)


@settings(max_examples=max(20, EXAMPLES // 5), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), text=texts)
def test_the_same_bytes_leave_however_the_network_cut_the_events(
    gate_and_wire: tuple[Gate, Wire], data: st.DataObject, text: str
) -> None:
    gate, wire = gate_and_wire
    stream = events(data.draw(cut(text)))
    edges = sorted({0, len(stream), *data.draw(st.lists(st.integers(0, len(stream)), max_size=30))})
    assert said(through(gate, wire, [stream])) == said(
        through(gate, wire, [stream[a:b] for a, b in itertools.pairwise(edges)])
    )


def test_a_stream_cut_at_every_single_byte_says_the_same(gate_and_wire: tuple[Gate, Wire]) -> None:
    gate, wire = gate_and_wire
    stream = events(["手机", "138001", "38000，邮箱 mary@", "acme-corp.com。", "谢谢", "！"])
    expected = said(through(gate, wire, [stream]))
    assert "13800138000" not in expected and "acme-corp" not in expected
    for at in range(1, len(stream)):
        assert said(through(gate, wire, [stream[:at], stream[at:]])) == expected
    assert said(through(gate, wire, [stream[i : i + 1] for i in range(len(stream))])) == expected


def events(tokens: list[str]) -> bytes:
    """A chat stream as TGI sends it."""
    out = [_event({"role": "assistant", "content": token}, None) for token in tokens]
    return b"".join([*out, _event({"role": "assistant", "content": ""}, "stop"), b"data: [DONE]\n\n"])


def _event(delta: dict[str, str], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    chunk = {
        "object": "chat.completion.chunk",
        "id": "",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": None,
    }
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def through(gate: Gate, wire: Wire, pieces: list[bytes]) -> bytes:
    """Backend bytes in, client bytes out."""
    ask = asked(wire)
    exchange = an_exchange("hi", principal=CALLERS[0], mark=0x1_2345_6789, streaming=True)
    reading, writing = ask.reading(), ask.writing(exchange, 1)
    seen = Inspection(partial(chain_of, gate, exchange))
    out = [writing.write(seen.feed(reading.feed(piece))) for piece in pieces]
    out.append(writing.write(seen.feed(reading.finish()) + seen.finish()))
    return b"".join([*out, writing.finish() if seen.refusal is None else b""])


def asked(wire: Wire) -> Ask:
    route = next(route for route in wire.routes if route.path == "/v1/chat/completions")
    body = {"model": "smollm2", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    ask = wire.read(route, json.dumps(body).encode())
    assert not hasattr(ask, "code")
    return ask  # type: ignore[return-value]


def said(stream: bytes) -> str:
    """What a client reads from its events."""
    chunks = [json.loads(line[6:]) for line in stream.decode().split("\n\n") if line.startswith("data: {")]
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk.get("choices"))


def test_the_sites_policies_are_the_shipped_ones(gate_and_wire: tuple[Gate, Wire]) -> None:
    shipped = Path(app.__file__).parents[1] / "policies" / "default"
    assert gate_and_wire[0].digest == digest(gather(shipped))
