"""A stream's usual chunks, read by what is the same in them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core.errors import BackendNonsense
from gateway.core.reply import Channel, Delta, Event, Finished
from tgi.wire.mould import mould
from tgi.wire.read_openai import OpenAIFrames
from tgi.wire.reading import StreamReading, json_object
from tgi.wire.thinking import Thinking

TEXTS = st.text(alphabet=st.sampled_from('ab"\\\n/函\U0001f600\u2028}{,:'), max_size=6) | st.sampled_from(
    [
        "model",
        "probe",
        ":",
        ",",
        "index",
        "finish_reason",
        "choices",
        '"',
        '"}',
        "<think>",
        "</think>",
        "assistant",
        "content",
    ]
)
ODD = st.sampled_from(
    [{}, {}, {}, {}, {"finish_reason": "stop"}, {"logprobs": {"content": []}}, {"index": 1}, {"text": "a"}]
)


def chunk(text: str, odd: dict[str, Any], created: int, escaped: bool) -> bytes:
    choice = {
        "index": 0,
        "delta": {"role": "assistant", "content": text},
        "logprobs": None,
        "finish_reason": None,
    } | odd
    value = {"object": "chat.completion.chunk", "created": created, "model": "model", "choices": [choice]}
    data = orjson.dumps(value)
    return (
        data.decode().encode("ascii", "backslashreplace").replace(b"\\U0001f600", b"\\ud83d\\ude00")
        if escaped
        else data
    )


CHUNKS = st.lists(st.builds(chunk, TEXTS, ODD, st.integers(0, 2), st.booleans()), min_size=1, max_size=12)


def in_full(payloads: list[bytes]) -> list[Event] | str:
    frames, events = OpenAIFrames(Thinking.TAGGED, 2), list[Event]()
    try:
        for payload in payloads:
            events += frames.read(json_object(payload))
    except BackendNonsense as error:
        return str(error)
    return events


def as_a_stream(payloads: list[bytes]) -> list[Event] | str:
    reading, events = StreamReading(OpenAIFrames(Thinking.TAGGED, 2)), list[Event]()
    try:
        for payload in payloads:
            events += reading.feed(b"data: " + payload + b"\n\n")
    except BackendNonsense as error:
        return str(error)
    return events


@given(CHUNKS)
@example([chunk("a", {}, 0, False)] * 3)
@example([chunk(":", {}, 0, False)] * 2)
@example([chunk("a", {}, 0, False), chunk("model", {}, 0, False), chunk("b", {}, 0, False)])
@example([chunk("a", {}, 0, False), chunk('"', {}, 0, True), chunk('b","x":"', {}, 0, False)])
def test_chunks_are_read_as_if_each_were_read_in_full(payloads: list[bytes]) -> None:
    assert as_a_stream(payloads) == in_full(payloads)


@pytest.mark.parametrize("tail", [b'","finish_reason":"stop"}]}', b'"}}],"x":"y', b'"\xff', b"", b'" "'])
def test_what_only_begins_like_the_usual_chunk_is_not_taken_for_it(tail: bytes) -> None:
    usual = b'{"choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":null}]}'
    channel = Channel()
    learnt = mould(usual, Delta(channel, "hello"), lambda data: [Delta(channel, json_object(data)["choices"][0]["delta"]["content"])])  # type: ignore[index]  # fmt: skip
    assert learnt is not None
    assert learnt.read(usual.replace(b"hello", b"more")) == Delta(channel, "more")
    assert learnt.read(usual.replace(b'hello"', b"more" + tail)) is None


def test_a_text_that_makes_no_difference_teaches_nothing() -> None:
    payload = b'{"a":"hello","content":"\\u0068ello"}'
    assert mould(payload, Delta(Channel(), "hello"), lambda data: [Delta(Channel(), json_object(data)["content"])]) is None  # type: ignore[arg-type]  # fmt: skip


def test_a_chunk_after_the_last_is_still_nonsense() -> None:
    reading = StreamReading(OpenAIFrames(Thinking.NEVER))
    more = b"data: " + chunk("a", {}, 0, False) + b"\n\n"
    assert [reading.feed(more) for _ in range(3)][-1] == [Delta(Channel(), "a")]
    assert reading.feed(b"data: " + chunk("", {"finish_reason": "stop"}, 0, False) + b"\n\n") == [Finished(0, "stop")]
    with pytest.raises(BackendNonsense):
        reading.feed(more)
    with pytest.raises(BackendNonsense):
        reading.feed(b"data: [DONE]\n\n" + more)
