"""Running the embedded backend: load the model, listen on loopback, say so, and stop cleanly on a signal."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable

from aiohttp import web

from tgi.embedded import xllama
from tgi.embedded.engine import Engine
from tgi.embedded.server import create_app

DEFAULT_PORT = 8089  # what a fresh site expects its backend on
DRAIN_S = 2.0  # answers under way get this long when asked to stop; it is a demo's backend


class CannotListen(Exception):
    """The address cannot be had; the message says which, and what to do."""


def serve(port: int = DEFAULT_PORT, host: str = "127.0.0.1", *, ready: Callable[[str], None] | None = None) -> None:
    """Loads the default model and serves it until SIGTERM or SIGINT; port 0 takes a free one.

    `ready` is called with the URL once requests are answered; by default it prints `ready URL`. Raises
    `WeightsMissing`, `EngineFailed`, or `CannotListen`.
    """
    asyncio.run(_serve(port, host, ready or announce))


def announce(url: str) -> None:
    """One line for whoever waits for it, on standard output."""
    print(f"ready {url}", flush=True)


async def _serve(port: int, host: str, ready: Callable[[str], None]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    engine = await xllama.load()
    try:
        runner = await _listen(engine, port, host)
        bound = runner.addresses[0][1]
        print(f"{engine.card.model_id}: {engine.card.what}", file=sys.stderr, flush=True)
        ready(f"http://{host}:{bound}")
        await stopped.wait()
        await runner.cleanup()
    finally:
        await engine.close()


async def _listen(engine: Engine, port: int, host: str) -> web.AppRunner:
    runner = web.AppRunner(create_app(engine), handler_cancellation=True, access_log=None, shutdown_timeout=DRAIN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotListen(
            f"{host}:{port}: {reason}; hint: is one running already? --port 0 takes a free one"
        ) from error
    return runner
