"""What a request's head must look like before anybody reads its body. A pure function; JSON and routes are judged elsewhere.

aiohttp's parser already refuses most malformed framing. What it lets through and a proxy must not is refused here: each rule
removes one way in which two readers of the same bytes could disagree (RFC 9112, section 11.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from aiohttp.web import BaseRequest

from gateway.core.facts import fact
from gateway.core.verdict import Code, Refuse

RawHeaders = Sequence[tuple[bytes, bytes]]

HTTP_1_1 = (1, 1)
_NAME = re.compile(rb"[A-Za-z0-9-]{1,64}")
_PATH = re.compile(r"/(?:[A-Za-z0-9_.~:@-]+(?:/[A-Za-z0-9_.~:@-]+)*/?)?")
_QUERY = re.compile(r"[A-Za-z0-9_.~:@/?%&=+,;!$'()*-]*")
_JSON = frozenset((b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"))
_FORM = frozenset((b"application/x-www-form-urlencoded",))

_MAY_REPEAT = frozenset(  # lists by their own definition, and read by nobody here
    (b"accept", b"accept-charset", b"accept-encoding", b"accept-language", b"cache-control", b"pragma", b"via")
)
_NEVER = frozenset(  # each asks an intermediary for another protocol, method or target than the request line says
    (
        b"http2-settings",
        b"te",
        b"trailer",
        b"upgrade",
        b"x-http-method",
        b"x-http-method-override",
        b"x-method-override",
        b"x-original-url",
        b"x-rewrite-url",
    )
)
_CONNECTION = frozenset((b"close", b"keep-alive"))


@fact(frozen=True, slots=True)
class Head:
    """A request line and its headers, as they came."""

    method: str
    raw_path: str
    version: tuple[int, int]
    headers: RawHeaders


@dataclass(frozen=True, slots=True)
class Strictness:
    """What a listener takes: the Host values it answers to, whether its routes have query strings, and HTML forms."""

    hosts: frozenset[str]
    queries: bool = False
    forms: bool = False


def hosts(names: Iterable[str], port: int) -> frozenset[str]:
    """Every Host value meant by `names` (lower case) on a listener at `port`; a name with a port stands for itself."""
    bare = [name for name in names if not _has_port(name)]
    exact = [name for name in names if _has_port(name)]
    return frozenset((*exact, *bare, *(f"{name}:{port}" for name in bare)))


def check(head: Head, strictness: Strictness) -> Refuse | None:
    """The refusal, or None. A detail names the rule and at most a header's name, never a value."""
    if head.version != HTTP_1_1:
        return _malformed("HTTP/1.1 is required")
    if refusal := _check_target(head.raw_path, strictness.queries):
        return refusal
    headers = _fold(head.headers)
    if isinstance(headers, Refuse):
        return headers
    return (
        _check_host(headers.get(b"host"), strictness)
        or _check_hops(headers)
        or _check_framing(head.method, headers)
        or _check_content(head.method, headers, strictness.forms)
    )


def head_of(request: BaseRequest) -> Head:
    """The head of a request as aiohttp parsed it."""
    version = request.version
    return Head(request.method, request.raw_path, (version.major, version.minor), request.raw_headers)


@lru_cache(maxsize=512)
def _check_target(raw_path: str, queries: bool) -> Refuse | None:
    path, mark, query = raw_path.partition("?")
    if not path.startswith("/"):
        return _malformed("the request target must be a path, not a URL")
    if not _PATH.fullmatch(path) or any(part in (".", "..") for part in path.split("/")):
        return _malformed("the path may have no escapes, empty or dot segments, or unusual characters")
    if mark and not queries:
        return _malformed("no route here takes a query string")
    if not _QUERY.fullmatch(query):
        return _malformed("the query string has unusual characters")
    return None


def _fold(raw: RawHeaders) -> dict[bytes, bytes] | Refuse:
    """Headers by lower-case name. Refuses names that other readers spell differently, and repeats."""
    headers: dict[bytes, bytes] = {}
    for raw_name, value in raw:
        name = _name(raw_name)
        if isinstance(name, Refuse):
            return name
        if name in headers and name not in _MAY_REPEAT:
            return _malformed(f"the header {name.decode('ascii')} is there twice")
        headers[name] = value
    return headers


@lru_cache(maxsize=512)  # clients send the same dozen names in every request
def _name(raw_name: bytes) -> bytes | Refuse:
    name = raw_name.lower()
    if not _NAME.fullmatch(name):
        return _malformed("header names have letters, digits and hyphens only, at most 64")
    if name in _NEVER:
        return _malformed(f"the header {name.decode('ascii')} is not taken here")
    return name


def _check_host(host: bytes | None, strictness: Strictness) -> Refuse | None:
    if host is None:
        return _malformed("a Host header is required")
    if host.decode("latin-1").lower() not in strictness.hosts:
        return _malformed("this gateway does not answer to that Host")
    return None


def _check_hops(headers: dict[bytes, bytes]) -> Refuse | None:
    connection = headers.get(b"connection")
    if connection is not None and not _names_no_header(connection):
        return _malformed("Connection may say close or keep-alive, and name no other header")
    expect = headers.get(b"expect")
    if expect is not None and expect.lower() != b"100-continue":
        return _malformed("the only expectation taken is 100-continue")
    return None


def _names_no_header(connection: bytes) -> bool:
    return {token.strip().lower() for token in connection.split(b",")} <= _CONNECTION


def _check_framing(method: str, headers: dict[bytes, bytes]) -> Refuse | None:
    coding = headers.get(b"transfer-encoding")
    length = headers.get(b"content-length")
    if coding is not None and coding.lower() != b"chunked":
        return _malformed("the only transfer coding taken is chunked")
    if coding is not None and length is not None:
        return _malformed("Content-Length and Transfer-Encoding exclude each other")
    if length is not None and not length.isdigit():
        return _malformed("Content-Length must be digits")
    if method != "POST" and (coding is not None or length not in (None, b"0")):
        return _malformed("only POST may carry a body")
    return None


def _check_content(method: str, headers: dict[bytes, bytes], forms: bool) -> Refuse | None:
    coding = headers.get(b"content-encoding")
    if coding is not None and coding.lower() != b"identity":
        return Refuse(Code.MEDIA_TYPE_UNSUPPORTED, detail="the body may not be compressed")
    if method != "POST":
        return None
    kind = headers.get(b"content-type", b"").lower()
    if kind not in _JSON and not (forms and kind in _FORM):
        return Refuse(Code.MEDIA_TYPE_UNSUPPORTED, detail="Content-Type must be application/json, in UTF-8")
    return None


def _has_port(name: str) -> bool:
    return ":" in name.rpartition("]")[2]


def _malformed(detail: str) -> Refuse:
    return Refuse(Code.REQUEST_MALFORMED, detail=detail)
