"""A backend whose every answer holds personal data that no prompt did: for tests of what becomes of originals.

`python -m tests.end_to_end.leaky` takes a free port and says `ready URL`. Streams come a few characters at a time, slowly
when the prompt says so.
"""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

PHONE = "13987654321"
ANSWER = f"好的。联系人电话{PHONE}，请在zebrafish项目里登记。" + "后面是一段没有个人信息的文字。" * 4
FRAGMENT = 3  # characters
SLOW_SECONDS = 0.2


async def chat(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    if not body.get("stream"):
        message = {"role": "assistant", "content": ANSWER}
        return web.json_response(frame("chat.completion", {"message": message, "finish_reason": "stop"}))
    reply = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await reply.prepare(request)
    pause = SLOW_SECONDS if "slowly" in body["messages"][-1]["content"] else 0
    for at in range(0, len(ANSWER), FRAGMENT):
        await reply.write(event(ANSWER[at : at + FRAGMENT], None))
        await asyncio.sleep(pause)
    await reply.write(event("", "stop") + b"data: [DONE]\n\n")
    return reply


def event(text: str, reason: str | None) -> bytes:
    choice = {"delta": {"role": "assistant", "content": text}, "finish_reason": reason}
    return b"data: " + json.dumps(frame("chat.completion.chunk", choice)).encode() + b"\n\n"


def frame(kind: str, choice: dict[str, object]) -> dict[str, object]:
    head = {"object": kind, "id": "", "created": 1, "model": "smollm2", "system_fingerprint": "3.3.7-native"}
    usage = None if kind.endswith("chunk") else {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return head | {"choices": [{"index": 0, "logprobs": None} | choice], "usage": usage}


async def healthy(request: web.Request) -> web.Response:
    return web.Response()


async def main() -> None:
    application = web.Application()
    application.router.add_post("/v1/chat/completions", chat)
    application.router.add_get("/health", healthy)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"ready http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
