"""How reply text passes its rewriters while it arrives. Sync and pure but for `drive`, the one place that waits."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Sequence
from functools import partial

from gateway.core.pipeline import fault_of
from gateway.core.ports import Reading, Writing
from gateway.core.reply import Channel, Delta, Event, Failed, Finished, Kind, Token, ToolCall, Usage
from gateway.core.stage import NOTHING, Piece, Transform
from gateway.core.verdict import Code, Finding

_new = tuple.__new__  # a named tuple's own constructor is one call more, for every token


class Chain:
    """Transforms in order, as one transform. One that raises ends the text with STAGE_FAILED: never skipped."""

    __slots__ = ("_feeds", "_stopped", "_transforms", "fault")

    def __init__(self, transforms: Sequence[Transform]) -> None:
        self._transforms = tuple(transforms)
        self._feeds = [transform.feed for transform in transforms]
        self._stopped = False
        self.fault = ""

    def feed(self, text: str) -> Piece:
        if self._stopped or not text:
            return NOTHING
        findings: tuple[Finding, ...] = ()
        try:
            for feed in self._feeds:
                text, found, refusal = feed(text)
                if found:
                    findings += found
                if refusal is not None:
                    return self._stop(findings, refusal)
                if not text:
                    break
        except Exception as error:
            return self._stop(findings, Code.STAGE_FAILED, fault_of(error))
        return _new(Piece, (text, findings, None)) if text or findings else NOTHING

    def finish(self, text: str = "") -> Piece:
        """The end; `text` are the last words, if they have just come."""
        if self._stopped:
            return NOTHING
        findings = NOTHING.findings
        for transform in self._transforms:
            try:
                text, found, refusal = _finished(transform, text)
            except Exception as error:
                return self._stop(findings, Code.STAGE_FAILED, fault_of(error))
            findings += found
            if refusal is not None:
                return self._stop(findings, refusal)
        return Piece(text, findings)

    def _stop(self, findings: tuple[Finding, ...], refusal: Code, fault: str = "") -> Piece:
        self._stopped, self.fault = True, fault
        return Piece("", findings, refusal)


def _finished(transform: Transform, text: str) -> Piece:
    """What is left of a text whose last words are these."""
    if not text:
        return transform.finish()
    piece = transform.feed(text)
    if piece.refusal is not None:
        return piece
    rest = transform.finish()
    return Piece(piece.text + rest.text, piece.findings + rest.findings, rest.refusal)


class _Text:
    """One channel under way: its chain, what has left, and the backend's tokens not yet matched against that."""

    __slots__ = ("chain", "faithful", "released", "tokens")

    def __init__(self, chain: Chain, released: list[str]) -> None:
        self.chain = chain
        self.released = released
        self.tokens: deque[Token] = deque()
        self.faithful = True  # so far the text went through unchanged


