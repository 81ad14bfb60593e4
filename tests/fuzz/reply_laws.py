"""Bytes of a model's server, and texts on either way: events or a named error, and no cut of them makes a difference."""

from __future__ import annotations

import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

from gateway import app, site
from gateway.core.errors import BackendError, BackendNonsense
from gateway.core.exchange import Principal
from gateway.core.pipeline import Gate, judge
from gateway.core.ports import Ask, Reading, Wire
from gateway.core.reply import Channel, Delta, Kind
from gateway.core.stage import Stage
from gateway.core.stream import Inspection
from gateway.core.verdict import Refuse
from gateway.http.proxy import chain_of
from tests.laws.test_response_chain import FRAGMENTS
from tests.laws.test_response_chain import events as chat_events
from tests.make import an_exchange
from tests.tgi.wire import recordings
from tests.tgi.wire.relay import filled
from tgi.sse import Splitter
from tgi.wire import OpenAIWire, TgiWire
from tgi.wire.draft import CannotPutBack

READER = Principal("reader", "demo", ("reader",))
ANALYST = Principal("analyst", "demo", ("analyst",))


def pieces(data: bytes) -> tuple[bytes, list[bytes]]:
    """The first byte says where to cut the rest: into pieces of that many bytes, the first of another length."""
    if not data:
        return b"", []
    size, rest = data[0] % 61 + 1, data[1:]
    first = size // 3
    return rest, [rest[:first], *(rest[at : at + size] for at in range(first, len(rest), size))]


def events(data: bytes) -> None:
    """Server-sent events depend on the joined bytes alone."""
    whole, cut = pieces(data)
    assert _split([whole]) == _split(cut)


def _split(parts: list[bytes]) -> list[bytes] | None:
    splitter = Splitter(4096)
    try:
        return [payload for part in parts for payload in splitter.feed(part)] + splitter.finish()
    except BackendNonsense:
        return None


def event_seeds() -> list[bytes]:
    return [
        bytes([7]) + text
        for text in (b"data: a\n\ndata: b\r\n\r\n", b": c\rdata:x\r\rid: 1\n\n", b"event: e\ndata: 1\ndata: 2\n\n")
    ]


def generate_stream(data: bytes) -> None:
    _reply(TgiWire("m"), "/generate_stream", b'{"inputs":"a","parameters":{"details":true}}', data)


def chat_stream(data: bytes) -> None:
    body = b'{"messages":[{"role":"user","content":"a"}],"stream":true,"logprobs":true,"tools":[{"type":"function","function":{"name":"f"}}]}'
    _reply(TgiWire("m"), "/v1/chat/completions", body, data)
    _reply(OpenAIWire("m"), "/v1/chat/completions", body, data)


def whole(data: bytes) -> None:
    chat = b'{"messages":[{"role":"user","content":"a"}]}'
    for path, body in (
        ("/generate", b'{"inputs":"a","parameters":{"details":true}}'),
        ("/v1/chat/completions", chat),
        ("/v1/completions", b'{"prompt":"a"}'),
        ("/tokenize", b'{"inputs":"a"}'),
        ("/chat_tokenize", chat),
        ("/v1/models", b""),
        ("/info", b""),
    ):
        _reply(TgiWire("m"), path, body, data)


def _reply(wire: Wire, path: str, body: bytes, data: bytes) -> None:
    joined, cut = pieces(data)
    ask = _asked(wire, path, body)
    assert _told(ask.reading(), [joined]) == _told(ask.reading(), cut)
    _written(ask, cut)


@cache
def _asked(wire: Wire, path: str, body: bytes) -> Ask:
    ask = wire.read(next(route for route in wire.routes if route.path == path), body)
    assert not isinstance(ask, Refuse)
    return ask


def _told(reading: Reading, parts: list[bytes]) -> dict[Channel, str] | None:
    """The text of each channel; None where the backend is found to talk nonsense."""
    texts: dict[Channel, str] = {}
    try:
        found = [event for part in parts for event in reading.feed(part)] + reading.finish()
    except BackendError:
        return None
    for event in found:
        if isinstance(event, Delta):
            texts[event.channel] = texts.get(event.channel, "") + event.text
    return texts


