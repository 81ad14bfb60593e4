"""TGI 3.3.7's request bodies as frozen data, with the defaults of its router (router/src/lib.rs).

How a body becomes one of these is in `shapes`; whether its values are acceptable is `validation`'s question.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Grammar:
    """`kind` is json, regex or json_schema; `value` a schema, a pattern, or `{name?, schema}`."""

    kind: str
    value: object


@dataclass(frozen=True, slots=True)
class Parameters:
    best_of: int | None = None
    temperature: float | None = None
    repetition_penalty: float | None = None
    frequency_penalty: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    typical_p: float | None = None
    do_sample: bool = False
    max_new_tokens: int | None = None
    return_full_text: bool | None = None
    stop: list[str] = field(default_factory=list)
    truncate: int | None = None
    watermark: bool = False
    details: bool = False
    decoder_input_details: bool = False
    seed: int | None = None
    watermark_key: bytes | None = None  # ours, not TGI's: of a keyed draw
    top_n_tokens: int | None = None
    grammar: Grammar | None = None
    adapter_id: str | None = None


def absent_parameters() -> Parameters:
    """TGI samples when `parameters` is left out, and does not when it is there and says nothing about it."""
    return Parameters(do_sample=True)


@dataclass(frozen=True, slots=True)
class Generate:
    inputs: str
    parameters: Parameters = field(default_factory=absent_parameters)
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Completion:
    prompt: list[str]
    model: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stream: bool = False
    seed: int | None = None
    watermark_key: bytes | None = None  # ours, not TGI's: of a keyed draw
    suffix: str | None = None
    repetition_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A function a tool offers, or one that was called: `arguments` is its schema or its arguments."""

    name: str
    arguments: object
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    type: str
    function: Function


@dataclass(frozen=True, slots=True)
class ToolCall:
    id: str
    type: str
    function: Function


@dataclass(frozen=True, slots=True)
class Message:
    """One turn; `content` is text as the template will see it, or `tool_calls` are there instead."""

    role: str
    content: str = ""
    tool_calls: list[ToolCall] | None = None


@dataclass(frozen=True, slots=True)
class StreamOptions:
    include_usage: bool = False


@dataclass(frozen=True, slots=True)
class Chat:
    messages: list[Message]
    model: str | None = None
    frequency_penalty: float | None = None
    logit_bias: list[float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    max_tokens: int | None = None
    n: int | None = None
    presence_penalty: float | None = None
    stop: list[str] | None = None
    stream: bool = False
    seed: int | None = None
    watermark_key: bytes | None = None  # ours, not TGI's: of a keyed draw
    temperature: float | None = None
    top_p: float | None = None
    tools: list[Tool] | None = None
    tool_prompt: str | None = None
    tool_choice: str = "auto"  # auto, none, required, or `=` and a function's name
    response_format: Grammar | None = None
    stream_options: StreamOptions = field(default_factory=StreamOptions)
