"""The process libmodsecurity lives in: rule sets and requests in, rule numbers out. Run as `python -m gateway.detect.crs.worker`.

A crash, a leak or a pattern without end is this process's own; the asker ends it when its time is up.
"""

from __future__ import annotations

import base64
import resource
import sys
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from gateway.detect import piped
from gateway.detect.crs.engine import Engine, EngineMissing, Request, Rules, RulesRefused

MAX_MEMORY = 1 << 30  # bytes of address space: some 100 MB are used; over it this process dies, not the gateway
SETS = 3  # rule sets kept: the one in force, the one before, and one being tried


class Shelf:
    """Rule sets by key; the one not used for longest goes first."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sets: OrderedDict[str, Rules] = OrderedDict()

    def load(self, key: str, files: Sequence[str]) -> None:
        if key not in self._sets:
            self._sets[key] = self._engine.rules([Path(file) for file in files])
            while len(self._sets) > SETS:
                self._sets.popitem(last=False)[1].free()

    def fired(self, key: str, requests: Sequence[Request]) -> list[list[int]]:
        self._sets.move_to_end(key)
        rules = self._sets[key]
        return [rules.fired(request) for request in requests]


def answer(shelf: Shelf, message: bytes) -> bytes:
    """`{"load": key, "files": […]}` → `{}` or `{"refused": why}`; `{"ask": key, "requests": […]}` → `{"fired": [[id, …], …]}`."""
    asked = orjson.loads(message)
    if "load" in asked:
        try:
            shelf.load(asked["load"], asked["files"])
        except RulesRefused as refused:
            return orjson.dumps({"refused": str(refused)})
        return b"{}"
    return orjson.dumps({"fired": shelf.fired(asked["ask"], [unpacked(one) for one in asked["requests"]])})


def packed(request: Request) -> list[Any]:
    """A request as JSON can carry it: bytes in base64."""
    return [
        _text(request.method),
        _text(request.uri),
        _text(request.version),
        _pairs(request.headers),
        _text(request.body),
        request.status,
        _pairs(request.reply_headers),
        _text(request.reply),
    ]


def unpacked(one: Sequence[Any]) -> Request:
    method, uri, version, headers, body, status, reply_headers, reply = one
    return Request(
        _bytes(method),
        _bytes(uri),
        _bytes(version),
        [(_bytes(name), _bytes(value)) for name, value in headers],
        _bytes(body),
        status,
        [(_bytes(name), _bytes(value)) for name, value in reply_headers],
        _bytes(reply),
    )


def _pairs(headers: Sequence[tuple[bytes, bytes]]) -> list[list[str]]:
    return [[_text(name), _text(value)] for name, value in headers]


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


def serve(source: BinaryIO, target: BinaryIO, library: str) -> None:
    """Answers until the asker goes away. Whatever fails ends the process: the asker sees it and shuts."""
    try:
        shelf = Shelf(Engine(library))
    except EngineMissing as missing:
        piped.write(target, orjson.dumps({"refused": str(missing)}))
        return
    piped.write(target, b"{}")
    while (message := piped.read(source)) is not None:
        piped.write(target, answer(shelf, message))


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    target = sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints must not look like an answer
    serve(sys.stdin.buffer, target, sys.argv[1])


if __name__ == "__main__":
    main()
