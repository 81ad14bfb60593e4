"""Streams on the wire, redacted: `python -m benchmarks.pii_tgi [--runs 3000] [--seed 1]`.

Replies of a backend are drawn as TGI and OpenAI-shaped servers write them, with everything in them that repeats text: ids, logprobs,
`top_tokens`, `prefill`, the whole `generated_text`, the other sequences of `best_of`, several choices, reasoning, tool calls.
They are cut into tokens and their bytes into reads at random. What the client gets must say, in each channel, exactly the redaction
of that channel's whole text, and no other place may hold a found value. results/pii_tgi.json.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson

from benchmarks.pii_report import machine, save, table
from benchmarks.pii_stream import cut, drawn
from gateway.core.exchange import Exchange
from gateway.core.ports import Ask
from gateway.core.reply import Channel, Kind
from gateway.core.stream import Chain, Inspection
from gateway.core.verdict import Refuse
from gateway.detect.detectors import detectors
from gateway.detect.patterns import Patterns
from gateway.stages.pii import Redaction
from policies.pii import parse
from tests.make import an_exchange
from tgi.wire import OpenAIWire, TgiWire

Ran = tuple[dict[Channel, str], list[str], list[dict[str, Any]]]  # what was said, what is wrong, what came
POLICY = b"default: {request: redact, response: redact}"
GENERATE = {"inputs": "hi", "parameters": {"details": True, "top_n_tokens": 2}}
BEST_OF = {
    "inputs": "hi",
    "parameters": {"details": True, "best_of": 2, "do_sample": True, "decoder_input_details": True},
}
TOOLS = [{"type": "function", "function": {"name": "see", "parameters": {"type": "object"}}}]
CHAT = {
    "model": "smollm2",
    "messages": [{"role": "user", "content": "hi"}],
    "stream": True,
    "tools": TOOLS,
    "logprobs": True,
}


def asking(wire: TgiWire | OpenAIWire, path: str, body: dict[str, Any]) -> Ask:
    """A caller's request, read."""
    route = next(route for route in wire.routes if route.path == path)
    ask = wire.read(route, orjson.dumps(body))
    if isinstance(ask, Refuse):
        raise SystemExit(f"{path}: {ask}")
    return ask


def through(stage: Redaction, ask: Ask, exchange: Exchange, stream: bytes, r: random.Random) -> list[dict[str, Any]]:
    """Backend bytes in reads of any size, and what the client gets, parsed."""
    reading, writing = ask.reading(), ask.writing(exchange, 1)
    seen = Inspection(lambda channel: Chain([stage.transform(exchange, channel)]), ("see",))
    out, at = [], 0
    while at < len(stream):
        size = r.choice((1, 7, 60, 400, 5000))
        out.append(writing.write(seen.feed(reading.feed(stream[at : at + size]))))
        at += size
    out.append(writing.write(seen.feed(reading.finish()) + seen.finish()))
    whole = b"".join([*out, writing.finish()])
    if seen.refusal is not None:
        raise SystemExit(f"refused: {seen.refusal} {seen.detail} {seen.fault}")
    lines = [line.removeprefix(b"data: ") for line in whole.split(b"\n\n") if line]
    return [orjson.loads(line) for line in lines if line.strip() != b"[DONE]"]


def token(r: random.Random, text: str) -> dict[str, Any]:
    return {"id": r.randint(1, 99_999), "text": text, "logprob": -r.random(), "special": False}


def event(value: object) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n\n"


def redacted(stage: Redaction, exchange: Exchange, text: str, channel: Channel) -> str:
    """The whole text of a channel, redacted at once."""
    alone = stage.transform(exchange, channel)
    return alone.feed(text).text + alone.finish().text


