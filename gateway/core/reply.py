"""What a model's reply is made of, whatever wire it came over. Text travels in channels; everything else is structure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from gateway.core.facts import fact
from gateway.core.verdict import Code


class Kind(StrEnum):
    """The kinds of text a model writes."""

    CONTENT = "content"
    REASONING = "reasoning"
    ARGUMENTS = "arguments"  # of one tool call: JSON in a string


@fact(frozen=True, slots=True)
class Channel:
    """One text of a reply: which choice, which kind, and for arguments which tool call."""

    choice: int = 0
    kind: Kind = Kind.CONTENT
    index: int = 0
    tool: str = field(default="", compare=False)  # the name of the tool that is called, for its arguments

    def __str__(self) -> str:
        tool = f".tool_calls[{self.index}]" if self.kind is Kind.ARGUMENTS else ""
        return f"choices[{self.choice}]{tool}.{self.kind}"


@dataclass(frozen=True, slots=True)
class Token:
    """One token as the backend told it. It reaches a client only beside text that went through unchanged."""

    id: int
    text: str
    logprob: float | None = None
    special: bool = False


class Delta(NamedTuple):
    """More text in a channel. `tokens`, when given, join to `text`. A tuple, since every token of every stream makes two."""

    channel: Channel
    text: str
    tokens: tuple[Token, ...] = ()


@fact(frozen=True, slots=True)
class ToolCall:
    """The model begins to call a tool; its arguments follow as a channel."""

    choice: int
    index: int
    id: str
    name: str


@fact(frozen=True, slots=True)
class Finished:
    """A choice is complete. `reason` is a word of the wire's own closed set; `seed` as TGI's details report it."""

    choice: int
    reason: str
    seed: int | None = None
    generated_tokens: int | None = None


@fact(frozen=True, slots=True)
class Usage:
    """What the reply cost, in tokens."""

    prompt_tokens: int
    completion_tokens: int


@fact(frozen=True, slots=True)
class Facts:
    """A reply that is not text of the model: `/info`, `/v1/models`, `/tokenize`. Known fields only, plain JSON values."""

    value: object


@fact(frozen=True, slots=True)
class Failed:
    """The backend said that it failed, inside its reply."""

    code: Code
    detail: str = ""


@fact(frozen=True, slots=True)
class Label:
    """What goes with a model's answer beside its text: headers, and members of its last JSON object, ready to be written."""

    headers: dict[str, str]
    members: bytes


Event: TypeAlias = Delta | ToolCall | Finished | Usage | Facts | Failed
