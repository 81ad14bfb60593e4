"""Reasoning written inline, `<think>…</think>answer`: told apart while it arrives. What becomes of it is the writers' choice.

Only the first thoughts count: a tag after the answer has begun is part of the answer, as models that explain tags write them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.core.reply import Channel, Delta, Kind, Token

OPENING, CLOSING = "<think>", "</think>"


class Thinking(StrEnum):
    """How a backend's model begins to think aloud inside its text."""

    TAGGED = "tagged"  # it writes the opening tag itself
    OPENED = "opened"  # its template has written the opening tag: the reply begins in thought
    NEVER = "never"  # tags are ordinary text


class Shown(StrEnum):
    """What a caller is given of the reasoning."""

    INLINE = "inline"  # inside the text, with its tags, as TGI does
    SPLIT = "split"  # in a field of its own, `reasoning_content`
    DROPPED = "dropped"  # not at all


def begins(usual: Thinking, prompts: Sequence[str], *, templated: bool, constrained: bool) -> Thinking:
    """How the reply to one request begins, for a model whose chats usually begin so.

    `prompts` are the texts that the reply goes on from: bare prompts, or with `templated` an assistant's last words.
    A grammar leaves no room for thought. A bare prompt passes no template, so only its own end can open a thought.
    """
    if usual is Thinking.NEVER or constrained:
        return Thinking.NEVER
    if templated:
        opened = [text.rfind(OPENING) > text.rfind(CLOSING) for text in prompts]
        return Thinking.OPENED if any(opened) else usual
    ends = [text.rstrip().endswith(OPENING) for text in prompts]
    return Thinking.OPENED if ends and all(ends) else Thinking.TAGGED


class Where(StrEnum):
    """What the text that comes now belongs to."""

    START = "start"  # nothing but white space and a beginning of the opening tag so far
    THOUGHT = "thought"
    ANSWER = "answer"


@dataclass(slots=True)
class Splitter:
    """One choice's text → its reasoning and its answer. Tags themselves come out on neither side."""

    choice: int
    state: Where
    held: str = ""  # may yet be part of a tag
    answer: Channel = field(init=False)
    thought: Channel = field(init=False)

    def __post_init__(self) -> None:
        self.answer, self.thought = Channel(self.choice), Channel(self.choice, Kind.REASONING)

    def feed(self, text: str, tokens: Sequence[Token] = ()) -> list[Delta]:
        """Deltas for the text; a token is told only where it lies whole on one side."""
        if self.state is Where.ANSWER:
            return [Delta(self.answer, text, tuple(tokens))] if text else []
        before, self.held = self.held, ""
        return self._start(before, text, tokens) if self.state is Where.START else self._thought(before, text, tokens)

    def finish(self) -> list[Delta]:
        """What was held in case it became a tag, and did not."""
        held, self.held = self.held, ""
        if not held:
            return []
        return [self._delta(Kind.REASONING if self.state is Where.THOUGHT else Kind.CONTENT, held, ())]

    def _start(self, before: str, text: str, tokens: Sequence[Token]) -> list[Delta]:
        whole = before + text
        said = whole.lstrip()
        if said.startswith(OPENING):
            self.state = Where.THOUGHT
            return self.feed(said[len(OPENING) :])
        if OPENING.startswith(said):  # also when there is only white space
            self.held = whole
            return []
        self.state = Where.ANSWER
        return [self._delta(Kind.CONTENT, whole, () if before else tokens)]

    def _thought(self, before: str, text: str, tokens: Sequence[Token]) -> list[Delta]:
        whole = before + text
        thought, closed, answer = whole.partition(CLOSING)
        if closed:
            self.state = Where.ANSWER
            deltas = [self._delta(Kind.REASONING, thought, ())] if thought else []
            return deltas + ([self._delta(Kind.CONTENT, answer, ())] if answer else [])
        kept = _beginning_of_closing(whole)
        self.held = whole[len(whole) - kept :]
        thought = whole[: len(whole) - kept]
        exact = not before and not kept
        return [self._delta(Kind.REASONING, thought, tokens if exact else ())] if thought else []

    def _delta(self, kind: Kind, text: str, tokens: Sequence[Token]) -> Delta:
        return Delta(self.answer if kind is Kind.CONTENT else self.thought, text, tuple(tokens))


def splitter(choice: int, thinking: Thinking) -> Splitter:
    return Splitter(choice, _BEGIN[thinking])


_BEGIN = {Thinking.TAGGED: Where.START, Thinking.OPENED: Where.THOUGHT, Thinking.NEVER: Where.ANSWER}


def _beginning_of_closing(text: str) -> int:
    """How many characters at the end may be the beginning of the closing tag."""
    at = text.rfind("<", max(0, len(text) - len(CLOSING) + 1))
    return len(text) - at if at >= 0 and CLOSING.startswith(text[at:]) else 0