def strings(value: object) -> Iterator[str]:
    """Every text anywhere in a reply."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def clean(r: random.Random) -> str:
    """A text as any tokenizer could write it: no lone surrogate."""
    return drawn(r).encode("utf-8", "ignore").decode() or "."


def streamed(stage: Redaction, r: random.Random) -> Ran:
    """`/generate_stream`."""
    exchange, text = an_exchange("hi", route="/generate_stream", streaming=True), clean(r)
    pieces = [piece for piece in cut(r, text) if piece]
    events = []
    for index, piece in enumerate(pieces, 1):
        told = {
            "index": index,
            "token": token(r, piece),
            "top_tokens": [token(r, piece), token(r, text)],
            "generated_text": None,
            "details": None,
        }
        if index == len(pieces):
            prefill = [{"id": 1, "text": text, "logprob": None}]
            ended = {
                "finish_reason": "length",
                "generated_tokens": index,
                "seed": None,
                "input_length": 1,
                "prefill": prefill,
            }
            told |= {"generated_text": text, "details": ended}
        events.append(event(told))
    came = through(stage, asking(TgiWire("smollm2"), "/generate_stream", GENERATE), exchange, b"".join(events), r)
    want = redacted(stage, exchange, text, Channel())
    said = "".join(one["token"]["text"] for one in came)
    wrong = [] if said == want else ["text"]
    wrong += [] if came[-1]["generated_text"] == want else ["generated_text"]
    return {Channel(): text}, wrong, came


def whole(stage: Redaction, r: random.Random) -> Ran:
    """`/generate` with `best_of`, prefill and tokens."""
    exchange = an_exchange("hi", route="/generate")
    texts = [clean(r) for _ in range(2)]
    parts = [_sequence(r, text) for text in texts]
    details = parts[0][1] | {"best_of_sequences": [{"generated_text": text} | told for text, told in parts[1:]]}
    reply = json.dumps({"generated_text": texts[0], "details": details}).encode()
    came = through(stage, asking(TgiWire("smollm2"), "/generate", BEST_OF), exchange, reply, r)
    want = [redacted(stage, exchange, text, Channel(choice)) for choice, text in enumerate(texts)]
    others = [one["generated_text"] for one in came[0]["details"].get("best_of_sequences", [])]
    wrong = [] if [came[0]["generated_text"], *others] == want else ["generated_text"]
    return {Channel(choice): text for choice, text in enumerate(texts)}, wrong, came


def _sequence(r: random.Random, text: str) -> tuple[str, dict[str, Any]]:
    tokens = [token(r, piece) for piece in cut(r, text)]
    told = {"finish_reason": "length", "generated_tokens": len(tokens), "seed": 1, "tokens": tokens}
    return text, told | {"prefill": [{"id": 1, "text": text, "logprob": None}], "top_tokens": [[token(r, text)]]}


def chatted(stage: Redaction, r: random.Random) -> Ran:
    """A chat: several choices, each with reasoning, content and the arguments of two tools, interleaved."""
    exchange = an_exchange("hi", streaming=True)
    ask = asking(OpenAIWire("smollm2"), "/v1/chat/completions", CHAT | {"n": 2})
    kinds = [
        Channel(choice, kind, index)
        for choice in (0, 1)
        for kind, index in ((Kind.REASONING, 0), (Kind.CONTENT, 0), (Kind.ARGUMENTS, 0), (Kind.ARGUMENTS, 1))
    ]
    texts = {
        channel: json.dumps({"value": clean(r)}, ensure_ascii=r.random() < 0.5)
        if channel.kind is Kind.ARGUMENTS
        else clean(r)
        for channel in kinds
    }
    rest = {channel: [piece for piece in cut(r, text) if piece] for channel, text in texts.items()}
    begun: set[Channel] = set()
    events = []
    while waiting := [channel for channel in kinds if rest[channel] and _may(channel, rest)]:
        channel = r.choice(waiting)
        events.append(event(_chunk(channel, rest[channel].pop(0), channel not in begun)))
        begun.add(channel)
    events += [event(_ended(choice)) for choice in (0, 1)] + [b"data: [DONE]\n\n"]
    came = through(stage, ask, exchange, b"".join(events), r)
    got = dict.fromkeys(kinds, "")
    for one in came:
        for choice in one.get("choices", []):
            _gather(got, choice)
    wrong = [str(channel) for channel in kinds if got[channel] != redacted(stage, exchange, texts[channel], channel)]
    return texts, wrong, came


def _may(channel: Channel, rest: dict[Channel, list[str]]) -> bool:
    """Thinking ends where the answer begins; the second tool is called once the first one's arguments are complete."""
    if channel.kind is not Kind.REASONING and rest[Channel(channel.choice, Kind.REASONING)]:
        return False
    return channel.index == 0 or not rest[Channel(channel.choice, Kind.ARGUMENTS, 0)]


