"""The law of event streams: the payloads depend on the joined bytes alone, never on how they were cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.errors import BackendNonsense
from tgi.sse import Splitter

LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
LINES = st.sampled_from(
    [
        *(b"data: a", b"data:a", b"data:  a", b"data", b"data:", b":", b": alive", b"event: x", b"id: 1", b"retry: 5"),
        *("data: 函谷关".encode(), b'data: {"a":"\xf0\x9f\x90\x8e"}', b"data: [DONE]"),
    ]
)
STREAMS = st.lists(st.tuples(LINES | st.just(b""), LINE_ENDS), max_size=12).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


def split(*pieces: bytes, limit: int = 1 << 20) -> list[bytes]:
    splitter = Splitter(limit)
    return [payload for piece in pieces for payload in splitter.feed(piece)] + splitter.finish()


def specified(stream: bytes) -> list[bytes]:
    """Straight from the specification, over the whole text at once, with what the end cut off handed on."""
    lines = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    events: list[bytes] = []
    data: list[bytes] = []
    for line in [*lines, b""]:
        if not line and data:
            events.append(b"\n".join(data))
            data = []
        elif line == b"data" or line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
    return events


@given(STREAMS)
@settings(max_examples=300, deadline=None)
def test_every_cut_at_every_byte_gives_what_the_specification_gives(stream: bytes) -> None:
    whole = specified(stream)
    assert split(stream) == whole
    assert split(*[stream[i : i + 1] for i in range(len(stream))]) == whole
    for at in range(len(stream) + 1):
        assert split(stream[:at], stream[at:]) == whole


@given(st.binary(max_size=64), st.lists(st.integers(0, 64), max_size=4))
@settings(max_examples=300, deadline=None)
def test_any_bytes_at_all_give_payloads_or_nonsense(stream: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(places)]
    assert _tried(*pieces) == _tried(stream)


def _tried(*pieces: bytes) -> list[bytes] | str:
    try:
        return split(*pieces)
    except BackendNonsense:
        return "nonsense"


@pytest.mark.parametrize(
    ("stream", "payloads"),
    [
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b":\n\n:\n\ndata: a\n\n", [b"a"]),
        (b"event: x\n\n", []),
        (b"data: cut", [b"cut"]),
        (b"", []),
    ],
)
def test_events_are_read_as_specified(stream: bytes, payloads: list[bytes]) -> None:
    assert split(stream) == payloads


@pytest.mark.parametrize("stream", [b"<html>\n\n", b"\xef\xbb\xbfdata: a\n\n", b'{"error":"x"}', b"DATA: a\n\n"])
def test_a_line_that_is_no_field_is_nonsense(stream: bytes) -> None:
    with pytest.raises(BackendNonsense):
        split(stream)


def test_an_event_has_a_limit_however_it_comes() -> None:
    fits = b"data: " + b"a" * 10 + b"\n\n"
    assert split(*[fits[i : i + 1] for i in range(len(fits))], limit=16) == [b"a" * 10]
    for pieces in ([b"data: " + b"a" * 11 + b"\n\n"], [b"data: ", b"a" * 11, b"\n\n"], [b"data: " + b"a" * 12]):
        with pytest.raises(BackendNonsense):
            split(*pieces, limit=16)


def test_comments_without_end_take_no_room() -> None:
    splitter = Splitter(limit=64)
    assert all(splitter.feed(b":\n\n") == [] for _ in range(1000))
    assert splitter.feed(b"data: a\n\n") == [b"a"]
