"""OpenAI's shapes, written afresh: chat and completions, a chunk a delta or one object at the end."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from gateway.core.facts import fact
from gateway.core.reply import Channel, Delta, Event, Finished, Kind, Token, ToolCall, Usage
from gateway.core.verdict import Code
from tgi.wire.thinking import Shown, Thinking
from tgi.wire.writing import EVENT_STREAM, JSON, Inline, frame, joined, openai_error, usage_of

FINGERPRINT = "hangu"  # clients want a word here; the backend's own build is not their business
_DONE = b"data: [DONE]\n\n"


@fact(frozen=True, slots=True)
class Wanted:
    """How the caller wants the reply, and what goes on every chunk of it. `created` is Unix seconds."""

    id: str
    created: int
    model: str
    chat: bool
    usage: bool
    logprobs: bool
    shown: Shown
    thinking: Thinking

    def head(self, streaming: bool) -> dict[str, object]:
        kind = ("chat.completion.chunk" if streaming else "chat.completion") if self.chat else "text_completion"
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": FINGERPRINT,
        }


class StreamWriting:
    """Chunks. What ends the reply, reasons, usage and `[DONE]`, is all kept for `finish`."""

    __slots__ = (
        "_after",
        "_before",
        "_endings",
        "_inlines",
        "_mid",
        "_prefix",
        "_suffix",
        "_usage",
        "_usual",
        "_wanted",
    )

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._prefix = b"data: " + orjson.dumps(wanted.head(streaming=True))[:-1] + b',"choices":[{"index":'
        self._suffix = b',"finish_reason":null}],"usage":null}\n\n'
        self._mid = b',"logprobs":null'
        self._inlines: dict[int, Inline] = {}
        self._endings: dict[int, Finished] = {}
        self._usage: Usage | None = None
        self._usual: Channel | None = None  # an answer under way, of which more needs no thought
        self._before = self._after = b""  # what stands around its text

    @property
    def content_type(self) -> str:
        return EVENT_STREAM

    def write(self, events: Iterable[Event]) -> bytes:
        out: list[bytes] = []
        for event in events:
            if type(event) is Delta:
                if event.channel is self._usual:
                    out.append(self._before + orjson.dumps(event.text) + self._after)
                else:
                    self._delta(event, out)
            elif type(event) is ToolCall:
                self._tool(event, out)
            elif type(event) is Finished:
                self._endings[event.choice] = event
            elif type(event) is Usage:
                self._usage = event
        return out[0] if len(out) == 1 else b"".join(out)

    def finish(self) -> bytes:
        out = [self._last(ending) for _, ending in sorted(self._endings.items())]
        if self._wanted.usage:
            used = {**self._wanted.head(streaming=True), "choices": [], "usage": usage_of(self._usage)}
            out.append(frame(orjson.dumps(used)))
        return b"".join((*out, _DONE))

    def fail(self, code: Code, message: str, request_id: str) -> bytes:
        return frame(openai_error(code, message, request_id))

    def _delta(self, delta: Delta, out: list[bytes]) -> None:
        channel = delta.channel
        inline = self._inline(channel.choice, out)
        self._usual = None
        if channel.kind is Kind.CONTENT:
            logprobs = _logprobs(delta.tokens) if self._wanted.logprobs else self._mid
            out.append(self._chunk(channel.choice, self._text(inline, delta), logprobs))
            if not self._wanted.logprobs:
                self._goes_on(channel)
        elif channel.kind is Kind.ARGUMENTS:
            out.append(self._chunk(channel.choice, _arguments(channel.index, delta.text), self._mid))
        elif self._wanted.shown is Shown.SPLIT:
            part = b'"delta":{"reasoning_content":' + orjson.dumps(delta.text) + b"}"
            out.append(self._chunk(channel.choice, part, self._mid))
        else:
            out.append(self._chunk(channel.choice, self._text(inline, delta), self._mid))

    def _goes_on(self, channel: Channel) -> None:
        """From here on this answer's chunks differ in their text alone, until something else is written."""
        begun = b'"delta":{"content":' if self._wanted.chat else b'"text":'
        self._usual = channel
        self._before = self._prefix + b"%d," % channel.choice + begun
        self._after = (b"}" if self._wanted.chat else b"") + self._mid + self._suffix

    def _text(self, inline: Inline, delta: Delta) -> bytes:
        tag = inline.tag_before(delta.channel.kind)
        text = orjson.dumps(tag + delta.text if tag else delta.text)
        return b'"delta":{"content":' + text + b"}" if self._wanted.chat else b'"text":' + text

    def _inline(self, choice: int, out: list[bytes]) -> Inline:
        inline = self._inlines.get(choice)
        if inline is None:
            inline = self._inlines[choice] = Inline(self._wanted.thinking)
            if self._wanted.chat:  # the role once: clients join what they are given
                out.append(self._chunk(choice, b'"delta":{"role":"assistant","content":""}', self._mid))
        return inline

    def _tool(self, call: ToolCall, out: list[bytes]) -> None:
        self._inline(call.choice, out)
        begun = {"index": call.index, "id": call_id(self._wanted.id, call), "type": "function"}
        begun["function"] = {"name": call.name, "arguments": ""}
        out.append(self._chunk(call.choice, b'"delta":' + orjson.dumps({"tool_calls": [begun]}), self._mid))

    def _chunk(self, choice: int, part: bytes, logprobs: bytes) -> bytes:
        return b"".join((self._prefix, b"%d," % choice, part, logprobs, self._suffix))

    def _last(self, ending: Finished) -> bytes:
        part = b'"delta":{}' if self._wanted.chat else b'"text":""'
        reason = b',"finish_reason":' + orjson.dumps(ending.reason) + b'}],"usage":null}\n\n'
        return b"".join((self._prefix, b"%d," % ending.choice, part, self._mid, reason))


