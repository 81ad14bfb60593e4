"""A backend that says again what the last message asks it to say: for tests of what becomes of an answer's text.

`python -m tests.end_to_end.echo` takes a free port and says `ready URL`. A message `say: TEXT` is answered with TEXT,
streamed in fragments of a few characters; every request that came is kept, one JSON line each, in the file ECHO_LOG names.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from aiohttp import web

FRAGMENT = 3  # characters: smaller than anything that is recognised


def said(body: dict[str, object]) -> str:
    messages = body["messages"]
    assert isinstance(messages, list)
    return str(messages[-1]["content"]).partition("say: ")[2]


def event(text: str, reason: str | None = None, choice: int = 0) -> dict[str, object]:
    delta = {
        "index": choice,
        "delta": {"role": "assistant", "content": text},
        "logprobs": None,
        "finish_reason": reason,
    }
    return _frame("chat.completion.chunk", [delta])


def _frame(kind: str, choices: list[dict[str, object]]) -> dict[str, object]:
    head = {"object": kind, "id": "", "created": 1, "model": "smollm2", "system_fingerprint": "3.3.7-native"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return head | {"choices": choices, "usage": None if kind.endswith("chunk") else usage}


async def chat(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    if log := os.environ.get("ECHO_LOG"):
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(json.dumps(body, ensure_ascii=False) + "\n")
    text = said(body)
    if not body.get("stream"):
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return web.json_response(_frame("chat.completion", [choice]))
    reply = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await reply.prepare(request)
    for at in range(0, len(text), FRAGMENT):
        await reply.write(b"data: " + json.dumps(event(text[at : at + FRAGMENT])).encode() + b"\n\n")
        await asyncio.sleep(0)
    await reply.write(b"data: " + json.dumps(event("", "stop")).encode() + b"\n\ndata: [DONE]\n\n")
    return reply


async def main() -> None:
    application = web.Application(client_max_size=1 << 24)
    application.router.add_post("/v1/chat/completions", chat)
    application.router.add_get("/health", lambda request: _fine())
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"ready http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


async def _fine() -> web.Response:
    return web.Response()


if __name__ == "__main__":
    asyncio.run(main())
