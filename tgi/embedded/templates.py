"""Messages → the prompt that the model reads, by the model's own chat template (TGI: router/src/infer/chat_template.rs).

The template comes with the weights, and is still run in Jinja's sandbox. Tools are described to the model here;
holding it to them is `tools`' business.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import NoReturn

import jinja2
from jinja2 import meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tgi.embedded.engine import ModelCard
from tgi.embedded.failures import InferError
from tgi.embedded.requests import Function, Message, Tool, ToolCall


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """A compiled template; `knows_tools` says whether it lists tools by itself."""

    template: jinja2.Template
    knows_tools: bool
    bos_token: str
    eos_token: str


def compiled(card: ModelCard) -> ChatTemplate:
    """The card's template, ready to render."""
    environment = ImmutableSandboxedEnvironment()
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _strftime_now
    variables = meta.find_undeclared_variables(environment.parse(card.chat_template))
    template = environment.from_string(card.chat_template)
    return ChatTemplate(template, "tools" in variables, card.bos_token, card.eos_token)


def render(chat: ChatTemplate, messages: Sequence[Message], tools: Sequence[Tool], tool_prompt: str) -> str:
    """The prompt. A last turn by the assistant is continued instead of answered. Raises `InferError`."""
    turns = list(messages)
    if tools and turns and turns[-1].tool_calls is None:
        turns[-1] = replace(turns[-1], content=turns[-1].content + _tool_text(chat, tools, tool_prompt))
    told = [{"role": turn.role, "content": _content(turn)} for turn in turns]
    try:
        rendered = chat.template.render(
            messages=told,
            bos_token=chat.bos_token,
            eos_token=chat.eos_token,
            add_generation_prompt=True,
            tools=[tool_json(tool) for tool in tools] or None,
        )
    except jinja2.TemplateError as error:
        raise InferError("template_error", f"Template error: {error}") from error
    return _continued(rendered, told[-1]) if told and told[-1]["role"] == "assistant" else rendered


def tool_json(tool: Tool) -> dict[str, object]:
    """A tool as TGI writes it into prompts: its schema is a JSON string."""
    return {"type": tool.type, "function": function_json(tool.function)}


def function_json(function: Function) -> dict[str, object]:
    return {
        "description": function.description,
        "name": function.name,
        "arguments": compact(function.arguments),
    }


def compact(value: object) -> str:
    """JSON as serde_json writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _content(turn: Message) -> str:
    return turn.content if turn.tool_calls is None else compact([_call_json(call) for call in turn.tool_calls])


def _call_json(call: ToolCall) -> dict[str, object]:
    return {**asdict(call), "function": function_json(call.function)}


def _tool_text(chat: ChatTemplate, tools: Sequence[Tool], tool_prompt: str) -> str:
    listed = "" if chat.knows_tools else compact([tool_json(tool) for tool in tools]) + "\n"
    return f"\n---\n{listed}{tool_prompt}"


def _continued(rendered: str, last: dict[str, str]) -> str:
    found = rendered.rfind(last["content"])
    return rendered if found < 0 else rendered[: found + len(last["content"])].rstrip()


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _strftime_now(form: str) -> str:
    return datetime.now().strftime(form)
