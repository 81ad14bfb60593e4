"""libmodsecurity by its C interface: a request in, the numbers of the rules that fired out. Runs within a worker only.

The library is loaded from a file, so the wheel's and Debian's are the same to us. Its log lines are read for one thing: a
rule's number right after the file it came from; that file lies in a directory with a random name, so no request can
write such a line. XML is never handed to it unless the rules themselves ask.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

_HANDLE, _TEXT, _SIZE, _INT = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int
_LOG = ctypes.CFUNCTYPE(None, _HANDLE, _TEXT)
_FUNCTIONS: dict[str, tuple[type | None, list[type]]] = {
    "msc_init": (_HANDLE, []),
    "msc_set_log_cb": (None, [_HANDLE, _HANDLE]),
    "msc_create_rules_set": (_HANDLE, []),
    "msc_rules_add_file": (_INT, [_HANDLE, _TEXT, _HANDLE]),
    "msc_rules_cleanup": (_INT, [_HANDLE]),
    "msc_new_transaction": (_HANDLE, [_HANDLE, _HANDLE, _HANDLE]),
    "msc_process_connection": (_INT, [_HANDLE, _TEXT, _INT, _TEXT, _INT]),
    "msc_process_uri": (_INT, [_HANDLE, _TEXT, _TEXT, _TEXT]),
    "msc_add_n_request_header": (_INT, [_HANDLE, _TEXT, _SIZE, _TEXT, _SIZE]),
    "msc_process_request_headers": (_INT, [_HANDLE]),
    "msc_append_request_body": (_INT, [_HANDLE, _TEXT, _SIZE]),
    "msc_process_request_body": (_INT, [_HANDLE]),
    "msc_add_n_response_header": (_INT, [_HANDLE, _TEXT, _SIZE, _TEXT, _SIZE]),
    "msc_process_response_headers": (_INT, [_HANDLE, _INT, _TEXT]),
    "msc_append_response_body": (_INT, [_HANDLE, _TEXT, _SIZE]),
    "msc_process_response_body": (_INT, [_HANDLE]),
    "msc_process_logging": (_INT, [_HANDLE]),
    "msc_transaction_cleanup": (None, [_HANDLE]),
}

Headers = Sequence[tuple[bytes, bytes]]


class EngineMissing(Exception):
    """No library, or not one that has what we call."""


class RulesRefused(Exception):
    """The library does not take the rules; the message is its own."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the rules look at, as bytes. The version is `1.1`; a reply is looked at only where there is one."""

    method: bytes = b"POST"
    uri: bytes = b"/"
    version: bytes = b"1.1"
    headers: Headers = ()
    body: bytes = b""
    status: int = 0
    reply_headers: Headers = ()
    reply: bytes = field(default=b"", repr=False)


def library() -> str:
    """Where libmodsecurity is: in its wheel, else among the system's libraries. Raises `EngineMissing`."""
    wheel = find_spec("libmodsecurity")
    if wheel is not None and wheel.origin is not None:
        beside = Path(wheel.origin).parent.parent / "libmodsecurity.libs"
        for file in sorted(beside.glob("libmodsecurity-*.so*")):
            return str(file)
    found = ctypes.util.find_library("modsecurity")
    if found is None:
        raise EngineMissing("libmodsecurity is neither installed as a wheel nor by the system")
    return found


class Engine:
    """The library at work, with any number of rule sets."""

    def __init__(self, path: str) -> None:
        try:
            self._lib = ctypes.CDLL(path)
            for name, (result, arguments) in _FUNCTIONS.items():
                function = getattr(self._lib, name)
                function.restype, function.argtypes = result, arguments
        except (OSError, AttributeError) as error:
            raise EngineMissing(f"{path}: {error}") from error
        self._lines: list[bytes] = []
        self._note = _LOG(lambda _, line: self._lines.append(line))  # kept: the library calls it as long as it lives
        self._handle = self._lib.msc_init()
        self._lib.msc_set_log_cb(self._handle, ctypes.cast(self._note, _HANDLE))

    def rules(self, files: Sequence[Path]) -> Rules:
        """These files, in order, as one set. Raises `RulesRefused`."""
        handle = self._lib.msc_create_rules_set()
        for file in files:
            said = _TEXT()
            if self._lib.msc_rules_add_file(handle, bytes(file), ctypes.byref(said)) < 0:
                reason = (said.value or b"no reason given").decode("utf-8", "replace").strip()
                self._lib.msc_rules_cleanup(handle)
                raise RulesRefused(f"{file.name}: {reason}")
        return Rules(self, handle, _reader(files))

    def look(self, rules: int, request: Request) -> list[bytes]:
        """The log lines of one request."""
        self._lines.clear()
        lib = self._lib
        one = lib.msc_new_transaction(self._handle, rules, None)
        try:
            lib.msc_process_connection(one, b"127.0.0.1", 1, b"127.0.0.1", 80)
            lib.msc_process_uri(one, request.uri, request.method, request.version)
            for name, value in request.headers:
                lib.msc_add_n_request_header(one, name, len(name), value, len(value))
            lib.msc_process_request_headers(one)
            lib.msc_append_request_body(one, request.body, len(request.body))
            lib.msc_process_request_body(one)
            if request.status:
                self._reply(one, request)
            lib.msc_process_logging(one)
        finally:
            lib.msc_transaction_cleanup(one)
        return self._lines

    def _reply(self, one: int, request: Request) -> None:
        for name, value in request.reply_headers:
            self._lib.msc_add_n_response_header(one, name, len(name), value, len(value))
        self._lib.msc_process_response_headers(one, request.status, b"HTTP/1.1")
        self._lib.msc_append_response_body(one, request.reply, len(request.reply))
        self._lib.msc_process_response_body(one)

    def forget(self, rules: int) -> None:
        self._lib.msc_rules_cleanup(rules)


@dataclass(slots=True)
class Rules:
    """A set of rules, loaded."""

    _engine: Engine
    _handle: int
    _reads: re.Pattern[bytes]

    def fired(self, request: Request) -> list[int]:
        """The numbers of the rules that fired, each once, in order."""
        lines = self._engine.look(self._handle, request)
        found = (match for line in lines for match in self._reads.finditer(line))
        return list(dict.fromkeys(int(match[1]) for match in found))

    def free(self) -> None:
        self._engine.forget(self._handle)


def _reader(files: Sequence[Path]) -> re.Pattern[bytes]:
    places = sorted({bytes(file.parent) for file in files})
    return re.compile(
        rb'\[file "(?:' + b"|".join(map(re.escape, places)) + rb')/[^"]+"\] \[line "\d+"\] \[id "(\d+)"\]'
    )
