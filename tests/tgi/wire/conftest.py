"""A relay in front of the embedded backend, whose engine repeats a recorded answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.tgi.embedded.conftest import serving
from tests.tgi.wire.relay import relaying
from tgi.client import HttpBackend
from tgi.embedded.replay import ReplayEngine
from tgi.wire import TgiWire

ANSWER = "The pass is open 函谷关 to all who bring papers."

Start = Callable[..., Any]


@pytest.fixture
async def relay() -> AsyncIterator[Start]:
    """`await relay(answer, **options of the wire)` starts both and gives the relay's URL."""
    async with AsyncExitStack() as stack:

        async def start(answer: str = ANSWER, **options: Any) -> str:
            url = await stack.enter_async_context(serving(ReplayEngine(answer)))
            wire = TgiWire(**{"default_model": "smollm2", **options})
            backend = await stack.enter_async_context(HttpBackend("replay", url))
            return await stack.enter_async_context(relaying(wire, backend))

        yield start
