"""A process on a pipe: messages of bytes out and in, each with a deadline. What they say is its owner's matter.

Each message is four bytes of length (big endian) and as many bytes. The process gets a bare environment and its errors
go nowhere: what it holds and what it says must not leak into the gateway's own.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import BinaryIO

_KEPT = ("PATH", "PYTHONPATH", "LANG", "HOME", "VIRTUAL_ENV")
MAX_MESSAGE = 64 << 20  # bytes: an answer that claims more is none


class PipeFailed(Exception):
    """The process gave no answer: `late` when its time was up, else it is gone or talks nonsense."""

    def __init__(self, *, late: bool) -> None:
        super().__init__("late" if late else "broken")
        self.late = late


class Piped:
    """One process, used by one thread at a time. Deadlines are seconds from now."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        kept = {name: value for name, value in os.environ.items() if name in _KEPT}
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=kept | dict(environment or {}),
            bufsize=0,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._to, False)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def gone(self) -> bool:
        """Has it ended?"""
        return self._process.poll() is not None

    def ask(self, message: bytes, seconds: float) -> bytes:
        """The answer, or `PipeFailed`; after that the process is of no more use."""
        until = time.monotonic() + seconds
        self._write(len(message).to_bytes(4, "big") + message, until)
        return self._read(until)

    def read(self, seconds: float) -> bytes:
        """A message that comes unasked, as a process's first word does."""
        return self._read(time.monotonic() + seconds)

    def end(self) -> None:
        """Kill the process and wait for it."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _write(self, data: bytes, until: float) -> None:
        rest = memoryview(data)
        while rest:
            if not select.select([], [self._to], [], max(0.0, until - time.monotonic()))[1]:
                raise PipeFailed(late=True)
            try:
                rest = rest[os.write(self._to, rest) :]
            except OSError as error:
                raise PipeFailed(late=False) from error

    def _read(self, until: float) -> bytes:
        size = int.from_bytes(self._exactly(4, until), "big")
        if size > MAX_MESSAGE:
            raise PipeFailed(late=False)
        return self._exactly(size, until)

    def _exactly(self, size: int, until: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            if not select.select([self._from], [], [], max(0.0, until - time.monotonic()))[0]:
                raise PipeFailed(late=True)
            piece = os.read(self._from, min(1 << 16, size - len(data)))
            if not piece:
                raise PipeFailed(late=False)
            data += piece
        return bytes(data)


def read(stream: BinaryIO) -> bytes | None:
    """The other side: one message; None when the asker has gone."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    return stream.read(int.from_bytes(head, "big"))


def write(stream: BinaryIO, message: bytes) -> None:
    stream.write(len(message).to_bytes(4, "big") + message)
    stream.flush()
