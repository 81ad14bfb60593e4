"""Threads for what may wait, judging and rewriting alike, each with a deadline: no other exchange is held up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import TypeVar

from gateway.core.exchange import Exchange
from gateway.core.pipeline import Gate, Judgement, judge
from gateway.core.verdict import Code, Refuse
from gateway.http.proxy import Apart, Judge

T = TypeVar("T")

LATEST_SECONDS = 10.0  # what takes longer in a thread is a refusal: the caller gave up long before
THREADS = 4  # more would only queue behind Python's lock


def judging(stack: AsyncExitStack) -> Judge:
    """Judge at once, or in a thread with a deadline where a stage may be slow. Too late is a refusal."""
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="judge")
    stack.callback(pool.shutdown, wait=False, cancel_futures=True)

    async def judged(gate: Gate, exchange: Exchange) -> Judgement:
        if not (gate.slow or (gate.waits is not None and gate.waits(exchange))):
            return judge(gate.stages, exchange, time.perf_counter)
        work = asyncio.get_running_loop().run_in_executor(pool, judge, gate.stages, exchange, time.perf_counter)
        try:
            return await asyncio.wait_for(work, LATEST_SECONDS)
        except TimeoutError:
            return Judgement(exchange, (), Refuse(Code.STAGE_TIMEOUT))

    return judged


def apart(stack: AsyncExitStack) -> Apart:
    """A thread for work on replies that may wait, and a deadline. Its own threads: slow replies hold up no request."""
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="reply")
    stack.callback(pool.shutdown, wait=False, cancel_futures=True)

    async def done(work: Callable[[], T], /) -> T:
        return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(pool, work), LATEST_SECONDS)

    return done
