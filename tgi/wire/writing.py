"""Inspected events → client bytes: what every route has in common. Shapes live in `write_generate` and `write_openai`."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from gateway.core import told
from gateway.core.reply import Delta, Event, Facts, Kind, Usage
from gateway.core.verdict import Code
from tgi.wire.thinking import CLOSING, OPENING, Thinking

EVENT_STREAM = "text/event-stream"
JSON = "application/json"
PLAIN = "text/plain"


class Inline:
    """Puts the tags of a choice's reasoning back between its texts."""

    __slots__ = ("_opens", "_thought")

    def __init__(self, thinking: Thinking) -> None:
        self._opens = thinking is not Thinking.OPENED  # else the template has written the tag, outside of the reply
        self._thought = False

    def tag_before(self, kind: Kind) -> str:
        """The tag that belongs before a text of this kind."""
        if kind is Kind.REASONING:
            begins, self._thought = not self._thought, True
            return OPENING if begins and self._opens else ""
        ends, self._thought = self._thought and kind is Kind.CONTENT, self._thought and kind is not Kind.CONTENT
        return CLOSING if ends else ""


class FactsWriting:
    """A reply that is not text of the model."""

    __slots__ = ("_value",)

    def __init__(self) -> None:
        self._value: object = None

    @property
    def content_type(self) -> str:
        return JSON if self._value is not None else PLAIN  # nothing at all is no JSON

    def write(self, events: Iterable[Event]) -> bytes:
        for event in events:
            if isinstance(event, Facts):
                self._value = event.value
        return b""

    def finish(self) -> bytes:
        return b"" if self._value is None else orjson.dumps(self._value)

    def fail(self, code: Code, message: str, request_id: str) -> bytes:
        return tgi_error(code, message, request_id)


def tgi_error(code: Code, message: str, request_id: str) -> bytes:
    return orjson.dumps(told.tgi_error(code, message, request_id))


def openai_error(code: Code, message: str, request_id: str) -> bytes:
    return orjson.dumps(told.openai_error(code, message, request_id))


def frame(data: bytes) -> bytes:
    """One event, with the space after the colon that huggingface_hub needs."""
    return b"data: " + data + b"\n\n"


def usage_of(usage: Usage | None) -> dict[str, int]:
    prompt, completion = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def joined(deltas: Iterable[Delta], thinking: Thinking) -> str:
    """One choice's text, whole, its reasoning inline."""
    inline = Inline(thinking)
    return "".join([part for delta in deltas for part in (inline.tag_before(delta.channel.kind), delta.text)])
