"""OpenAI's routes as TGI serves them: chat, tools, completions, and SageMaker's union of all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tgi.embedded.conftest import ANSWER, Ask
from tgi.embedded.replay import ReplayEngine

HELLO = [{"role": "user", "content": "Hello"}]
CHAT: dict[str, Any] = {"model": "tgi", "messages": HELLO, "max_tokens": 100, "temperature": 0.0}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CALL = '{"function": {"_name": "weather", "city": "Luoyang"}}'
NO_TOOL = '{"function": {"_name": "no_tool"}}'
TOOLS: dict[str, Any] = {**CHAT, "tools": [WEATHER]}


def tool_engine(call: str) -> ReplayEngine:
    """Says `call` when tools are in the prompt, and `ANSWER` without them."""
    return ReplayEngine(ANSWER, {"Given the functions available": call})


async def test_a_chat_has_tgis_shape(backend: Ask) -> None:
    reply = await (await backend(now=lambda: 1234.5)).post("/v1/chat/completions", {**CHAT, "seed": 4})
    body = reply.json
    assert list(body) == ["object", "id", "created", "model", "system_fingerprint", "choices", "usage"]
    assert (body["object"], body["id"], body["created"], body["model"]) == ("chat.completion", "", 1234, "smollm2")
    assert body["system_fingerprint"] == "3.3.7-native"
    assert body["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": ANSWER},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    used = body["usage"]
    assert used["total_tokens"] == used["prompt_tokens"] + used["completion_tokens"]
    assert reply.headers["x-generated-tokens"] == str(used["completion_tokens"])


async def test_a_chat_stream_has_a_role_in_every_chunk_and_ends_with_done(backend: Ask) -> None:
    body = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    events = (await (await backend()).post("/v1/chat/completions", body)).events
    assert events.pop() == "[DONE]"
    last = events.pop()
    assert (last["choices"], list(last["usage"])) == ([], ["prompt_tokens", "completion_tokens", "total_tokens"])
    deltas = [e["choices"][0]["delta"] for e in events]
    assert {d["role"] for d in deltas} == {"assistant"}
    assert "".join(d["content"] for d in deltas) == ANSWER
    assert [e["choices"][0]["finish_reason"] for e in events][-2:] == [None, "stop"]
    assert {e["object"] for e in events} == {"chat.completion.chunk"}
    assert {e["usage"] for e in events} == {None}


@pytest.mark.parametrize(
    ("extra", "reason"),
    [({}, "stop"), ({"max_tokens": 2}, "length"), ({"stop": ["open"]}, "stop_sequence")],
)
async def test_reasons_are_tgis(backend: Ask, extra: dict[str, Any], reason: str) -> None:
    body = (await (await backend()).post("/v1/chat/completions", {**CHAT, **extra})).json
    assert body["choices"][0]["finish_reason"] == reason


async def test_logprobs_follow_the_tokens(backend: Ask) -> None:
    body = {**CHAT, "logprobs": True, "top_logprobs": 2}
    client = await backend()
    whole = (await client.post("/v1/chat/completions", body)).json["choices"][0]["logprobs"]["content"]
    assert list(whole[0]) == ["token", "logprob", "top_logprobs"]
    assert len(whole[0]["top_logprobs"]) == 2
    events = (await client.post("/v1/chat/completions", {**body, "stream": True})).events[:-1]
    assert [e["choices"][0]["logprobs"]["content"][0]["token"] for e in events] == [t["token"] for t in whole]


async def test_the_model_repeats_the_name_it_was_given(backend: Ask) -> None:
    client = await backend()
    assert (await client.post("/v1/chat/completions", {**CHAT, "model": "gpt-9"})).json["model"] == "gpt-9"


async def test_a_last_turn_by_the_assistant_is_continued(backend: Ask) -> None:
    messages = [*HELLO, {"role": "assistant", "content": "Well, "}]
    text = (await (await backend()).post("/chat_tokenize", {"messages": messages})).json["templated_text"]
    assert text.endswith("<|im_start|>assistant\nWell,")


async def test_chat_tokenize_shows_the_prompt_and_its_tokens(backend: Ask) -> None:
    body = (await (await backend()).post("/chat_tokenize", {"messages": HELLO})).json
    assert body["templated_text"] == "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    assert "".join(t["text"] for t in body["tokenize_response"]) == body["templated_text"]


async def test_a_tool_is_called_with_arguments_as_text(backend: Ask) -> None:
    reply = await (await backend(tool_engine(CALL))).post("/v1/chat/completions", TOOLS)
    message = reply.json["choices"][0]["message"]
    function = {"description": None, "name": "weather", "arguments": '{"city":"Luoyang"}'}
    assert message == {"role": "assistant", "tool_calls": [{"id": "0", "type": "function", "function": function}]}


async def test_a_streamed_tool_call_names_itself_first_and_its_arguments_join_to_json(backend: Ask) -> None:
    client = await backend(tool_engine(CALL))
    events = (await client.post("/v1/chat/completions", {**TOOLS, "stream": True})).events
    assert events.pop() == "[DONE]"
    calls = [e["choices"][0]["delta"]["tool_calls"][0] for e in events if "tool_calls" in e["choices"][0]["delta"]]
    assert [c["function"]["name"] for c in calls if c["function"]["name"]] == ["weather"]
    assert {c["id"] for c in calls} == {"0"}
    written = "".join(c["function"]["arguments"] for c in calls)
    assert json.loads(written) == {"city": "Luoyang"}


@pytest.mark.parametrize("stream", [False, True])
async def test_no_tool_asks_again_without_tools(backend: Ask, stream: bool) -> None:
    client = await backend(tool_engine(NO_TOOL))
    reply = await client.post("/v1/chat/completions", {**TOOLS, "stream": stream})
    if stream:
        said = "".join(e["choices"][0]["delta"]["content"] for e in reply.events[:-1])
    else:
        said = reply.json["choices"][0]["message"]["content"]
    assert said == ANSWER


async def test_a_tool_choice_of_none_answers_in_text(backend: Ask) -> None:
    reply = await (await backend(tool_engine(CALL))).post("/v1/chat/completions", {**TOOLS, "tool_choice": "none"})
    assert reply.json["choices"][0]["message"]["content"] == ANSWER


TOOL_ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"tool_choice": "unheard"}, "Tool error: Tool with name unheard not found"),
    (
        {"response_format": {"type": "json", "value": {"properties": {}}}},
        "Tool error: Grammar and tools are mutually exclusive",
    ),
    ({"tool_choice": "required", "max_tokens": 3}, "Tool error: Failed to parse generated text"),
]


@pytest.mark.parametrize(("extra", "error"), TOOL_ERRORS)
async def test_tool_errors_are_422(backend: Ask, extra: dict[str, Any], error: str) -> None:
    reply = await (await backend(tool_engine(CALL))).post("/v1/chat/completions", {**TOOLS, **extra})
    assert (reply.status, reply.json["error_type"]) == (422, "tool_error")
    assert reply.json["error"].startswith(error)


async def test_a_response_format_holds_the_answer(backend: Ask) -> None:
    schema = {"properties": {"gate": {"type": "string"}}, "required": ["gate"]}
    body = {**CHAT, "response_format": {"type": "json_schema", "value": {"name": "g", "schema": schema}}}
    reply = await (await backend(ReplayEngine('{"gate": "Hangu"}'))).post("/v1/chat/completions", body)
    assert json.loads(reply.json["choices"][0]["message"]["content"]) == {"gate": "Hangu"}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
async def test_errors_in_openai_streams_are_events_that_always_say_422(backend: Ask, path: str) -> None:
    client = await backend(ReplayEngine(ANSWER, failing=True))
    body = {"messages": HELLO, "prompt": "Hello", "stream": True}
    reply = await client.post(path, body)
    assert reply.status == 200
    error = {"message": "Request failed during generation: the replay was told to fail", "http_status_code": 422}
    assert reply.events == [{"error": error}, "[DONE]"]


async def test_errors_of_whole_chats_have_tgis_shape(backend: Ask) -> None:
    reply = await (await backend()).post("/v1/chat/completions", {**CHAT, "top_p": 1.0})
    assert (reply.status, reply.json["error_type"]) == (422, "validation")


async def test_completions_answer_every_prompt(backend: Ask) -> None:
    body = {"model": "any", "prompt": ["one", "two"], "max_tokens": 200, "temperature": 0.0}
    reply = (await (await backend(ReplayEngine("A", {"two": "B"}))).post("/v1/completions", body)).json
    assert (reply["object"], reply["model"]) == ("text_completion", "smollm2")
    assert [(c["index"], c["text"], c["finish_reason"]) for c in reply["choices"]] == [
        (0, "A", "stop"),
        (1, "B", "stop"),
    ]


async def test_completion_streams_take_turns(backend: Ask) -> None:
    body = {"prompt": ["one", "two"], "max_tokens": 200, "temperature": 0.0, "stream": True}
    events = (await (await backend(ReplayEngine("12", {"two": "B"}))).post("/v1/completions", body)).events
    assert events.pop() == "[DONE]"
    choices = [e["choices"][0] for e in events]
    assert [(c["index"], c["text"], c["finish_reason"]) for c in choices] == [
        (0, "1", ""),
        (1, "B", ""),
        (0, "2", ""),
        (1, "<|im_end|>", "eos_token"),
        (0, "<|im_end|>", "eos_token"),
    ]
    assert ["usage" in e for e in events] == [False, False, False, True, True]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"prompt": "a", "suffix": "b"}, "suffix not supported"),
        ({"prompt": ["a"] * 5}, "batch size exceeded"),
        ({"prompt": ""}, "validation"),
    ],
)
async def test_completions_that_are_refused(backend: Ask, body: dict[str, Any], kind: str) -> None:
    reply = await (await backend()).post("/v1/completions", body)
    assert (reply.status, reply.json["error_type"]) == (422, kind)


async def test_an_empty_list_of_prompts_is_no_request(backend: Ask) -> None:
    reply = await (await backend()).post("/v1/completions", {"prompt": []})
    assert (reply.status, reply.headers["content-type"].split(";")[0]) == (422, "text/plain")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"inputs": "x", "messages": HELLO, "parameters": {}}, lambda r: r[0]["generated_text"]),
        ({"messages": HELLO, "prompt": "x"}, lambda r: r["choices"][0]["message"]["content"]),
        ({"prompt": "x"}, lambda r: r["choices"][0]["text"]),
    ],
)
async def test_an_invocation_runs_as_the_first_shape_that_fits(backend: Ask, body: dict[str, Any], path: Any) -> None:
    reply = await (await backend()).post("/invocations", body)
    assert path(reply.json).endswith(ANSWER)
