"""Server-sent events: bytes → the data of each event, however the bytes are cut. Knows nothing of what the data says.

After the WHATWG specification (HTML, "server-sent events"), but strict where a model's server has no cause to be odd: a field
nobody knows is nonsense rather than ignored, and an event cut off by the end is handed on, so that nothing is lost unseen.
"""

from __future__ import annotations

from gateway.core.errors import BackendNonsense

MAX_EVENT_BYTES = 1 << 20  # TGI's last event repeats the whole text: the longest context in UTF-8, with room to spare
_KNOWN = frozenset({b"event", b"id", b"retry"})


class Splitter:
    """Cuts a byte stream into events. Law: the payloads depend on the joined bytes alone."""

    __slots__ = ("_after_cr", "_limit", "_parts", "_size")

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._parts: list[bytes] = []  # of the event under way, line ends already `\n`
        self._size = 0
        self._after_cr = False  # the last byte was a carriage return: a line feed now belongs to it

    def feed(self, data: bytes) -> list[bytes]:
        """The data of the events that are now complete; raises `BackendNonsense`."""
        one_line = data.startswith(b"data: ") and data.find(b"\n") == len(data) - 2 == data.rfind(b"\n\n")
        if one_line and not self._parts and not self._after_cr and b"\r" not in data and len(data) <= self._limit:
            return [data[6:-2]]  # nearly all data there is: one whole event
        if self._after_cr or b"\r" in data:
            data = self._one_kind_of_line_end(data)
        if not self._ends_an_event(data):
            self._keep(data)
            return []
        *events, rest = b"".join((*self._parts, data)).split(b"\n\n")
        self._parts, self._size = [], 0
        self._keep(rest)
        return [payload for event in events if (payload := self._payload(event)) is not None]

    def finish(self) -> list[bytes]:
        """The data of an event that the end cut off, if it has any."""
        rest, self._parts, self._size = b"".join(self._parts), [], 0
        payload = self._payload(rest)
        return [] if payload is None else [payload]

    def _one_kind_of_line_end(self, data: bytes) -> bytes:
        if self._after_cr and data[:1] == b"\n":
            data = data[1:]
            self._after_cr = False
        if data:
            self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _ends_an_event(self, data: bytes) -> bool:
        across = bool(self._parts) and data[:1] == b"\n" and self._parts[-1].endswith(b"\n")
        return across or b"\n\n" in data

    def _keep(self, data: bytes) -> None:
        if data:
            self._parts.append(data)
            self._size += len(data)
            if self._size > self._limit + 1:  # one line end may already be here
                raise BackendNonsense(f"an event of more than {self._limit} bytes", "event stream")

    def _payload(self, event: bytes) -> bytes | None:
        if len(event) > self._limit:
            raise BackendNonsense(f"an event of more than {self._limit} bytes", "event stream")
        if event.startswith(b"data: ") and b"\n" not in event:  # nearly every event there is
            return event[6:]
        lines = [line for line in map(_data_of, event.split(b"\n")) if line is not None]
        return b"\n".join(lines) if lines else None


def _data_of(line: bytes) -> bytes | None:
    """What a `data` line says; None for comments, blank lines and the fields that models' servers have no use for."""
    name, _, value = line.partition(b":")
    if name == b"data":
        return value.removeprefix(b" ")
    if name and name not in _KNOWN:
        raise BackendNonsense("a line that is no field of an event", "event stream")
    return None
