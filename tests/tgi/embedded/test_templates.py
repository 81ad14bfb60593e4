"""Messages become prompts, tools become schemas."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tgi.embedded.failures import InferError
from tgi.embedded.replay import ReplayEngine
from tgi.embedded.requests import Function, Message, Tool, ToolCall
from tgi.embedded.templates import compiled, render
from tgi.embedded.tools import next_call_id, offered, parse_call, schema

CARD = ReplayEngine("x").card
CHATML = compiled(CARD)
WEATHER = Tool("function", Function("weather", {"properties": {"city": {"type": "string"}}, "required": ["city"]}, "w"))


def called(*ids: str) -> Message:
    return Message("assistant", tool_calls=[ToolCall(i, "function", Function("weather", {"city": "X"})) for i in ids])


def test_calls_in_the_history_are_shown_as_json() -> None:
    shown = render(CHATML, [called("0"), Message("user", "and?")], [], "")
    arguments = r'"arguments":"{\"city\":\"X\"}"'
    call = '{"id":"0","type":"function","function":{"description":null,"name":"weather",' + arguments + "}}"
    assert f"<|im_start|>assistant\n[{call}]<|im_end|>" in shown


def test_tools_are_described_at_the_end_of_the_last_message() -> None:
    shown = render(CHATML, [Message("user", "hi")], [WEATHER], "Choose.")
    assert 'hi\n---\n[{"type":"function","function":{"description":"w","name":"weather"' in shown
    assert shown.endswith("]\nChoose.<|im_end|>\n<|im_start|>assistant\n")


def test_a_template_that_lists_tools_itself_gets_only_the_prompt() -> None:
    own = compiled(replace(CARD, chat_template="{{ tools[0].function.name }}|{{ messages[0].content }}"))
    assert render(own, [Message("user", "hi")], [WEATHER], "Choose.") == "weather|hi\n---\nChoose."


@pytest.mark.parametrize("template", ["{{ raise_exception('no system turn') }}", "{{ messages[0].nothing.at.all }}"])
def test_a_template_that_refuses_is_a_template_error(template: str) -> None:
    with pytest.raises(InferError) as refused:
        render(compiled(replace(CARD, chat_template=template)), [Message("user", "hi")], [], "")
    assert (refused.value.kind, refused.value.status) == ("template_error", 422)


def test_a_template_cannot_reach_python() -> None:
    with pytest.raises(InferError, match="unsafe"):
        render(compiled(replace(CARD, chat_template="{{ ''.__class__.__mro__ }}")), [Message("user", "hi")], [], "")


def test_a_template_knows_the_date() -> None:
    dated = compiled(replace(CARD, chat_template="{{ strftime_now('%%') }}{{ bos_token }}"))
    assert render(dated, [Message("user", "hi")], [], "") == "%<|im_start|>"


def test_no_message_is_an_empty_prompt_with_the_answers_head() -> None:
    assert render(CHATML, [], [], "") == "<|im_start|>assistant\n"


@pytest.mark.parametrize(
    ("choice", "names"),
    [("none", []), ("required", ["weather"]), ("auto", ["weather", "no_tool"]), ("=weather", ["weather"])],
)
def test_a_choice_says_which_tools_are_offered(choice: str, names: list[str]) -> None:
    assert [tool.function.name for tool in offered([WEATHER], choice)] == names


def test_a_schema_binds_the_call_to_one_tool_and_its_arguments() -> None:
    made = schema([WEATHER])
    assert made["properties"] == {"function": {"anyOf": [{"$ref": "#/$functions/weather"}]}}
    functions = made["$functions"]
    assert isinstance(functions, dict)
    assert functions["weather"]["required"] == ["_name", "city"]
    assert functions["weather"]["properties"]["_name"] == {"type": "string", "const": "weather"}


def test_arguments_that_are_no_schema_add_nothing() -> None:
    made = schema([Tool("function", Function("ping", "anything"))])["$functions"]
    assert made == {"ping": {"description": "", "properties": {"_name": {"type": "string", "const": "ping"}}, "required": ["_name"]}}  # fmt: skip


@pytest.mark.parametrize("text", ["", "{", "[]", '{"function": 1}', '{"function": {}}', '{"function": {"_name": 1}}'])
def test_what_is_no_call_is_none(text: str) -> None:
    assert parse_call(text) is None


@pytest.mark.parametrize(
    ("messages", "expected"), [([], "0"), ([called("0", "4")], "5"), ([called("1"), called("2")], "3")]
)
def test_call_ids_count_on(messages: list[Message], expected: str) -> None:
    assert next_call_id(messages) == expected


def test_call_ids_that_are_no_numbers_are_followed_by_a_uuid() -> None:
    assert len(next_call_id([called("call_x")])) == 36