def _written(ask: Ask, parts: list[bytes]) -> None:
    """What was read can be inspected and written, whatever it was."""
    exchange = an_exchange("a", streaming=ask.streaming)
    reading, writing = ask.reading(), ask.writing(exchange, 1)
    seen = Inspection(partial(chain_of, _gate(), exchange), exchange.parameters.tools)
    try:
        for part in parts:
            writing.write(seen.feed(reading.feed(part)))
        writing.write(seen.feed(reading.finish()) + seen.finish())
    except BackendError:
        return
    assert seen.fault == ""
    if seen.refusal is None:
        writing.finish()


def reply_seeds() -> list[bytes]:
    """Every recorded reply, and a chat whose text the policies rewrite."""
    named = [getattr(recordings, name) for name in sorted(dir(recordings)) if name.isupper()]
    flat = [part for each in named for part in (each.values() if isinstance(each, dict) else [each])]
    bodies = [
        part for each in flat for part in (each if isinstance(each, tuple) else [each]) if isinstance(part, bytes)
    ]
    return [bytes([23]) + body for body in bodies] + [bytes([40]) + chat_events(["手机", "138001", "38000"])]


def text(data: bytes) -> None:
    """The whole response chain of the shipped policies: no cut of a text shows in what leaves."""
    said = data[2:].decode("utf-8", "replace")
    kind = list(Kind)[(data + b"\0\0")[1] % len(Kind)]
    size = (data + b"\0")[0] % 17 + 1
    cut = [said[at : at + size] for at in range(0, len(said), size)]
    for caller in (ANALYST, READER):
        one, refusal = _released(caller, Channel(0, kind), [said])
        many, refused = _released(caller, Channel(0, kind), cut)
        assert refusal == refused
        assert one == many if refusal is None else one.startswith(many) or many.startswith(one)


def _released(caller: Principal, channel: Channel, parts: list[str]) -> tuple[str, object]:
    exchange = an_exchange("hi", principal=caller, mark=0x1_2345_6789)
    seen = Inspection(partial(chain_of, _gate(), exchange))
    seen.feed([Delta(channel, part) for part in parts])
    seen.finish()
    assert seen.fault == "", seen.fault
    return "".join(seen.released.values()), seen.refusal


def prompt(data: bytes) -> None:
    """Every request stage gives a verdict on any text of any role, and raises on none."""
    said = data[1:].decode("utf-8", "replace")
    role = ("system", "user", "assistant", "tool", "parameter")[(data + b"\0")[0] % 5]
    asked = an_exchange(said, principal=ANALYST)
    asked = replace(asked, passages=tuple(replace(passage, role=role) for passage in asked.passages))
    for stage in _gate().stages:
        if stage.name in ("waf", "pii"):
            assert stage.judge(asked) is not None


def judged(data: bytes) -> None:
    """A body that the wire takes passes every stage without a fault, and what they leave can be sent or is refused by name."""
    wire = TgiWire("smollm2")
    routes = [route for route in wire.routes if route.method == "POST"]
    route = routes[(data or b"\0")[0] % len(routes)]
    ask = wire.read(route, data[1:])
    if isinstance(ask, Refuse):
        return
    judgement = judge(_content_stages(), replace(filled(ask, route.path), principal=ANALYST), time.perf_counter)
    assert [ruling.fault for ruling in judgement.rulings if ruling.fault] == []
    if judgement.refusal is None:
        with suppress(CannotPutBack):
            ask.request(judgement.exchange)


@cache
def _content_stages() -> tuple[Stage, ...]:
    """Those that read what was said; the others would turn most of it away before."""
    return tuple(stage for stage in _gate().stages if stage.name in ("waf", "pii", "routing"))


def text_seeds() -> list[bytes]:
    joined = "".join(FRAGMENTS)
    return [bytes([n % 7, n % 3]) + fragment.encode() * 2 for n, fragment in enumerate(FRAGMENTS)] + [
        b"\x03\x00" + joined[at : at + 300].encode() for at in range(0, len(joined), 150)
    ]


@cache
def _gate() -> Gate:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "site"
        site.create(directory, datetime.now(UTC))
        opened = app.open_site(directory, complete=False)
        plain = replace(opened, settings=opened.settings.model_copy(update={"crs": None}))  # no processes for each run
        return app.build_gate(app.load_bundle(plain), plain.settings, app.lasting(plain))