class WholeWriting:
    """One object: a choice for each, with its text, its reasoning and its tool calls."""

    __slots__ = ("_calls", "_deltas", "_endings", "_usage", "_wanted")

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._deltas: dict[int, list[Delta]] = {}
        self._calls: dict[int, list[ToolCall]] = {}
        self._endings: dict[int, Finished] = {}
        self._usage: Usage | None = None

    @property
    def content_type(self) -> str:
        return JSON

    def write(self, events: Iterable[Event]) -> bytes:
        for event in events:
            match event:
                case Delta():
                    self._deltas.setdefault(event.channel.choice, []).append(event)
                case ToolCall():
                    self._calls.setdefault(event.choice, []).append(event)
                case Finished():
                    self._endings[event.choice] = event
                case Usage():
                    self._usage = event
                case _:
                    pass
        return b""

    def finish(self) -> bytes:
        choices = [self._choice(ending) for _, ending in sorted(self._endings.items())]
        reply = {**self._wanted.head(streaming=False), "choices": choices, "usage": usage_of(self._usage)}
        return orjson.dumps(reply)

    def fail(self, code: Code, message: str, request_id: str) -> bytes:
        return openai_error(code, message, request_id)

    def _choice(self, ending: Finished) -> dict[str, object]:
        deltas = self._deltas.get(ending.choice, [])
        logprobs = self._told(deltas) if self._wanted.logprobs else None
        end = {"logprobs": logprobs, "finish_reason": ending.reason}
        if not self._wanted.chat:
            return {"index": ending.choice, "text": self._text(deltas), **end}
        return {"index": ending.choice, "message": self._message(ending.choice, deltas), **end}

    def _message(self, choice: int, deltas: list[Delta]) -> dict[str, object]:
        calls = self._calls.get(choice, [])
        if len(deltas) == 1 and deltas[0].channel.kind is Kind.CONTENT and not calls:  # nearly every answer
            return {"role": "assistant", "content": deltas[0].text}
        spoken = [delta for delta in deltas if delta.channel.kind is not Kind.ARGUMENTS]
        text = self._text(spoken)
        message: dict[str, object] = {"role": "assistant", "content": text if text or not calls else None}
        thought = "".join(delta.text for delta in spoken if delta.channel.kind is Kind.REASONING)
        if thought and self._wanted.shown is Shown.SPLIT:
            message["reasoning_content"] = thought
        if calls:
            message["tool_calls"] = [self._call(call, deltas) for call in calls]
        return message

    def _text(self, deltas: list[Delta]) -> str:
        apart = self._wanted.shown is Shown.SPLIT
        said = [d for d in deltas if d.channel.kind is Kind.CONTENT or not apart]
        return joined(said, self._wanted.thinking)

    def _call(self, call: ToolCall, deltas: list[Delta]) -> dict[str, object]:
        mine = [d.text for d in deltas if d.channel.kind is Kind.ARGUMENTS and d.channel.index == call.index]
        function = {"name": call.name, "arguments": "".join(mine)}
        return {"id": call_id(self._wanted.id, call), "type": "function", "function": function}

    def _told(self, deltas: list[Delta]) -> dict[str, object]:
        tokens = [token for delta in deltas if delta.channel.kind is Kind.CONTENT for token in delta.tokens]
        return {"content": [_logprob(token) for token in tokens]}


def call_id(exchange: str, call: ToolCall) -> str:
    """The backend's id where it has a good one; TGI counts from "0", which two exchanges of one conversation would share."""
    return call.id if len(call.id) > 4 else f"call_{exchange}_{call.choice}_{call.index}"


def _arguments(index: int, text: str) -> bytes:
    return b'"delta":{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}' % (index, orjson.dumps(text))


def _logprobs(tokens: tuple[Token, ...]) -> bytes:
    if not tokens:
        return b',"logprobs":null'
    return b',"logprobs":' + orjson.dumps({"content": [_logprob(token) for token in tokens]})


def _logprob(token: Token) -> dict[str, object]:
    return {"token": token.text, "logprob": token.logprob, "bytes": list(token.text.encode()), "top_logprobs": []}
