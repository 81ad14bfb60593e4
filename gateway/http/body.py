"""A request's body on its way in: asking for it, and why it may not come. Deadlines are kept by `door`; sizes by `intake`."""

from __future__ import annotations

from aiohttp.web import BaseRequest

from gateway.core.verdict import Code


class BodyUnreadable(Exception):
    """Raised to whoever reads a request's body when it will not come. Uncaught, the door refuses with its code."""

    code = Code.REQUEST_MALFORMED


class BodyTooSlow(BodyUnreadable):
    """It did not arrive in time."""

    code = Code.REQUEST_TIMEOUT


class BodyBroken(BodyUnreadable):
    """Its framing is wrong. aiohttp's C parser would leave the reader waiting for ever."""


async def invite_body(request: BaseRequest) -> None:
    """Send the interim reply that a client with `Expect: 100-continue` waits for before it sends its body."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
