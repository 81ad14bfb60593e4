"""Clients that leave, and long silences."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import aiohttp
import pytest

from tests.tgi.embedded.conftest import ANSWER, Ask, serving
from tgi.embedded.replay import ReplayEngine
from tgi.embedded.sse import KEEP_ALIVE, kept_alive
from tgi.embedded.validation import Limits


async def whole(http: aiohttp.ClientSession, url: str, body: object) -> bytes:
    async with http.post(url, json=body) as reply:
        return await reply.read()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/generate_stream", {"inputs": "x"}),
        ("/generate", {"inputs": "x"}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}], "stream": True}),
        ("/v1/completions", {"prompt": ["x", "y"], "stream": True}),
        ("/v1/completions", {"prompt": ["x", "y"]}),
    ],
)
async def test_a_client_that_leaves_frees_its_seat(path: str, body: dict[str, object]) -> None:
    engine = ReplayEngine(ANSWER * 20, pace_s=0.02)
    async with serving(engine) as url:
        async with aiohttp.ClientSession() as http:
            asking = asyncio.ensure_future(whole(http, url + path, body))
            await until(lambda: engine.active > 0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        await until(lambda: engine.active == 0)
        async with aiohttp.ClientSession() as http, http.get(url + "/metrics") as reply:
            assert "tgi_batch_current_size 0\n" in await reply.text()


async def test_the_last_permit_is_free_again_after_an_answer(backend: Ask) -> None:
    client = await backend(limits=Limits(max_concurrent_requests=1))
    for _ in range(3):
        assert (await client.post("/generate", {"inputs": "x"})).status == 200


async def test_a_request_beyond_the_permits_is_turned_away_while_another_runs() -> None:
    engine = ReplayEngine(ANSWER * 20, pace_s=0.02)
    async with serving(engine, limits=Limits(max_concurrent_requests=1)) as url, aiohttp.ClientSession() as http:
        first = asyncio.ensure_future(whole(http, url + "/generate", {"inputs": "x"}))
        await until(lambda: engine.active == 1)
        async with http.post(url + "/generate", json={"inputs": "x"}) as second:
            assert second.status == 429
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def slow() -> AsyncGenerator[bytes, None]:
    yield b"a"
    await asyncio.sleep(0.05)
    yield b"b"


async def test_silence_is_filled_with_comments_and_nothing_is_lost() -> None:
    got = [chunk async for chunk in kept_alive(slow(), 0.01)]
    assert got[0] == b"a" and got[-1] == b"b"
    assert set(got[1:-1]) == {KEEP_ALIVE}
