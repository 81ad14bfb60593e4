"""The law against smuggling: whatever we take, an independent parser (h11) reads as the same one request."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import h11
import pytest
from aiohttp import HttpVersion
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.http.strict import Head, Strictness, check, hosts
from gateway.settings.outside import Limits
from tests.http.framings import CONTROLS, HOSTILE, Framing

EXAMPLES = int(os.environ.get("HANGU_FUZZ_EXAMPLES", "1500"))
STRICT = Strictness(hosts(("localhost",), 8443))
SPICES = (
    b"\r\n", b"\n", b"\r", b" ", b"\t", b"\x00", b"\x0b", b"\x7f", b":", b",", b";", b"0", b"5", b"-", b"+", b"_", b"x", b"%2f",
    b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"transfer-encoding:\tchunked\r\n", b"chunked", b"0\r\n\r\n",
    b"Host: localhost\r\n", b"GET /admin HTTP/1.1\r\n", b"HTTP/1.0", b"\xc2\xb2", b"\xff",
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What one reader says it read."""

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def ours(raw: bytes, loop: asyncio.AbstractEventLoop) -> list[Request]:
    """The complete requests that aiohttp's parser and the strict check take, up to the first that they refuse."""
    limits = Limits()
    parser = HttpRequestParser(
        BaseProtocol(loop),
        loop,
        1 << 20,
        max_line_size=limits.request_line_bytes,
        max_field_size=limits.header_bytes,
        max_headers=limits.headers,
        auto_decompress=False,
    )
    try:
        messages, _, _ = parser.feed_data(raw)
    except HttpProcessingError:
        return []
    taken = []
    for message, payload in messages:
        version: HttpVersion = message.version
        head = Head(message.method, message.path, (version.major, version.minor), message.raw_headers)
        if check(head, STRICT) is not None or not payload.is_eof() or payload.exception() is not None:
            break
        taken.append(Request(message.method, message.path, _plain(message.raw_headers), payload.read_nowait(-1)))
    return taken


def theirs(raw: bytes) -> list[Request]:
    """The complete requests that h11 reads."""
    read: list[Request] = []
    while raw:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        connection.receive_data(_tidy(raw))
        try:
            read.append(_next(connection))
        except (h11.RemoteProtocolError, EOFError):
            return read
        raw, _ = connection.trailing_data
    return read


def _next(connection: h11.Connection) -> Request:
    head = connection.next_event()
    if not isinstance(head, h11.Request):
        raise EOFError
    body = b""
    while isinstance(part := connection.next_event(), h11.Data):
        body += bytes(part.data)
    if not isinstance(part, h11.EndOfMessage):
        raise EOFError
    return Request(head.method.decode(), head.target.decode(), _plain(head.headers.raw_items()), body)


def _tidy(raw: bytes) -> bytes:
    """What llhttp forgives in front of a request's headers, where no part of another request can hide.

    A bare CR or LF for an empty line before the request line, and more than one space within it (RFC 9112, section 3).
    """
    return re.sub(rb"\A([A-Z]+) +(\S+) +HTTP/", rb"\1 \2 HTTP/", raw.lstrip(b"\r\n"))


def _plain(headers: object) -> tuple[tuple[bytes, bytes], ...]:
    """Names in lower case, and the coding's value too: h11 hands both on so."""
    pairs = [(bytes(name).lower(), bytes(value).strip(b" \t")) for name, value in headers]  # type: ignore[attr-defined]
    return tuple((name, value.lower() if name == b"transfer-encoding" else value) for name, value in pairs)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    raw = draw(st.sampled_from(CONTROLS + HOSTILE)).raw
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, min(len(raw), 600)))
        cut = draw(st.integers(0, 3))
        raw = raw[:at] + draw(st.sampled_from(SPICES)) + raw[at + cut :]
    return raw + draw(st.sampled_from((b"", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"{}")))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=mutated())
def test_what_we_take_another_parser_reads_as_the_same_request(raw: bytes, loop: asyncio.AbstractEventLoop) -> None:
    mine = ours(raw, loop)
    assert mine == theirs(raw)[: len(mine)]


@pytest.mark.parametrize("framing", CONTROLS, ids=lambda framing: framing.name)
def test_both_readers_take_a_well_formed_request(framing: Framing, loop: asyncio.AbstractEventLoop) -> None:
    assert ours(framing.raw, loop) == theirs(framing.raw) != []
