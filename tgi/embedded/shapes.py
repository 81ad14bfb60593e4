"""JSON values → TGI 3.3.7's requests: which fields each body has, and how each is read. The data is in `requests`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tgi.embedded.gumbel import KEY_BYTES
from tgi.embedded.intake import (
    Field,
    Fields,
    Shape,
    WrongShape,
    anything,
    boolean,
    either,
    f32,
    i32,
    optional,
    sequence,
    struct,
    text,
    u32,
    u64,
    usize,
)
from tgi.embedded.requests import (
    Chat,
    Completion,
    Function,
    Generate,
    Grammar,
    Message,
    Parameters,
    StreamOptions,
    Tool,
    ToolCall,
    absent_parameters,
)


def _nothing() -> None:
    return None


def _maybe(shape: Any, alias: str = "") -> Field:
    return Field(optional(shape), _nothing, alias)


def _flag() -> Field:
    return Field(boolean, lambda: False)


GRAMMAR_KINDS = {"json": "json", "json_object": "json", "regex": "regex", "json_schema": "json_schema"}


def _grammar(value: object, path: str) -> Grammar:
    tagged: tuple[str, object] = struct(
        "GrammarType", lambda type, value: (type, value), {"type": Field(text), "value": Field(anything)}
    )(value, path)
    kind = GRAMMAR_KINDS.get(tagged[0])
    if kind is None:
        known = ", ".join(f"`{name}`" for name in ("json", "regex", "json_schema"))
        raise WrongShape(f"{path}.type: unknown variant `{tagged[0]}`, expected one of {known}")
    return Grammar(kind, _GRAMMAR_VALUES[kind](tagged[1], f"{path}.value"))


def _schema_config(value: object, path: str) -> object:
    fields = {"name": _maybe(text), "schema": Field(anything)}
    return struct("JsonSchemaConfig", lambda name, schema: schema, fields)(value, path)


_GRAMMAR_VALUES: dict[str, Callable[[object, str], object]] = {
    "json": anything,
    "regex": text,
    "json_schema": _schema_config,
}


def _key(value: object, path: str) -> bytes:
    """Not TGI's: the key of a keyed draw, in hexadecimal. Real TGI ignores it."""
    spelled = text(value, path)
    try:
        key = bytes.fromhex(spelled)
    except ValueError as error:
        raise WrongShape(f"{path}: expected {KEY_BYTES} bytes in hexadecimal") from error
    if len(key) != KEY_BYTES:
        raise WrongShape(f"{path}: expected {KEY_BYTES} bytes in hexadecimal")
    return key


PARAMETERS: dict[str, Field] = {
    "best_of": _maybe(usize),
    "temperature": _maybe(f32),
    "repetition_penalty": _maybe(f32),
    "frequency_penalty": _maybe(f32),
    "top_k": _maybe(i32),
    "top_p": _maybe(f32),
    "typical_p": _maybe(f32),
    "do_sample": _flag(),
    "max_new_tokens": _maybe(u32),
    "return_full_text": _maybe(boolean),
    "stop": Field(sequence(text), list),
    "truncate": _maybe(usize),
    "watermark": _flag(),
    "details": _flag(),
    "decoder_input_details": _flag(),
    "seed": _maybe(u64),
    "watermark_key": _maybe(_key),
    "top_n_tokens": _maybe(u32),
    "grammar": _maybe(_grammar),
    "adapter_id": _maybe(text),
}

_PARAMETERS = struct("GenerateParameters", Parameters, PARAMETERS)

_INPUTS = {"inputs": Field(text), "parameters": Field(_PARAMETERS, absent_parameters)}

generate = struct("GenerateRequest", Generate, _INPUTS)
compat_generate = struct("CompatGenerateRequest", Generate, {**_INPUTS, "stream": _flag()})


def _prompt(value: object, path: str) -> list[str]:
    prompts: list[str] = either("PromptDeserializer", lambda v, p: [text(v, p)], sequence(text))(value, path)
    if not prompts:
        raise WrongShape(f"{path}: Empty array detected. Do not use an empty array for the prompt.")
    return prompts


