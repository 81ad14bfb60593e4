"""Attacks on framing and on memory, as data: what each sends, in which pieces, and that nothing of it may get through.

Ideas from RFC 9112 section 11, from published work on request smuggling (CL.TE, TE.CL, TE.TE, CL.0, 0.CL, chunk extensions,
pause-based desync) and from JSON's and deflate's known bombs. Framings that need one send only are in `tests/http/framings.py`.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

PATH = "/v1/chat/completions"
CHAT = b'{"model":"smollm2","messages":[{"role":"user","content":"hi"}],"max_tokens":4}'
HIDDEN = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Smuggled: yes\r\n\r\n"
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Attack:
    """`pieces` gives the bytes in turn, each sent by itself. `replies` is the most replies there may be: one a request at most."""

    name: str
    pieces: Callable[[str], Iterator[bytes]]
    replies: int = 1
    pause: float = 0.0  # seconds between pieces


def head(token: str, *lines: str, method: str = "POST", path: str = PATH) -> bytes:
    """A request's head, with whatever lines frame its body."""
    fixed = (
        f"{method} {path} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
    )
    return "\r\n".join((*fixed, *lines)).encode("latin-1") + b"\r\n\r\n"


def _one(name: str, *lines: str, body: bytes, replies: int = 1) -> Attack:
    return Attack(name, lambda token: iter([head(token, *lines) + body]), replies)


def _chunk(data: bytes, size: bytes | None = None) -> bytes:
    return (b"%x" % len(data) if size is None else size) + b"\r\n" + data + b"\r\n"


_CHUNKED = "Transfer-Encoding: chunked"
_END = b"0\r\n\r\n"

