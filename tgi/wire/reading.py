"""Backend bytes → events: what every reply has in common. Each route's own JSON is read in `read_generate` and `read_openai`.

What is not known is not read: a field nobody names here reaches no client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import orjson

from gateway.core.errors import BackendNonsense
from gateway.core.reply import Channel, Delta, Event, Facts, Kind
from tgi.sse import Splitter
from tgi.wire.failures import failure_in
from tgi.wire.mould import MOST_MOULDS, Mould, mould

MAX_REPLY_BYTES = 16 << 20  # a whole reply: the longest context's text with a token list beside it, best of two
_DONE = b"[DONE]"
_OBJECTS = frozenset((dict,))


class Frames(Protocol):
    """Reads one route's JSON values. `read` takes each as it comes; `finish` says what is left, or that it was cut off.

    `done` says that the backend ended the reply itself: a stream with `[DONE]`, or a whole reply. `usual` is the channel of
    which the value just read was more, where it was nothing else and reading the same again would change nothing.
    """

    @property
    def usual(self) -> Channel | None: ...

    def read(self, value: dict[str, object]) -> list[Event]: ...

    def finish(self, *, done: bool) -> list[Event]: ...


class WithoutReasoning:
    """Another's frames, less what the model only thought: nobody will see it, so nobody reads it."""

    __slots__ = ("_frames",)

    def __init__(self, frames: Frames) -> None:
        self._frames = frames

    @property
    def usual(self) -> Channel | None:
        return self._frames.usual

    def read(self, value: dict[str, object]) -> list[Event]:
        return [event for event in self._frames.read(value) if not _is_reasoning(event)]

    def finish(self, *, done: bool) -> list[Event]:
        return self._frames.finish(done=done)


def _is_reasoning(event: Event) -> bool:
    return isinstance(event, Delta) and event.channel.kind is Kind.REASONING


class StreamReading:
    """A reply of server-sent events."""

    __slots__ = ("_done", "_frames", "_mould", "_moulds", "_splitter")

    def __init__(self, frames: Frames) -> None:
        self._splitter = Splitter()
        self._frames = frames
        self._done = False
        self._mould: Mould | None = None  # of the chunk before, where that was a usual one
        self._moulds = 0

    def feed(self, data: bytes) -> list[Event]:
        payloads = self._splitter.feed(data)
        if len(payloads) == 1 and self._mould is not None and (more := self._mould.read(payloads[0])) is not None:
            return [more]  # nearly every read of a stream
        return self._read(payloads)

    def finish(self) -> list[Event]:
        return self._read(self._splitter.finish()) + self._frames.finish(done=self._done)

    def _read(self, payloads: list[bytes]) -> list[Event]:
        events: list[Event] = []
        for payload in payloads:
            if self._mould is not None and (more := self._mould.read(payload)) is not None:
                events.append(more)
            elif payload == _DONE:
                self._done, self._mould = True, None
            elif self._done:
                raise BackendNonsense("it went on after [DONE]", "event stream")
            else:
                events += self._one(payload)
        return events

    def _one(self, payload: bytes) -> list[Event]:
        events = self._in_full(payload)
        self._mould = None
        if self._frames.usual is not None and self._moulds < MOST_MOULDS:
            self._moulds += 1
            self._mould = mould(payload, events[0], self._in_full)  # type: ignore[arg-type]  # what `usual` promises
        return events

    def _in_full(self, payload: bytes) -> list[Event]:
        value = json_object(payload)
        if "error" in value and (failure := failure_in(value)) is not None:
            return [failure]
        return self._frames.read(value)


class WholeReading:
    """A reply that is one JSON value: nothing comes out before the end. `read` makes its events."""

    __slots__ = ("_parts", "_read", "_size")

    def __init__(self, read: Callable[[bytes], list[Event]]) -> None:
        self._read = read
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[Event]:
        self._size += len(data)
        if self._size > MAX_REPLY_BYTES:
            raise BackendNonsense(f"a reply of more than {MAX_REPLY_BYTES} bytes", "reply")
        self._parts.append(data)
        return []

    def finish(self) -> list[Event]:
        return self._read(b"".join(self._parts))


def whole(frames: Frames) -> WholeReading:
    """A reply that is one JSON object, read by the route's frames."""

    def read(body: bytes) -> list[Event]:
        value = json_object(body)
        if "error" in value and (failure := failure_in(value)) is not None:
            return [failure]
        return frames.read(value) + frames.finish(done=True)

    return WholeReading(read)


def facts(known: Callable[[object], object]) -> WholeReading:
    """A reply that is not text of the model; `known` keeps the fields we know."""

    def read(body: bytes) -> list[Event]:
        value = json_value(body)
        if isinstance(value, dict) and (failure := failure_in(value)) is not None:
            return [failure]
        return [Facts(known(value))]

    return WholeReading(read)


def silence(body: bytes) -> list[Event]:
    """A healthy backend says nothing that matters beyond its status."""
    return [Facts(None)]


def json_value(data: bytes) -> object:
    try:
        value: object = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise nonsense("something that is not JSON") from error
    return value


def json_object(data: bytes) -> dict[str, object]:
    try:
        value: object = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise nonsense("something that is not JSON") from error
    if type(value) is not dict:
        raise nonsense("JSON that is not an object")
    return value


def nonsense(what: str) -> BackendNonsense:
    """An error to raise. `what` is our own words: a backend's never reach a message."""
    return BackendNonsense(f"it sent {what}", "reply", "is the backend's kind right in gateway.toml?")


def text_of(value: Mapping[str, object], key: str) -> str:
    """A string field; absent or null is empty."""
    text = value.get(key)
    if text is None:
        return ""
    if type(text) is not str:
        raise nonsense(f"a {key} that is not a string")
    return text


def count_of(value: Mapping[str, object], key: str) -> int | None:
    """A count; None where it is absent or null."""
    number = value.get(key)
    if number is None:
        return None
    if type(number) is not int or number < 0:
        raise nonsense(f"a {key} that is not a count")
    return number


def number_of(value: Mapping[str, object], key: str) -> float | None:
    number = value.get(key)
    if number is None:
        return None
    if type(number) is not float and type(number) is not int:
        raise nonsense(f"a {key} that is not a number")
    return float(number)


def objects_of(value: Mapping[str, object], key: str) -> list[dict[str, object]]:
    """A list of objects; absent or null is empty."""
    items = value.get(key)
    if items is None:
        return []
    if type(items) is not list or not _OBJECTS.issuperset(map(type, items)):
        raise nonsense(f"a {key} that is not a list of objects")
    return items


def object_of(value: Mapping[str, object], key: str) -> dict[str, object]:
    """An object; absent or null is empty."""
    item = value.get(key)
    if item is None:
        return {}
    if type(item) is not dict:
        raise nonsense(f"a {key} that is not an object")
    return item
