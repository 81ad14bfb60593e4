"""Server-sent events as axum 0.7 writes them: `data: ` with a space, one line, a blank line; `:` when all is quiet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress

from aiohttp import web

KEEP_ALIVE_S = 15.0  # axum's default
KEEP_ALIVE = b":\n\n"
DONE = b"data: [DONE]\n\n"

HEADERS = {"content-type": "text/event-stream", "cache-control": "no-cache"}


def event(data: bytes) -> bytes:
    """One event; JSON has no raw line breaks, so one line is enough."""
    return b"data: " + data + b"\n\n"


async def send(
    request: web.Request, headers: Mapping[str, str], chunks: AsyncGenerator[bytes, None]
) -> web.StreamResponse:
    """Writes the chunks as they come. A client that leaves closes the generator, and with it frees the seat."""
    response = web.StreamResponse(headers={**HEADERS, **headers})
    async with aclosing(kept_alive(chunks, KEEP_ALIVE_S)) as alive:
        await response.prepare(request)
        async for chunk in alive:
            await response.write(chunk)
        await response.write_eof()
    return response


async def kept_alive(chunks: AsyncGenerator[bytes, None], seconds: float) -> AsyncGenerator[bytes, None]:
    """The chunks, with a comment after each silence of `seconds`."""
    coming: asyncio.Future[bytes] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(chunks))
            await asyncio.wait({coming}, timeout=seconds)
            if not coming.done():
                yield KEEP_ALIVE
                continue
            try:
                chunk = coming.result()
            except StopAsyncIteration:
                return
            coming = None
            yield chunk
    finally:
        if coming is not None and not coming.done():
            coming.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await coming
        elif coming is not None and not coming.cancelled():
            coming.exception()  # it came while the client left: looked at, so that nobody is told of it
        await chunks.aclose()
