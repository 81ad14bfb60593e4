"""Replies in OpenAI's shape, chat and completions, whole and streamed, from TGI or any other backend: JSON → events.

Backends differ in where they put reasoning (`reasoning_content`, `reasoning`, or tags in the text), in the words for how an
answer ended, and in whether usage comes with the last choice or after it. The events do not.
"""

from __future__ import annotations

from gateway.core.reply import Channel, Delta, Event, Finished, Kind, Token, ToolCall, Usage
from tgi.wire.reading import count_of, nonsense, number_of, object_of, objects_of, text_of
from tgi.wire.thinking import Splitter, Thinking, Where, splitter

MAX_CHOICES = 64  # more than any request may ask for
MAX_CALLS = 128  # tool calls of one choice
_SPOKEN = frozenset({"role", "content"})  # what a delta of nothing but text has
_REASONS = {
    "stop": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "abort": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


class OpenAIFrames:
    """Reads chat and completions, chunks and whole replies. `expected` is how many choices were asked for."""

    __slots__ = ("_calls", "_expected", "_finished", "_texts", "_thinking", "_usage", "usual")

    def __init__(self, thinking: Thinking, expected: int = 1) -> None:
        self._thinking = thinking
        self._expected = expected
        self._texts: dict[int, Splitter] = {}
        self._calls: dict[tuple[int, int], Channel] = {}  # of each call, the channel of its arguments
        self._finished: set[int] = set()
        self._usage: Usage | None = None
        self.usual: Channel | None = None

    def read(self, value: dict[str, object]) -> list[Event]:
        more = self._more(value)
        self.usual = more.channel if more is not None else None
        return [more] if more is not None else self._any(value)

    def _more(self, value: dict[str, object]) -> Delta | None:
        """Nearly every chunk there is: more of the first choice's answer, and nothing else. None for all others."""
        parts, choices = self._texts.get(0), value.get("choices")
        if parts is None or parts.state is not Where.ANSWER or 0 in self._finished:
            return None
        if type(choices) is not list or len(choices) != 1 or value.get("usage") is not None:
            return None
        choice = choices[0]
        if type(choice) is not dict or "text" in choice or choice.get("logprobs") is not None:
            return None
        index, delta, reason = choice.get("index"), choice.get("delta"), choice.get("finish_reason")
        if type(index) is not int or index or type(delta) is not dict or reason is not None:
            return None
        content = delta.get("content")
        if type(content) is not str or not content or not delta.keys() <= _SPOKEN:
            return None
        return Delta(parts.answer, content)

    def _any(self, value: dict[str, object]) -> list[Event]:
        events: list[Event] = []
        for choice in objects_of(value, "choices"):
            self._choice(choice, events)
        used = value.get("usage")
        if used is not None:
            self._usage = _usage(object_of(value, "usage"))
        return events

    def finish(self, *, done: bool) -> list[Event]:
        """What it cost, told once: backends repeat it in every chunk or send it in several places."""
        events: list[Event] = []
        if done:  # TGI ends a streamed tool call without saying why
            for choice in sorted({choice for choice, _ in self._calls} - self._finished):
                events += self._ending(choice, "tool_calls")
        if len(self._finished) < self._expected:
            raise nonsense("no last event")
        return events if self._usage is None else [*events, self._usage]

    def _choice(self, choice: dict[str, object], events: list[Event]) -> None:
        index = count_of(choice, "index") or 0
        if index >= MAX_CHOICES:
            raise nonsense("more choices than were asked for")
        reason = choice.get("finish_reason")
        if "text" in choice:
            if reason != "eos_token":  # TGI's completion streams then spell the special token itself
                events += self._text(index, text_of(choice, "text"), ())
        else:
            part = object_of(choice, "delta") or object_of(choice, "message")
            self._part(index, part, _tokens(choice), events)
        if reason:
            events += self._ending(index, reason)

    def _part(self, index: int, part: dict[str, object], tokens: tuple[Token, ...], events: list[Event]) -> None:
        thought = text_of(part, "reasoning_content") or text_of(part, "reasoning")
        if thought:
            events.append(Delta(Channel(index, Kind.REASONING), thought))
        content = text_of(part, "content")
        if content:
            events += self._text(index, content, _spelling(tokens, content))
        if part.get("tool_calls") is not None:
            for at, call in enumerate(_calls_of(part)):
                self._call(index, at, call, events)

    def _text(self, index: int, text: str, tokens: tuple[Token, ...]) -> list[Delta]:
        if index in self._finished:
            if text:
                raise nonsense("more after its last event")
            return []
        parts = self._texts.get(index)
        if parts is None:
            parts = self._texts[index] = splitter(index, self._thinking)
        return parts.feed(text, tokens)

    def _call(self, index: int, at: int, call: dict[str, object], events: list[Event]) -> None:
        number = count_of(call, "index")
        number = at if number is None else number
        function = object_of(call, "function")
        if (index, number) not in self._calls:
            self._begin(index, number, call, text_of(function, "name"), events)
        arguments = text_of(function, "arguments")
        if arguments:
            events.append(Delta(self._calls[index, number], arguments))

    def _begin(self, index: int, number: int, call: dict[str, object], name: str, events: list[Event]) -> None:
        if not name:
            raise nonsense("arguments of a tool call it did not begin")
        if number >= MAX_CALLS:
            raise nonsense("too many tool calls")
        self._calls[index, number] = Channel(index, Kind.ARGUMENTS, number, name)
        events.append(ToolCall(index, number, _id(call), name))

    def _ending(self, index: int, reason: object) -> list[Event]:
        word = _REASONS.get(reason) if isinstance(reason, str) else None
        if word is None:
            raise nonsense("no finish_reason it may have")
        if index in self._finished:
            return []
        self._finished.add(index)
        if word == "stop" and any(choice == index for choice, _ in self._calls):
            word = "tool_calls"  # as OpenAI's clients expect; TGI says `stop`
        parts = self._texts.get(index)
        held: list[Event] = [*parts.finish()] if parts is not None else []
        return [*held, Finished(index, word)]


def _tokens(choice: dict[str, object]) -> tuple[Token, ...]:
    """The told tokens of a choice; OpenAI's shape has no ids."""
    logprobs = choice.get("logprobs")
    if logprobs is None:
        return ()
    items = objects_of(object_of(choice, "logprobs"), "content")
    return tuple(Token(0, text_of(item, "token"), number_of(item, "logprob")) for item in items)


def _spelling(tokens: tuple[Token, ...], text: str) -> tuple[Token, ...]:
    """The first tokens, if they spell exactly the text: TGI tells of the special token that ended it, too."""
    if len(tokens) == 1 and tokens[0].text == text:
        return tokens
    at = 0
    for i, token in enumerate(tokens):
        if at == len(text):
            return tokens[:i]
        if not text.startswith(token.text, at):
            return ()
        at += len(token.text)
    return tokens if at == len(text) else ()


def _calls_of(part: dict[str, object]) -> list[dict[str, object]]:
    """Tool calls are a list; older TGI streams send the one call bare."""
    calls = part["tool_calls"]
    return [calls] if type(calls) is dict else objects_of(part, "tool_calls")


def _id(call: dict[str, object]) -> str:
    """A backend's own id for a call: a short plain word, or nothing."""
    word = call.get("id")
    plain = (
        isinstance(word, str)
        and len(word) <= 64
        and word.isascii()
        and word.replace("-", "").replace("_", "").isalnum()
    )
    return str(word) if plain else ""


def _usage(value: dict[str, object]) -> Usage:
    return Usage(count_of(value, "prompt_tokens") or 0, count_of(value, "completion_tokens") or 0)