def _chunk(channel: Channel, text: str, first: bool) -> dict[str, Any]:
    delta: dict[str, Any] = {"role": "assistant"}
    if channel.kind is Kind.ARGUMENTS:
        call: dict[str, Any] = {"index": channel.index, "function": {"arguments": text}}
        if first:
            call |= {"id": f"call_{channel.choice}_{channel.index}", "type": "function"}
            call["function"] = {"name": "see", "arguments": text}
        delta["tool_calls"] = [call]
    else:
        delta["content" if channel.kind is Kind.CONTENT else "reasoning_content"] = text
    logprobs = {"content": [{"token": text, "logprob": -0.1, "top_logprobs": [{"token": text, "logprob": -0.1}]}]}
    choice = {"index": channel.choice, "delta": delta, "finish_reason": None, "logprobs": logprobs}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "smollm2", "choices": [choice]}


def _ended(choice: int) -> dict[str, Any]:
    choices = [{"index": choice, "delta": {}, "finish_reason": "tool_calls", "logprobs": None}]
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "smollm2", "choices": choices}


def _gather(got: dict[Channel, str], choice: dict[str, Any]) -> None:
    delta, number = choice["delta"], choice["index"]
    got[Channel(number)] += delta.get("content") or ""
    got[Channel(number, Kind.REASONING)] += delta.get("reasoning_content") or ""
    for call in delta.get("tool_calls") or []:
        got[Channel(number, Kind.ARGUMENTS, call["index"])] += call["function"].get("arguments") or ""


def leaks(patterns: Patterns, stage: Redaction, texts: dict[Channel, str], came: list[dict[str, Any]]) -> list[str]:
    """Values found in a channel that stand whole somewhere in what the client got, and in no channel's redaction."""
    kept = "\n".join(redacted(stage, an_exchange("hi"), text, channel) for channel, text in texts.items())
    spans = [(text, span) for text in texts.values() for span in patterns.find(text) if span.score >= 0.5]
    values = {text[span.start : span.end] for text, span in spans}
    return [
        value
        for value in values
        if len(value) >= 6 and value not in kept and any(value in one for one in strings(came))
    ]


def main() -> None:
    """Draw, send, compare, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3_000, help="replies, a third of each kind")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    policy = parse({"pii/policy.yaml": POLICY})
    stage, patterns, rows = Redaction(policy, bytes(32), detectors(policy)), Patterns(), []
    for name, run in (
        ("/generate_stream, details, top_tokens", streamed),
        ("/generate, best_of, prefill", whole),
        ("chat, 2 choices × 4 channels, logprobs", chatted),
    ):
        wrong: Counter[str] = Counter()
        for number in range(asked.runs // 3):
            r = random.Random(asked.seed * 1_000_003 + number)
            texts, differ, came = run(stage, r)
            wrong.update(differ)
            wrong["leaked"] += bool(leaks(patterns, stage, texts, came))
        rows.append(
            {
                "replies": name,
                "runs": asked.runs // 3,
                "mismatches": sum(wrong.values()) - wrong["leaked"],
                "leaks": wrong["leaked"],
            }
        )
    print(table(rows))
    save("pii_tgi", {"seed": asked.seed, "rows": rows, "machine": machine()})


if __name__ == "__main__":
    main()
