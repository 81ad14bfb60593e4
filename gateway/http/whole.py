"""A reply that is all there when it leaves: head and body as one write. Streams are `proxy`'s; what replies say, `replies`'.

For what `http.strict` let in: HTTP/1.1, and GET or POST. aiohttp's own response takes thirty calls for what is one here.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import ClientConnectionResetError
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.web import BaseRequest, StreamResponse


class Whole(StreamResponse):
    """Status 200 with these headers and this body; raises ValueError for a header of more than one line."""

    def __init__(self, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__()
        self._lines, self._whole = _lines(headers), body

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """All of it leaves now, or as fast as the caller reads; `write_eof` then has nothing more to do."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ClientConnectionResetError("the caller has left")
        if self._keep_alive is None:
            self._keep_alive = request.keep_alive
        connection = b"" if self._keep_alive else b"connection: close\r\n"
        date = rfc822_formatted_time().encode("ascii")  # made once a second
        head = b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\ndate: %b\r\n%b\r\n"
        transport.write(head % (self._lines, len(self._whole), date, connection) + self._whole)
        request.writer.output_size += 1  # aiohttp's sign that no other reply may follow
        self._eof_sent = True
        await request.writer.drain()  # or callers who never read could have reply after reply pile up
        return None


def _lines(headers: Mapping[str, str]) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\r") != len(headers) or lines.count("\n") != len(headers) or "\0" in lines:
        raise ValueError("a header of more than one line")
    return lines.encode()
