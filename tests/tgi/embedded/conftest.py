"""A backend on a loopback port for each test that asks for one, and the real model once for all that need it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tgi.embedded.engine import Engine
from tgi.embedded.replay import ReplayEngine
from tgi.embedded.server import create_app

ANSWER = "The pass is open 函谷关 to all who bring papers."


@asynccontextmanager
async def serving(engine: Engine, **options: Any) -> AsyncIterator[str]:
    """The URL of a backend around this engine; seeds count up from 1."""
    seeds = count(1)
    app = create_app(engine, new_seed=lambda: next(seeds), **options)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Client:
    """Asks one backend and keeps the answer's status, headers and bytes."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self.url = url

    async def post(self, path: str, body: object = None, **options: Any) -> Reply:
        if body is not None:
            options["json"] = body
        async with self._http.post(self.url + path, **options) as reply:
            return Reply(reply.status, dict(reply.headers), await reply.read())

    async def get(self, path: str) -> Reply:
        async with self._http.get(self.url + path) as reply:
            return Reply(reply.status, dict(reply.headers), await reply.read())


class Reply:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    @property
    def json(self) -> Any:
        import json

        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The data of each event, as JSON; `[DONE]` stays a string."""
        import json

        blocks = self.body.decode().split("\n\n")
        assert blocks.pop() == ""
        assert all(block.startswith("data: ") for block in blocks)
        data = [block.removeprefix("data: ") for block in blocks]
        return [item if item == "[DONE]" else json.loads(item) for item in data]


Ask = Callable[..., Any]


@pytest.fixture
async def backend() -> AsyncIterator[Ask]:
    """`await backend(engine, **options)` starts one and gives a client for it."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())

        async def start(engine: Engine | None = None, **options: Any) -> Client:
            url = await stack.enter_async_context(serving(engine or ReplayEngine(ANSWER), **options))
            return Client(http, url)

        yield start
