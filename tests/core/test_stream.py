"""Reply text never leaves uninspected, and how it was cut never shows."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.reply import Channel, Delta, Event, Failed, Finished, Kind, Token, ToolCall, Usage
from gateway.core.stage import Piece, Transform
from gateway.core.stream import Chain, Inspection, drive
from gateway.core.verdict import Code, Finding


class Upper:
    """Holds the last character back, so that something is always pending."""

    def __init__(self) -> None:
        self.held = ""

    def feed(self, text: str) -> Piece:
        whole = self.held + text
        self.held = whole[-1:]
        return Piece(whole[:-1].upper())

    def finish(self) -> Piece:
        held, self.held = self.held, ""
        return Piece(held.upper())


class Marks:
    """Puts a mark after every third character."""

    def __init__(self) -> None:
        self.count = 0

    def feed(self, text: str) -> Piece:
        out = ""
        for character in text:
            self.count += 1
            out += character + ("*" if self.count % 3 == 0 else "")
        return Piece(out)

    def finish(self) -> Piece:
        return Piece("!")


class StopsAt:
    """Refuses once it has seen a character."""

    def __init__(self, character: str) -> None:
        self.character = character

    def feed(self, text: str) -> Piece:
        before, found, _ = text.partition(self.character)
        if found:
            return Piece(before, (Finding("output", "stop", "content"),), Code.OUTPUT_BLOCKED)
        return Piece(text)

    def finish(self) -> Piece:
        return Piece()


class Breaks:
    def __init__(self, when: str) -> None:
        self.when = when

    def feed(self, text: str) -> Piece:
        if self.when == "feed":
            raise RuntimeError("the detector is gone")
        return Piece(text)

    def finish(self) -> Piece:
        raise RuntimeError("the detector is gone")


CONTENT = Channel()


def inspection(*transforms: Transform, tools: Iterable[str] = ()) -> Inspection:
    made = {"used": False}

    def chain(channel: Channel) -> Chain:
        assert not made["used"] or not transforms, "one text, one chain"
        made["used"] = True
        return Chain(transforms)

    return Inspection(chain, tuple(tools))


def text_of(events: Iterable[Event], channel: Channel = CONTENT) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta) and event.channel == channel)


@st.composite
def cut_texts(draw: st.DrawFn) -> tuple[str, list[str]]:
    text = draw(st.text(max_size=60))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=20)))
    edges = [0, *cuts, len(text)]
    return text, [text[a:b] for a, b in itertools.pairwise(edges)]


@given(cut_texts())
def test_a_chain_gives_the_same_text_however_it_was_cut(case: tuple[str, list[str]]) -> None:
    text, pieces = case
    whole, cut = Chain([Upper(), Marks()]), Chain([Upper(), Marks()])
    expected = whole.feed(text).text + whole.finish().text
    assert "".join(cut.feed(piece).text for piece in pieces) + cut.finish().text == expected


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.text(max_size=8)), max_size=30))
def test_interleaved_channels_do_not_disturb_each_other(steps: list[tuple[str, str]]) -> None:
    channels = {"a": Channel(0), "b": Channel(1), "c": Channel(0, Kind.ARGUMENTS, 1)}
    seen = Inspection(lambda channel: Chain([Upper(), Marks()]))
    out = seen.feed(Delta(channels[name], text) for name, text in steps) + seen.finish()
    for name, channel in channels.items():
        joined = "".join(text for which, text in steps if which == name)
        alone = Chain([Upper(), Marks()])
        touched = any(which == name for which, _ in steps)
        assert text_of(out, channel) == (alone.feed(joined).text + alone.finish().text if touched else "")


@pytest.mark.parametrize("together", [True, False])
def test_held_text_leaves_before_its_choice_is_finished(together: bool) -> None:
    seen = inspection(Upper())
    delta, finished = Delta(CONTENT, "abc"), Finished(0, "stop")
    out = seen.feed([delta, finished]) if together else seen.feed([delta]) + seen.feed([finished])
    assert out[-1] == finished
    assert text_of(out) == "ABC"


@given(st.text(max_size=8), st.text(max_size=8))
def test_last_words_that_come_with_the_end_leave_as_those_that_come_before_it(text: str, last: str) -> None:
    events: list[Event] = [Delta(CONTENT, text), Delta(CONTENT, last), Finished(0, "stop")]
    whole = Inspection(lambda channel: Chain([Upper(), Marks()]))
    single = Inspection(lambda channel: Chain([Upper(), Marks()]))
    assert text_of(whole.feed(events)) == text_of(one for event in events for one in single.feed([event]))
    assert whole.released == single.released


def test_reasoning_is_flushed_when_the_answer_begins() -> None:
    thinking = Channel(0, Kind.REASONING)
    seen = Inspection(lambda channel: Chain([Upper()]))
    out = seen.feed([Delta(thinking, "hm"), Delta(CONTENT, "yes")])
    assert text_of(out, thinking) == "HM"
    assert [event.channel for event in out if isinstance(event, Delta)] == [thinking, thinking, CONTENT]


def test_a_refusal_at_the_end_of_the_reasoning_stops_the_answer() -> None:
    thinking = Channel(0, Kind.REASONING)
    seen = Inspection(lambda channel: Chain([Upper(), StopsAt("M")] if channel == thinking else [Upper()]))
    out = seen.feed([Delta(thinking, "hm"), Delta(CONTENT, "yes"), Finished(0, "stop")])
    assert (text_of(out, thinking), text_of(out)) == ("H", "")
    assert seen.refusal is Code.OUTPUT_BLOCKED


def test_after_a_refusal_nothing_more_comes_out() -> None:
    seen = inspection(StopsAt("x"))
    out = seen.feed([Delta(CONTENT, "ab"), Delta(CONTENT, "cxd"), Delta(CONTENT, "e"), Finished(0, "stop")])
    assert text_of(out) == "ab"
    assert seen.refusal is Code.OUTPUT_BLOCKED
    assert [finding.rule for finding in seen.findings] == ["stop"]
    assert seen.feed([Delta(CONTENT, "f")]) == []
    assert seen.finish() == []


@pytest.mark.parametrize("when", ["feed", "finish"])
def test_a_transform_that_raises_stops_the_text(when: str) -> None:
    seen = inspection(Breaks(when))
    out = [*seen.feed([Delta(CONTENT, "13800138000")]), *seen.finish()]
    assert seen.refusal is Code.STAGE_FAILED
    assert "RuntimeError" in seen.fault
    assert text_of(out) == ("" if when == "feed" else "13800138000")


def test_a_tool_that_was_not_declared_is_refused() -> None:
    seen = inspection(tools=["search"])
    out = seen.feed([ToolCall(0, 0, "0", "search"), ToolCall(0, 1, "1", "delete_all")])
    assert [event.name for event in out if isinstance(event, ToolCall)] == ["search"]
    assert seen.refusal is Code.TOOL_UNDECLARED


def test_a_backends_failure_ends_the_reply() -> None:
    seen = inspection(Upper())
    seen.feed([Delta(CONTENT, "ab"), Failed(Code.BACKEND_OVERLOADED, "full")])
    assert (seen.refusal, seen.detail) == (Code.BACKEND_OVERLOADED, "full")


def test_usage_is_noted_and_passed_on() -> None:
    seen = inspection()
    assert seen.feed([Usage(3, 4)]) == [Usage(3, 4)]
    assert seen.usage == Usage(3, 4)


class TestTokens:
    """Token ids and probabilities are told only beside text that went through unchanged."""

    tokens = (Token(1, "he", -0.1), Token(2, "llo", -0.2))

    def test_unchanged_text_keeps_its_tokens(self) -> None:
        out = inspection().feed([Delta(CONTENT, "hello", self.tokens)])
        assert out == [Delta(CONTENT, "hello", self.tokens)]

    def test_changed_text_loses_them_for_good(self) -> None:
        seen = inspection(Marks())
        out = seen.feed([Delta(CONTENT, "hello", self.tokens), Delta(CONTENT, "a", (Token(3, "a"),))])
        assert [event.tokens for event in out if isinstance(event, Delta)] == [(), ()]

    def test_held_text_brings_its_tokens_when_it_leaves(self) -> None:
        class Holds:
            def __init__(self) -> None:
                self.held = ""

            def feed(self, text: str) -> Piece:
                self.held += text
                return Piece()

            def finish(self) -> Piece:
                return Piece(self.held)

        seen = inspection(Holds())
        out = seen.feed([Delta(CONTENT, t.text, (t,)) for t in self.tokens]) + seen.finish()
        assert out == [Delta(CONTENT, "hello", self.tokens)]


class Lines:
    """A wire of lines: each one a delta."""

    content_type = "text/plain"

    def feed(self, data: bytes) -> list[Event]:
        return [Delta(CONTENT, data.decode())]

    def finish(self) -> list[Event]:
        return [Finished(0, "stop")]

    def write(self, events: Iterable[Event]) -> bytes:
        return "".join(event.text if isinstance(event, Delta) else "." for event in events).encode()


async def sent(source: AsyncIterator[bytes], wire: Lines, seen: Inspection) -> list[bytes]:
    out: list[bytes] = []

    async def send(data: bytes) -> None:
        out.append(data)

    await drive(source, wire, seen, wire, send)  # type: ignore[arg-type]
    return out


async def test_drive_reads_inspects_and_writes_to_the_end() -> None:
    async def source() -> AsyncIterator[bytes]:
        for part in (b"ab", b"cd"):
            yield part

    wire = Lines()
    out = await sent(source(), wire, inspection(Upper()))
    assert b"".join(out) == b"ABCD."


async def test_drive_stops_reading_the_backend_after_a_refusal() -> None:
    asked: list[bytes] = []

    async def source() -> AsyncIterator[bytes]:
        for part in (b"ab", b"x", b"never"):
            asked.append(part)
            yield part

    wire = Lines()
    seen = inspection(StopsAt("x"))
    out = await sent(source(), wire, seen)
    assert (out, asked, seen.refusal) == ([b"ab"], [b"ab", b"x"], Code.OUTPUT_BLOCKED)
