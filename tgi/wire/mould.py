"""The bytes around the text of a stream's usual chunk, from which the next can be read without reading it all.

A backend's chunks differ in their text alone, for a second or for ever. What stands around it is learnt from one chunk and
proved by reading it again with another text in its place; a chunk that differs anywhere else is read in full.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

from gateway.core.errors import BackendNonsense
from gateway.core.reply import Channel, Delta, Event

MOST_MOULDS = (
    64  # of one stream, unless they are of use: a backend that counts in every chunk has nothing to learn from
)
_PROBE = "probe"
_new = tuple.__new__  # a named tuple's own constructor is one call more, for every token

Read = Callable[[bytes], list[Event]]


class Mould:
    """One chunk's head and tail, to the quotes of its text."""

    __slots__ = ("_channel", "_head", "_size", "_tail")

    def __init__(self, channel: Channel, head: bytes, tail: bytes) -> None:
        self._channel, self._head, self._tail = channel, head, tail
        self._size = len(head) + len(tail)

    def read(self, payload: bytes) -> Delta | None:
        """More of the same channel, or None for a chunk that is not all the same but for its text."""
        if len(payload) <= self._size or not payload.startswith(self._head) or not payload.endswith(self._tail):
            return None
        try:
            text = orjson.loads(payload[len(self._head) - 1 : len(payload) - len(self._tail) + 1])
        except orjson.JSONDecodeError:
            return None
        return _new(Delta, (self._channel, text, ())) if type(text) is str and text else None


def mould(payload: bytes, told: Delta, read: Read) -> Mould | None:
    """What a usual chunk teaches: None where its text is not found just once, or is not what makes the difference."""
    spelt = orjson.dumps(told.text)
    head, found, tail = payload.partition(spelt)
    if not found or spelt in tail:
        return None
    try:
        proved = read(head + orjson.dumps(_PROBE) + tail) == [Delta(told.channel, _PROBE)]
    except BackendNonsense:  # what spells the text stands across the bounds of something else
        return None
    if not proved:
        return None
    return Mould(told.channel, head + b'"', b'"' + tail)