SMUGGLING = (
    _one("CL.TE", "Content-Length: 6", _CHUNKED, body=_END + HIDDEN),
    _one("TE.CL", _CHUNKED, "Content-Length: 4", body=b"5c\r\n" + HIDDEN + b"\r\n" + _END),
    _one("TE.TE, the second coding obscured", _CHUNKED, "Transfer-Encoding: x", body=_END + HIDDEN),
    _one("TE.TE by letters of another case", _CHUNKED, "transfer-encoding: identity", body=_END + HIDDEN),
    _one("TE by a folded line", "Transfer-Encoding:\r\n chunked", body=_END + HIDDEN),
    _one("TE by a tab before the name", "\tTransfer-Encoding: chunked", "Content-Length: 4", body=_END + HIDDEN),
    _one("TE by a NUL in the name", "Transfer\x00-Encoding: chunked", "Content-Length: 4", body=_END + HIDDEN),
    _one("TE by a space before the colon", "Transfer-Encoding : chunked", "Content-Length: 4", body=_END + HIDDEN),
    _one("TE by a bare CR", "X: a\rTransfer-Encoding: chunked", "Content-Length: 4", body=_END + HIDDEN),
    _one("TE by a bare LF", "X: a\nTransfer-Encoding: chunked", "Content-Length: 4", body=_END + HIDDEN),
    _one("CL twice", "Content-Length: 0", f"Content-Length: {len(HIDDEN)}", body=HIDDEN),
    _one("CL with a sign", f"Content-Length: +{len(HIDDEN)}", body=HIDDEN),
    _one("CL with a comma", f"Content-Length: 0, {len(HIDDEN)}", body=HIDDEN),
    _one("CL in octal to some", "Content-Length: 010", body=b"01234567" + HIDDEN),
    _one("CL past 64 bits", "Content-Length: 18446744073709551617", body=HIDDEN),
    _one("a chunk size past 64 bits", _CHUNKED, body=_chunk(b"{}", b"10000000000000002") + _END + HIDDEN),
    _one("a chunk size with an underscore", _CHUNKED, body=_chunk(b"{}", b"0_2") + _END + HIDDEN),
    _one("a chunk ended by LF", _CHUNKED, body=b"2\n{}\n0\n\n" + HIDDEN),
    _one("a chunk ended by two bytes of anything", _CHUNKED, body=b"2\r\n{}XX0\r\n\r\n" + HIDDEN),
    _one("a chunk extension with a LF", _CHUNKED, body=b"2;a\n5c\r\n{}\r\n" + _END + HIDDEN),
    _one("a trailer that names a framing header", _CHUNKED, body=_chunk(CHAT) + b"0\r\nContent-Length: 5\r\n\r\n" + HIDDEN),
    _one("an upgrade to h2c", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk", "Content-Length: 0", body=HIDDEN),
    Attack("CL.0 on a GET", lambda token: iter([head(token, f"Content-Length: {len(HIDDEN)}", method="GET", path="/health") + HIDDEN])),
    Attack("a request behind a complete one is judged by itself", lambda token: iter([head(token, "Content-Length: 2") + b"{}" + HIDDEN]), replies=2),
    Attack("a request line hidden in a header", lambda token: iter([head(token, "X: a\r\n\r\nGET /v1/models HTTP/1.1", "Content-Length: 0")])),
    Attack("the head in two, a pause between", lambda token: iter((head(token, "Content-Length: 6", _CHUNKED)[:-2], b"\r\n" + _END + HIDDEN)), pause=0.5),
    Attack("one byte at a time", lambda token: (bytes([byte]) for byte in b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" + _END)),
)  # fmt: skip


def _json(name: str, body: bytes) -> Attack:
    return _one(name, f"Content-Length: {len(body)}", body=body)


def _many_chunks(token: str) -> Iterator[bytes]:
    yield head(token, _CHUNKED)
    for _ in range(200):
        yield b"1\r\nx\r\n" * 1000
    yield _END


def _endless(token: str) -> Iterator[bytes]:
    yield head(token, _CHUNKED)
    for _ in range(64):
        yield _chunk(b"x" * MEGABYTE)


def _many_headers(token: str) -> Iterator[bytes]:
    yield b"POST / HTTP/1.1\r\nHost: localhost\r\n"
    for number in range(5000):
        yield b"X-%d: %s\r\n" % (number, b"y" * 100)


def _long_header(token: str) -> Iterator[bytes]:
    yield b"POST / HTTP/1.1\r\nHost: localhost\r\nX: "
    for _ in range(64):
        yield b"y" * 16_384


_COLLIDING = json.dumps(
    {"messages": [{"role": "user", "content": "x"}], **{str(n * (2**61 - 1)): n for n in range(15_000)}}
).encode()
_DEEP = b'{"messages":' + b"[" * 90_000 + b"]" * 90_000 + b"}"
_DEEP_OBJECTS = b'{"a":' * 45_000 + b"1" + b"}" * 45_000
_ZEROS = gzip.compress(b"0" * (64 * MEGABYTE))

BOMBS = (
    _json("90,000 lists deep", _DEEP),
    _json("45,000 objects deep", _DEEP_OBJECTS),
    _json("a million brackets in a string", b'{"inputs":"' + b"[" * MEGABYTE + b'"}'),
    _json("100,000 members", json.dumps({f"k{n}": n for n in range(100_000)}).encode()),
    _json("keys made to collide", _COLLIDING),
    _json("a number of a million digits", b'{"inputs":"a","parameters":{"seed":' + b"9" * MEGABYTE + b"}}"),
    _json("an exponent of a million digits", b'{"inputs":"a","parameters":{"temperature":1e' + b"9" * MEGABYTE + b"}}"),
    _json("seven megabytes of escapes", b'{"nothing":"' + b"\\u0041" * MEGABYTE + b'"}'),
    _json("50,000 tools", json.dumps({"messages": [], "tools": [{}] * 50_000}).encode()),
    _json("a key twice, a megabyte apart", b'{"inputs":"a","x":"' + b"y" * MEGABYTE + b'","inputs":"b"}'),
    _one("64 MB of zeros, gzip", "Content-Encoding: gzip", f"Content-Length: {len(_ZEROS)}", body=_ZEROS),
    _one("64 MB of zeros, deflate", "Content-Encoding: deflate", _CHUNKED, body=_chunk(zlib.compress(b"0" * MEGABYTE)) + _END),
    _one("brotli", "Content-Encoding: br", "Content-Length: 4", body=b"\x0b\x02\x80{"),
    _one("a body of 9 exabytes", "Content-Length: 9223372036854775807", body=b"{"),
    Attack("200,000 chunks of a byte", _many_chunks),
    Attack("64 MB in chunks", _endless),
    Attack("5,000 headers", _many_headers),
    Attack("a header of a megabyte", _long_header),
)  # fmt: skip

ATTACKS = (*SMUGGLING, *BOMBS)
