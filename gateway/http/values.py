"""Which header values are no plain word: those the attack stage looks at. A pure function; it judges nothing itself.

No header is sent on to a backend. They are looked at all the same: a caller that sends attacks in them is attacking, and
whatever reads a header one day will find it judged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from aiohttp.web import BaseRequest

from gateway.core.exchange import Kind, Passage

RawHeaders = Sequence[tuple[bytes, bytes]]

_PLAIN = re.compile(rb"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")  # numbers, versions, ids, words
_JUDGED = frozenset(  # by `strict`, letter by letter; and the token, by whoever checks its signature
    (
        b"authorization",
        b"connection",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"expect",
        b"host",
        b"transfer-encoding",
    )
)


def unproved(request: BaseRequest) -> tuple[Passage, ...]:
    """The values that are more than a plain word, as passages called `headers.<name>`."""
    return of(request.raw_headers)


def of(headers: RawHeaders) -> tuple[Passage, ...]:
    return tuple([passage for header in headers if (passage := _passage(header)) is not None])


@lru_cache(maxsize=2048)  # clients send the same lines all day
def _passage(header: tuple[bytes, bytes]) -> Passage | None:
    name, value = header[0].lower(), header[1]
    if name in _JUDGED or not value or _PLAIN.fullmatch(value):
        return None
    return Passage(f"headers.{name.decode('latin-1')}", "header", _text(value), Kind.IDENTIFIER)


def _text(value: bytes) -> str:
    """UTF-8 where it is, else each byte for itself, as older programs mean it."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