class Inspection:
    """Every text of one reply through its own chain. Structure passes; text never does uninspected.

    After a refusal nothing more comes out; `refusal` and `fault` say why.
    """

    def __init__(self, chain_for: Callable[[Channel], Chain], tools: Sequence[str] = ()) -> None:
        self._chain_for = chain_for
        self._tools = frozenset(tools)
        self._texts: dict[Channel, _Text] = {}
        self._latest: Channel | None = None  # found again by identity: a stream's deltas share their channel
        self._under_way: _Text | None = None
        self._released: dict[Channel, list[str]] = {}
        self.findings: list[Finding] = []
        self.usage: Usage | None = None
        self.refusal: Code | None = None
        self.detail = ""
        self.fault = ""

    @property
    def released(self) -> dict[Channel, str]:
        """What has left so far, per channel: what the record keeps."""
        return {channel: "".join(parts) for channel, parts in list(self._released.items()) if parts}

    def feed(self, events: Iterable[Event]) -> list[Event]:
        out: list[Event] = []
        events = list(events)
        if len(events) == 1 and type(events[0]) is Delta and self.refusal is None:  # nearly every read of a stream
            self._delta(events[0], out, last=False)
            return out
        for number, event in enumerate(events, 1):
            if self.refusal is not None:
                break
            match event:
                case Delta():
                    last = number < len(events) and type(events[number]) is Finished and _ends(events[number], event)
                    self._delta(event, out, last=last)
                case ToolCall():
                    self._tool(event, out)
                case Finished(choice=choice):
                    self._flush(out, lambda channel, choice=choice: channel.choice == choice)  # type: ignore[misc]
                    if self.refusal is None:
                        out.append(event)
                case Failed(code=code, detail=detail):
                    self.refusal, self.detail = code, detail
                case Usage():
                    self.usage = event
                    out.append(event)
                case _:
                    out.append(event)
        return out

    def finish(self) -> list[Event]:
        """Flush what is still held: the reply ended without saying so."""
        out: list[Event] = []
        self._flush(out, lambda channel: True)
        return out

    def _delta(self, delta: Delta, out: list[Event], *, last: bool) -> None:
        """More of a text; the last of it passes its chain once and not twice, as a whole reply's does."""
        channel = delta.channel
        if channel is not self._latest or self._under_way is None:
            self._latest, self._under_way = channel, self._text_of(channel)
        text = self._under_way
        if len(self._texts) > 1 and channel.kind is Kind.CONTENT and delta.text:
            self._end_reasoning(channel.choice, out)
            if self.refusal is not None:
                return
        if delta.tokens:
            text.tokens.extend(delta.tokens)
        if last:
            del self._texts[channel]
            self._latest = None
        self._release(channel, text, text.chain.finish(delta.text) if last else text.chain.feed(delta.text), out)

    def _text_of(self, channel: Channel) -> _Text:
        text = self._texts.get(channel)
        if text is None:
            text = self._texts[channel] = _Text(self._chain_for(channel), self._released.setdefault(channel, []))
        return text

    def _end_reasoning(self, choice: int, out: list[Event]) -> None:
        """Reasoning is over once the answer begins."""
        thinking = Channel(choice, Kind.REASONING)
        self._flush(out, lambda channel: channel == thinking)

    def _tool(self, call: ToolCall, out: list[Event]) -> None:
        if call.name in self._tools:
            out.append(call)
        else:
            self.refusal = Code.TOOL_UNDECLARED

    def _flush(self, out: list[Event], wanted: Callable[[Channel], bool]) -> None:
        self._latest = None
        for channel in [channel for channel in self._texts if wanted(channel)]:
            if self.refusal is None:
                text = self._texts.pop(channel)
                self._release(channel, text, text.chain.finish(), out)

    def _release(self, channel: Channel, text: _Text, piece: Piece, out: list[Event]) -> None:
        if piece.findings:
            self.findings += piece.findings
        if piece.refusal is not None:
            self.refusal, self.fault = piece.refusal, text.chain.fault
        elif piece.text:
            text.released.append(piece.text)
            tokens = _told(text, piece.text) if text.tokens and text.faithful else ()
            out.append(_new(Delta, (channel, piece.text, tokens)))


def _ends(event: Event, delta: Delta) -> bool:
    return type(event) is Finished and event.choice == delta.channel.choice


def _told(text: _Text, released: str) -> tuple[Token, ...]:
    """The backend's tokens that spell exactly the released text; after the first difference, none any more."""
    told: list[Token] = []
    rest = released
    while rest and text.tokens and rest.startswith(text.tokens[0].text):
        token = text.tokens.popleft()
        told.append(token)
        rest = rest[len(token.text) :]
    if rest:
        text.faithful = False
        text.tokens.clear()
        return ()
    return tuple(told)


Apart = Callable[[Callable[[], list[Event]]], Awaitable[list[Event]]]


async def drive(
    source: AsyncIterable[bytes],
    reading: Reading,
    inspection: Inspection,
    writing: Writing,
    send: Callable[[bytes], Awaitable[None] | None],
    apart: Apart | None = None,
) -> None:
    """Backend bytes in, client bytes sent, all but the terminal ones: `writing.finish()` waits for the record.

    `send` returns what to wait for where the client reads too slowly.
    `apart` does the inspecting somewhere else, where a rewriter may wait without holding up every other exchange.
    """
    async for data in source:
        events = reading.feed(data)
        out = writing.write(inspection.feed(events) if apart is None else await apart(partial(inspection.feed, events)))
        if out and (waiting := send(out)) is not None:
            await waiting
        if inspection.refusal is not None:
            return
    last = partial(_last, inspection, reading.finish())
    out = writing.write(last() if apart is None else await apart(last))
    if out and (waiting := send(out)) is not None:
        await waiting


def _last(inspection: Inspection, events: list[Event]) -> list[Event]:
    return inspection.feed(events) + ([] if inspection.refusal else inspection.finish())
