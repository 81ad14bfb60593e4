"""The named peer: a bare aiohttp pass-through over mutual TLS 1.3, with no control on at all.

`python -m benchmarks.rig.relay BACKEND_URL CERT KEY CLIENT_CA`.
"""

from __future__ import annotations

import asyncio
import ssl
import sys

import aiohttp
import uvloop
from aiohttp import web


async def relay(request: web.Request) -> web.StreamResponse:
    session: aiohttp.ClientSession = request.app["session"]
    body = await request.read()
    async with session.post(request.app["backend"] + request.path, data=body, headers=HEADERS) as reply:
        if reply.content_type != "text/event-stream":
            return web.Response(body=await reply.read(), content_type=reply.content_type)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        async for data in reply.content.iter_any():
            await response.write(data)
        await response.write_eof()
        return response


HEADERS = {"content-type": "application/json"}


async def main(backend: str, certificate: str, key: str, client_ca: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(client_ca)
    context.verify_mode = ssl.CERT_REQUIRED
    app = web.Application(client_max_size=8 << 20)
    app["backend"] = backend
    app["session"] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    app.router.add_post("/{path:.*}", relay)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    print(f"ready {runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:5]))
