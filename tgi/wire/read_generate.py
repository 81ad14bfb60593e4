"""TGI's own replies, `/generate` and `/generate_stream`: JSON → events.

The last event repeats the whole text; it is not read, since what was told token by token has been inspected. `prefill`,
`top_tokens` and whatever else carries text are not read either.
"""

from __future__ import annotations

from gateway.core.reply import Delta, Event, Finished, Token, Usage
from tgi.wire.reading import count_of, nonsense, number_of, object_of, objects_of, text_of
from tgi.wire.thinking import Thinking, splitter

REASONS = frozenset({"length", "eos_token", "stop_sequence"})


class StreamFrames:
    """The events of `/generate_stream`: a token each, and with the last one how it ended."""

    __slots__ = ("_finished", "_text")
    usual = None  # every token has an id of its own

    def __init__(self, thinking: Thinking) -> None:
        self._text = splitter(0, thinking)
        self._finished = False

    def read(self, value: dict[str, object]) -> list[Event]:
        if self._finished:
            raise nonsense("more after its last event")
        token = token_of(object_of(value, "token"))
        events: list[Event] = []
        if not token.special:  # TGI's text leaves special tokens out
            events += self._text.feed(token.text, (token,))
        if value.get("generated_text") is not None:
            self._finished = True
            events += self._text.finish()
            events += ending(0, object_of(value, "details"))
        return events

    def finish(self, *, done: bool) -> list[Event]:
        if not self._finished:
            raise nonsense("no last event")
        return []


class WholeFrames:
    """The one object of `/generate`; where the caller is to see them, the other sequences of `best_of` are further choices."""

    __slots__ = ("_others", "_thinking")
    usual = None

    def __init__(self, thinking: Thinking, *, others: bool) -> None:
        self._thinking = thinking
        self._others = others

    def read(self, value: dict[str, object]) -> list[Event]:
        details = object_of(value, "details")
        events = self._sequence(0, value, details)
        others = objects_of(details, "best_of_sequences") if self._others else []
        for i, other in enumerate(others, start=1):
            events += self._sequence(i, other, other)
        return events

    def finish(self, *, done: bool) -> list[Event]:
        return []

    def _sequence(self, choice: int, value: dict[str, object], details: dict[str, object]) -> list[Event]:
        if "generated_text" not in value:
            raise nonsense("no generated_text")
        tokens = tuple(token for item in objects_of(details, "tokens") if not (token := token_of(item)).special)
        text = text_of(value, "generated_text")
        if "".join(token.text for token in tokens) != text:
            tokens = ()
        parts = splitter(choice, self._thinking)
        deltas: list[Delta] = parts.feed(text, tokens) + parts.finish()
        return [*deltas, *ending(choice, details)]


def token_of(value: dict[str, object]) -> Token:
    number = value.get("id")
    if type(number) is not int:
        raise nonsense("a token without an id")
    return Token(number, text_of(value, "text"), number_of(value, "logprob"), value.get("special") is True)


def ending(choice: int, details: dict[str, object]) -> list[Event]:
    """How a sequence ended and, for the first, what it cost."""
    reason = details.get("finish_reason")
    if not isinstance(reason, str) or reason not in REASONS:
        raise nonsense("no finish_reason it may have")
    generated = count_of(details, "generated_tokens")
    events: list[Event] = [Finished(choice, reason, count_of(details, "seed"), generated)]
    if choice == 0 and generated is not None:
        prompt = count_of(details, "input_length")
        if prompt is None:
            prompt = len(objects_of(details, "prefill"))
        events.append(Usage(prompt, generated))
    return events
