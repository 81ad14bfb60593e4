"""Tools, TGI's way: the answer is held to JSON that names one of them (router/src/infer/tool_grammar.rs, chat.rs).

`auto` adds a choice called `no_tool`; when the model takes it, the route asks again without tools.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from tgi.embedded.failures import tool_error
from tgi.embedded.requests import Function, Message, Tool

NO_TOOL = "no_tool"

_OPEN_ENDED = Function(NO_TOOL, {"type": "object"}, "Open ended response with no specific tool selected")


@dataclass(frozen=True, slots=True)
class Call:
    """What the model chose: a function's name and its arguments."""

    name: str
    arguments: dict[str, object]


def offered(tools: Sequence[Tool], choice: str) -> list[Tool]:
    """The tools the model may choose from; empty means that it answers in plain text. Raises `InferError`."""
    if choice == "none":
        return []
    if choice == "required":
        return list(tools)
    if choice == "auto":
        return [*tools, Tool("function", _OPEN_ENDED)]
    name = choice.removeprefix("=")
    named = [tool for tool in tools if tool.function.name == name]
    if not named:
        raise tool_error(f"Tool with name {name} not found")
    return named[:1]


def schema(tools: Sequence[Tool]) -> dict[str, object]:
    """The JSON schema that the answer must follow. Unlike TGI's it says that `function` is required."""
    return {
        "$functions": {tool.function.name: _function_schema(tool.function) for tool in tools},
        "properties": {"function": {"anyOf": [{"$ref": f"#/$functions/{tool.function.name}"} for tool in tools]}},
        "required": ["function"],
    }


def parse_call(text: str) -> Call | None:
    """A whole answer as a call; None when it is not (or not yet) one."""
    try:
        function = json.loads(text)["function"]
        name = function.pop("_name")
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return Call(name, function) if isinstance(name, str) else None


def next_call_id(messages: Sequence[Message]) -> str:
    """One more than the highest id in the conversation, or a UUID when its ids are not numbers."""
    ids = [call.id for message in messages for call in message.tool_calls or ()]
    if not all(call_id.isascii() and call_id.isdigit() for call_id in ids):
        return str(uuid4())
    return str(max((int(call_id) + 1 for call_id in ids), default=0))


def _function_schema(function: Function) -> dict[str, object]:
    properties: dict[str, object] = {"_name": {"type": "string", "const": function.name}}
    required: list[object] = ["_name"]
    written: dict[str, object] = {"description": function.description or ""}
    if isinstance(function.arguments, dict):
        given = function.arguments.get("properties")
        properties |= given if isinstance(given, dict) else {}
        needed = function.arguments.get("required")
        required += needed if isinstance(needed, list) else []
        written["additionalProperties"] = False
    return {**written, "properties": properties, "required": required}
