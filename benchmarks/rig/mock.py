"""An instant backend: canned TGI-shaped answers from a raw asyncio protocol, so that it costs next to nothing.

A stand-in, for measuring the gateway alone. `python -m benchmarks.rig.mock PORT TOKENS INTERVAL_MS`.
"""

from __future__ import annotations

import asyncio
import json
import sys

import uvloop

WORDS = [
    "The",
    "gate",
    "stands",
    "in",
    "the",
    "pass",
    "and",
    "every",
    "traveller",
    "shows",
    "papers",
    "before",
    "the",
    "road",
    "goes",
    "on",
    "to",
    "the",
    "west",
]
ANSWER = " ".join(WORDS * 4)[:400]


def whole() -> bytes:
    body = json.dumps(
        {
            "object": "chat.completion",
            "id": "",
            "created": 1,
            "model": "smollm2",
            "system_fingerprint": "3.3.7-native",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": ANSWER},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 200, "completion_tokens": 80, "total_tokens": 280},
        }
    ).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def chunk(content: str, finish: str | None = None) -> bytes:
    event = {
        "object": "chat.completion.chunk",
        "id": "",
        "created": 1,
        "model": "smollm2",
        "system_fingerprint": "3.3.7-native",
        "choices": [
            {"index": 0, "delta": {"role": "assistant", "content": content}, "logprobs": None, "finish_reason": finish}
        ],
        "usage": None,
    }
    return framed(b"data: " + json.dumps(event).encode() + b"\n\n")


def framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
TAIL = framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"
HEALTH = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Instant(asyncio.Protocol):
    """Reads a request by its Content-Length and answers at once, or streams `tokens` events `interval` seconds apart."""

    def __init__(self, tokens: int, interval: float) -> None:
        self.tokens, self.interval = tokens, interval
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            body, self.buffer = self.buffer[end + 4 : end + 4 + length], self.buffer[end + 4 + length :]
            self.answer(head, body)

    def answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"get "):
            self.transport.write(HEALTH)
        elif b'"stream":true' in body.replace(b" ", b""):
            self.transport.write(HEAD)
            self.next(0)
        else:
            self.transport.write(WHOLE)

    def next(self, index: int) -> None:
        if self.transport.is_closing():
            return
        if index == self.tokens:
            self.transport.write(chunk("", "stop") + TAIL)
            return
        self.transport.write(CHUNKS[index % len(CHUNKS)])
        asyncio.get_running_loop().call_later(self.interval, self.next, index + 1)


WHOLE = whole()
CHUNKS = [chunk(f"{word} ") for word in WORDS]


async def main(port: int, tokens: int, interval: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Instant(tokens, interval), "127.0.0.1", port)
    print(f"ready {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