completion = struct(
    "CompletionRequest",
    Completion,
    {
        "model": _maybe(text),
        "prompt": Field(_prompt),
        "max_tokens": _maybe(u32),
        "temperature": _maybe(f32),
        "top_p": _maybe(f32),
        "stream": _flag(),
        "seed": _maybe(u64),
        "watermark_key": _maybe(_key),
        "suffix": _maybe(text),
        "repetition_penalty": _maybe(f32),
        "frequency_penalty": _maybe(f32),
        "stop": _maybe(sequence(text)),
    },
)

_FUNCTION = struct(
    "FunctionDefinition",
    Function,
    {"description": _maybe(text), "name": Field(text), "arguments": Field(anything, alias="parameters")},
)
_TOOL = struct("Tool", Tool, {"type": Field(text), "function": Field(_FUNCTION)})
_TOOL_CALL = struct("ToolCall", ToolCall, {"id": Field(text), "type": Field(text), "function": Field(_FUNCTION)})
_IMAGE_URL = struct("Url", lambda url: f"![]({url})", {"url": Field(text)})
_CHUNK_KIND: Shape[str] = struct("MessageChunk", lambda type: type, {"type": Field(text)})
_TEXT_CHUNK: Shape[str] = struct("MessageChunk", lambda text: text, {"text": Field(text)})
_IMAGE_CHUNK: Shape[str] = struct("MessageChunk", lambda image_url: image_url, {"image_url": Field(_IMAGE_URL)})


def _chunk(value: object, path: str) -> str:
    """A part of a message as the text that the prompt will hold: an image becomes a markdown image."""
    kind = _CHUNK_KIND(value, path)
    if kind == "text":
        return _TEXT_CHUNK(value, path)
    if kind == "image_url":
        return _IMAGE_CHUNK(value, path)
    raise WrongShape(f"{path}: unknown variant `{kind}`, expected `text` or `image_url`")


def _chunks(value: object, path: str) -> str:
    return "".join(sequence(_chunk)(value, path))


_CONTENT = struct("Content", lambda content: ("content", content), {"content": Field(either("Content", text, _chunks))})
_CALLS = struct("Tool", lambda tool_calls: ("tool_calls", tool_calls), {"tool_calls": Field(sequence(_TOOL_CALL))})
_BODY = either("MessageBody", _CONTENT, _CALLS)
_HEAD = struct("Message", lambda role, name: role, {"role": Field(text), "name": _maybe(text)})


def _message(value: object, path: str) -> Message:
    role = _HEAD(value, path)
    kind, body = _BODY(value, path)
    return Message(role, content=body) if kind == "content" else Message(role, tool_calls=body)


_NAMED = struct("FunctionName", lambda name: f"={name}", {"name": Field(text)})
_TYPED_CHOICE: Shape[str] = struct("TypedChoice", lambda function: function, {"function": Field(_NAMED)})


def _tool_choice(value: object, path: str) -> str:
    if value is None:
        return "auto"
    if isinstance(value, str):
        return value if value in ("auto", "none", "required") else f"={value}"
    if isinstance(value, Fields) and value.get("type") == "function":
        return _TYPED_CHOICE(value, path)
    raise WrongShape(f"{path}: data did not match any variant of untagged enum ToolTypeDeserializer")


_STREAM_OPTIONS = struct("StreamOptions", StreamOptions, {"include_usage": _flag()})

chat = struct(
    "ChatRequest",
    Chat,
    {
        "model": _maybe(text),
        "messages": Field(sequence(_message)),
        "frequency_penalty": _maybe(f32),
        "logit_bias": _maybe(sequence(f32)),
        "logprobs": _maybe(boolean),
        "top_logprobs": _maybe(u32),
        "max_tokens": _maybe(u32, alias="max_completion_tokens"),
        "n": _maybe(u32),
        "presence_penalty": _maybe(f32),
        "stop": _maybe(sequence(text)),
        "stream": _flag(),
        "seed": _maybe(u64),
        "watermark_key": _maybe(_key),
        "temperature": _maybe(f32),
        "top_p": _maybe(f32),
        "tools": _maybe(sequence(_TOOL)),
        "tool_prompt": _maybe(text),
        "tool_choice": Field(_tool_choice, lambda: "auto"),
        "response_format": _maybe(_grammar),
        "stream_options": Field(_STREAM_OPTIONS, StreamOptions),
    },
)

invocation = either("SagemakerRequest", compat_generate, chat, completion)
"""SageMaker's body: the first of the three shapes that fits, so `inputs` wins over `messages`."""
