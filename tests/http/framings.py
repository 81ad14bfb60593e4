"""Requests whose bytes two readers could understand differently, as data: what must be refused, and with which code.

Each is sent as it is over one connection. Ideas from RFC 9112, section 11.2, and from published work on request smuggling;
`CONTROLS` are their well-formed neighbours and must pass, so that no rule refuses everything.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.verdict import Code

PATH = "/v1/chat/completions"
BODY = b'{"model":"m","messages":[]}'
_LENGTH = f"Content-Length: {len(BODY)}"
_JSON = "Content-Type: application/json"
_SECOND = b"GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n"
_CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
_CHUNKS = "Transfer-Encoding: chunked"

MALFORMED = Code.REQUEST_MALFORMED
MEDIA = Code.MEDIA_TYPE_UNSUPPORTED


@dataclass(frozen=True)
class Framing:
    """Bytes to send, and the code of the refusal they must get; None: they are fine."""

    name: str
    raw: bytes
    code: Code | None = MALFORMED


def post(
    *headers: str, body: bytes = BODY, line: str = f"POST {PATH} HTTP/1.1", host: str = "Host: localhost"
) -> bytes:
    """A request with these headers after Host."""
    head = "\r\n".join(part for part in (line, host, *headers) if part)
    return head.encode("latin-1") + b"\r\n\r\n" + body


def _line(line: str) -> bytes:
    return post(_JSON, _LENGTH, line=line)


def _with(*headers: str) -> bytes:
    return post(_JSON, _LENGTH, *headers)


def _coded(coding: str, *more: str) -> bytes:
    return post(_JSON, coding, *more, body=_CHUNKED)


def _chunks(raw: bytes) -> bytes:
    return post(_JSON, _CHUNKS, body=raw)


CONTROLS = (
    Framing("length", _with(), None),
    Framing("chunked", _coded(_CHUNKS), None),
    Framing("chunked in capitals", _coded("Transfer-Encoding: Chunked"), None),
    Framing("host with port", post(_JSON, _LENGTH, host="Host: LOCALHOST:8443"), None),
    Framing("charset", post("Content-Type: application/json; charset=UTF-8", _LENGTH), None),
    Framing("keep-alive", _with("Connection: keep-alive"), None),
    Framing("two accepts", _with("Accept: application/json", "Accept: text/event-stream"), None),
    Framing("identity coding", _with("Content-Encoding: identity"), None),
    Framing("forwarded once", _with("X-Forwarded-For: 10.0.0.1"), None),
)

LENGTHS = (
    Framing("length and chunked", post(_JSON, "Content-Length: 4", _CHUNKS, body=_CHUNKED + _SECOND)),
    Framing("chunked and length", post(_JSON, _CHUNKS, "Content-Length: 4", body=_CHUNKED + _SECOND)),
    Framing("two lengths, same", _with(_LENGTH)),
    Framing("two lengths, different", _with("Content-Length: 0")),
    Framing("length list", post(_JSON, "Content-Length: 2, 2", body=b"{}")),
    Framing("length with plus", post(_JSON, "Content-Length: +2", body=b"{}")),
    Framing("length with minus", post(_JSON, "Content-Length: -2", body=b"{}")),
    Framing("length in hexadecimal", post(_JSON, "Content-Length: 0x2", body=b"{}")),
    Framing("length with underscore", post(_JSON, "Content-Length: 1_0", body=b"{}")),
    Framing("length with dot", post(_JSON, "Content-Length: 2.0", body=b"{}")),
    Framing("length with inner space", post(_JSON, "Content-Length: 2 0", body=b"{}")),
    Framing("length of nothing", post(_JSON, "Content-Length:", body=b"{}")),
    Framing("length past 64 bits", post(_JSON, "Content-Length: 99999999999999999999999", body=b"{}")),
    Framing("length in other digits", post(_JSON, "Content-Length: \u00b2", body=b"{}")),
    Framing("underscored length", post(_JSON, _LENGTH, "Content_Length: 0")),
    Framing("dotted length", post(_JSON, _LENGTH, "Content.Length: 0")),
    Framing("body on get", post(_LENGTH, line=f"GET {PATH} HTTP/1.1")),
    Framing("chunks on get", post(_CHUNKS, line=f"GET {PATH} HTTP/1.1", body=_CHUNKED)),
)

CODINGS = (
    Framing("gzip, chunked", _coded("Transfer-Encoding: gzip, chunked")),
    Framing("chunked, identity", _coded("Transfer-Encoding: chunked, identity")),
    Framing("chunked twice", _coded(_CHUNKS, _CHUNKS)),
    Framing("chunked, chunked", _coded("Transfer-Encoding: chunked, chunked")),
    Framing("xchunked", _coded("Transfer-Encoding: xchunked")),
    Framing("identity", _coded("Transfer-Encoding: identity")),
    Framing("quoted chunked", _coded('Transfer-Encoding: "chunked"')),
    Framing("chunked with parameter", _coded("Transfer-Encoding: chunked;q=1")),
    Framing("coding of nothing", _coded("Transfer-Encoding:")),
    Framing("coding after vertical tab", _coded("Transfer-Encoding: \x0bchunked")),
    Framing("coding before space and colon", _coded("Transfer-Encoding : chunked")),
    Framing("underscored coding", _coded("Transfer_Encoding: chunked", "Content-Length: 4")),
    Framing("chunked on http/1.0", post(_JSON, _CHUNKS, body=_CHUNKED, line=f"POST {PATH} HTTP/1.0")),
)

CHUNKS = (
    Framing("chunk size with 0x", _chunks(b"0x2\r\n{}\r\n0\r\n\r\n")),
    Framing("chunk size with plus", _chunks(b"+2\r\n{}\r\n0\r\n\r\n")),
    Framing("chunk size with space", _chunks(b"2 \r\n{}\r\n0\r\n\r\n")),
    Framing("chunk size of nothing", _chunks(b"\r\n{}\r\n0\r\n\r\n")),
    Framing("chunk size past 64 bits", _chunks(b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n")),
    Framing("chunk ended by line feed", _chunks(b"2\n{}\n0\n\n")),
    Framing("chunk longer than its size", _chunks(b"1\r\n{}\r\n0\r\n\r\n")),
    Framing("line feed in chunk extension", _chunks(b"2;a\nb\r\n{}\r\n0\r\n\r\n")),
)

HEADERS = (
    Framing("folded header", _with("X-A: one\r\n two")),
    Framing("header ended by line feed", post(_JSON, _LENGTH + "\nX-A: b")),
    Framing("header ended by carriage return", post(_JSON, _LENGTH, "X-A: a\rX-B: b")),
    Framing("nul in header", _with("X-A: a\x00b")),
    Framing("space before colon", _with("X-A : b")),
    Framing("header without colon", _with("X-A")),
    Framing("header without name", _with(": b")),
    Framing("space before first header", post(_JSON, _LENGTH, host=" Host: localhost")),
    Framing("name in other letters", _with("X-\u00e9: b")),
    Framing("long name", _with("X-" + "a" * 70 + ": b")),
    Framing("long header", _with("X-A: " + "b" * 20_000)),
    Framing("many headers", _with(*(f"X-{number}: b" for number in range(200)))),
    Framing("two authorizations", _with("Authorization: Bearer a", "authorization: Bearer b")),
    Framing("two forwarded addresses", _with("X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 10.0.0.2")),
    Framing("two content types", post(_JSON, "Content-Type: text/plain", _LENGTH)),
    Framing("nominated header", _with("Connection: close, X-Forwarded-For")),
    Framing("nominated authorization", _with("Connection: authorization")),
    Framing(
        "upgrade to http/2", _with("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
    ),
    Framing("upgrade to websocket", _with("Connection: Upgrade", "Upgrade: websocket")),
    Framing("te", _with("TE: trailers")),
    Framing("trailer", _coded(_CHUNKS, "Trailer: X-A")),
    Framing("other expectation", _with("Expect: 200-ok")),
    Framing("method override", _with("X-HTTP-Method-Override: DELETE")),
    Framing("path override", _with("X-Original-URL: /admin")),
)

HOSTS = (
    Framing("no host", post(_JSON, _LENGTH, host="")),
    Framing("empty host", post(_JSON, _LENGTH, host="Host:")),
    Framing("two hosts", _with("Host: evil.example")),
    Framing("two hosts, same", _with("Host: localhost")),
    Framing("other host", post(_JSON, _LENGTH, host="Host: evil.example")),
    Framing("other port", post(_JSON, _LENGTH, host="Host: localhost:1")),
    Framing("host with path", post(_JSON, _LENGTH, host="Host: localhost/../admin")),
    Framing("host with user", post(_JSON, _LENGTH, host="Host: x@localhost")),
    Framing("host list", post(_JSON, _LENGTH, host="Host: localhost, evil.example")),
    Framing("host with dot", post(_JSON, _LENGTH, host="Host: localhost.")),
)

LINES = (
    Framing("absolute form", _line(f"POST http://evil.example{PATH} HTTP/1.1")),
    Framing("absolute form of ours", _line(f"POST https://localhost{PATH} HTTP/1.1")),
    Framing("authority form", _line("CONNECT localhost:443 HTTP/1.1")),
    Framing("asterisk form", post(line="OPTIONS * HTTP/1.1", body=b"")),
    Framing("two slashes", _line(f"POST /{PATH} HTTP/1.1")),
    Framing("dot segments", _line(f"POST /admin/..{PATH} HTTP/1.1")),
    Framing("encoded dot segments", _line(f"POST /%2e%2e{PATH} HTTP/1.1")),
    Framing("encoded slash", _line("POST /v1%2fchat/completions HTTP/1.1")),
    Framing("encoded question mark", _line(f"POST {PATH}%3Fa=b HTTP/1.1")),
    Framing("encoded nul", _line(f"POST {PATH}%00 HTTP/1.1")),
    Framing("back slash", _line("POST \\v1\\chat\\completions HTTP/1.1")),
    Framing("query", _line(f"POST {PATH}?a=b HTTP/1.1")),
    Framing("empty query", _line(f"POST {PATH}? HTTP/1.1")),
    Framing("fragment", _line(f"POST {PATH}#a HTTP/1.1")),
    Framing("path parameter", _line(f"POST {PATH};a=b HTTP/1.1")),
    Framing("raw utf-8 path", _line("POST /v1/\u00e9 HTTP/1.1")),
    Framing("space in path", _line(f"POST {PATH} x HTTP/1.1")),
    Framing("long path", _line("POST /" + "a" * 20_000 + " HTTP/1.1")),
    Framing("http/0.9", b"GET /\r\n\r\n"),
    Framing("http/1.0", _line(f"POST {PATH} HTTP/1.0")),
    Framing("http/1.2", _line(f"POST {PATH} HTTP/1.2")),
    Framing("http/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    Framing("lower-case protocol", _line(f"POST {PATH} http/1.1")),
    Framing("lower-case method", _line(f"post {PATH} HTTP/1.1")),
    Framing("unknown method", _line(f"POSTS {PATH} HTTP/1.1")),
    Framing("line feeds only", _with().replace(b"\r\n", b"\n")),
    Framing("tls inside tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n"),
    Framing("proxy protocol", b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + _with()),
)

CONTENTS = (
    Framing("gzip body", _with("Content-Encoding: gzip"), MEDIA),
    Framing("unknown coding", _with("Content-Encoding: zstd"), MEDIA),
    Framing("coding list", _with("Content-Encoding: identity, gzip"), MEDIA),
    Framing("no content type", post(_LENGTH), MEDIA),
    Framing("text", post("Content-Type: text/plain", _LENGTH), MEDIA),
    Framing("form", post("Content-Type: application/x-www-form-urlencoded", _LENGTH), MEDIA),
    Framing("multipart", post("Content-Type: multipart/form-data; boundary=x", _LENGTH), MEDIA),
    Framing("other charset", post("Content-Type: application/json; charset=utf-16", _LENGTH), MEDIA),
    Framing("json and more", post("Content-Type: application/json, text/plain", _LENGTH), MEDIA),
)

HOSTILE = (*LENGTHS, *CODINGS, *CHUNKS, *HEADERS, *HOSTS, *LINES, *CONTENTS)
