"""What the wire costs: CPU a request to read and to send on, and CPU a streamed token to read and to write.

    python -m benchmarks.wire

CPU time of this process, the best of five rounds of each measure in one run. "json alone" is what the standard library and orjson
need for the same bytes with nothing checked, so that the ratios hold on a busy machine too. The core's inspection, with chains that
change nothing, is measured beside the wire and not counted as its cost.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import orjson

from benchmarks.rig.load import machine
from gateway.core.exchange import Exchange, Peer
from gateway.core.ports import Ask
from gateway.core.stream import Chain, Inspection
from gateway.core.verdict import Refuse
from tgi.wire import TgiWire

RESULTS = Path(__file__).parent / "results" / "wire.json"
ROUNDS, CALLS, TOKENS = 5, 2_000, 2_000

TURN = "Please summarise the minutes of the meeting about the north gate, 并列出未决事项。 "
WIRE = TgiWire("smollm2")
ROUTES = {route.path: route for route in WIRE.routes}


def chat(size: int, **more: object) -> bytes:
    """A chat of about `size` bytes in four turns."""
    text = (TURN * (1 + size // 4 // len(TURN.encode())))[: size // 5]
    roles = ["system", "user", "assistant", "user"]
    messages = [{"role": role, "content": text} for role in roles]
    body = {"model": "smollm2", "messages": messages, "max_tokens": 256, "temperature": 0.7, "stream": True, **more}
    return orjson.dumps(body)


def tools(count: int) -> list[dict[str, object]]:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "a city"}},
        "required": ["city"],
    }
    function = {"description": "The weather of a city.", "parameters": schema}
    return [{"type": "function", "function": {"name": f"weather_{i}", **function}} for i in range(count)]


BODIES = {
    "chat 1 KB": ("/v1/chat/completions", chat(1000)),
    "chat 16 KB": ("/v1/chat/completions", chat(16_000)),
    "chat 256 KB": ("/v1/chat/completions", chat(256_000)),
    "chat 1 KB, 8 tools": ("/v1/chat/completions", chat(1000, tools=tools(8))),
    "generate 1 KB": (
        "/generate",
        orjson.dumps({"inputs": TURN * 10, "parameters": {"max_new_tokens": 64, "details": True}}),
    ),
}


def microseconds(call: Callable[[], object], calls: int) -> float:
    """CPU microseconds of one call: the best of the rounds, which the rest of the machine disturbed least."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(calls):
            call()
        best = min(best, time.process_time() - began)
    return round(best / calls * 1e6, 2)


def read(path: str, body: bytes) -> Ask:
    ask = WIRE.read(ROUTES[path], body)
    if isinstance(ask, Refuse):
        raise SystemExit(f"the benchmark's own body is refused: {ask.detail}")
    return ask


def exchange(ask: Ask) -> Exchange:
    return Exchange(
        "x-1", 0.0, Peer(""), "", ask.action, ask.model, ask.passages, ask.parameters, streaming=ask.streaming
    )


def requests() -> dict[str, dict[str, float]]:
    rows: dict[str, dict[str, float]] = {}
    for name, (path, body) in BODIES.items():
        ask = read(path, body)
        facts = exchange(ask)
        calls = max(20, min(CALLS, CALLS * 2000 // len(body)))
        rows[name] = {
            "bytes": len(body),
            "read_us": microseconds(lambda path=path, body=body: read(path, body), calls),  # type: ignore[misc]
            "send_on_us": microseconds(lambda ask=ask, facts=facts: ask.request(facts), calls),  # type: ignore[misc]
            "orjson_alone_us": microseconds(lambda body=body: orjson.loads(body), calls),  # type: ignore[misc]
            "json_alone_us": microseconds(lambda body=body: json.loads(body), calls),  # type: ignore[misc]
        }
    return rows


HOSTILE = {  # each just under the size limit, and as dear as we could make it
    "numbers": b'{"messages":[' + b"1," * 990_000 + b"0]}",
    "keys": b"{" + b",".join(b'"%d":1' % i for i in range(190_000)) + b"}",
    "lists": b'{"messages":[' + b"[]," * 660_000 + b"0]}",
    "escaped quotes": b'{"messages":"' + b'\\"' * 990_000 + b'"}',
}


def hostile() -> dict[str, dict[str, float]]:
    route = ROUTES["/v1/chat/completions"]
    return {
        name: {"bytes": len(body), "refused_us": microseconds(lambda body=body: WIRE.read(route, body), 1)}  # type: ignore[misc]
        for name, body in HOSTILE.items()
    }


def generated() -> list[bytes]:
    """One network read a token, as TGI sends them."""
    event = '{{"index":{},"token":{{"id":{},"text":" word","logprob":-0.51,"special":false}},"generated_text":null,"details":null}}'
    return [f"data: {event.format(i, i)}\n\n".encode() for i in range(1, TOKENS + 1)]


def chunks() -> list[bytes]:
    head = '{"object":"chat.completion.chunk","id":"","created":1,"model":"m","system_fingerprint":"3.3.7-native","choices":'
    choice = '[{"index":0,"delta":{"role":"assistant","content":" word"},"logprobs":null,"finish_reason":null}],"usage":null}'
    return [f"data: {head}{choice}\n\n".encode()] * TOKENS


def streams() -> dict[str, dict[str, float]]:
    rows: dict[str, dict[str, float]] = {}
    for name, path, data in (
        ("generate_stream", "/generate_stream", generated()),
        ("chat stream", "/v1/chat/completions", chunks()),
    ):
        ask = read(path, BODIES["chat 1 KB"][1] if path.endswith("completions") else b'{"inputs":"a"}')
        rows[name] = {
            "read_and_write_us": round(microseconds(lambda ask=ask, data=data: wire_only(ask, data), 1) / TOKENS, 2),  # type: ignore[misc]
            "with_inspection_us": round(microseconds(lambda ask=ask, data=data: inspected(ask, data), 1) / TOKENS, 2),  # type: ignore[misc]
            "orjson_alone_us": round(microseconds(lambda data=data: both_ways(data), 1) / TOKENS, 2),  # type: ignore[misc]
        }
    return rows


def wire_only(ask: Ask, data: list[bytes]) -> None:
    reading, writing = ask.reading(), ask.writing(exchange(ask), 1)
    for piece in data:
        writing.write(reading.feed(piece))


def inspected(ask: Ask, data: list[bytes]) -> None:
    reading, writing = ask.reading(), ask.writing(exchange(ask), 1)
    inspection = Inspection(lambda channel: Chain([]))
    for piece in data:
        writing.write(inspection.feed(reading.feed(piece)))


def both_ways(data: list[bytes]) -> None:
    for piece in data:
        orjson.dumps(orjson.loads(piece[6:-2]))


def main() -> None:
    figures = {"requests": requests(), "hostile": hostile(), "per_token": streams()}
    for rows in figures.values():
        for name, row in rows.items():
            print(f"{name:20}", "  ".join(f"{key} {value:>9}" for key, value in row.items()))
    how = f"CPU time, best of {ROUNDS} rounds, on a shared machine; python -m benchmarks.wire"
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(orjson.dumps({**figures, "how": how, "machine": machine()}, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
