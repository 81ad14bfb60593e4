"""A TGI-compatible server that plays back one answer: every route and every check of the real one, and no model's time.

`python -m benchmarks.rig.replay [PORT]`; `GET /metrics` tells how many requests it saw.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web

from tgi.embedded.replay import ReplayEngine
from tgi.embedded.server import create_app

ANSWER = "The pass is open 函谷关 to all who bring papers."


async def main(port: int) -> None:
    runner = web.AppRunner(create_app(ReplayEngine(ANSWER)), handler_cancellation=True, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print(f"ready http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
