"""Where backends differ: what OpenAI-shaped ones take beyond TGI, and what they do not have."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.core.verdict import Code, Refuse
from tests.tgi.wire.relay import filled
from tgi.wire import OpenAIWire, TgiWire

CHAT, COMPLETE = "/v1/chat/completions", "/v1/completions"
TALK = [{"role": "user", "content": "a"}]
OTHER, TGI = OpenAIWire("smollm2", served_model="org/weights"), TgiWire("smollm2")


def forwarded(wire: OpenAIWire | TgiWire, path: str, **body: Any) -> dict[str, Any] | Refuse:
    route = next(route for route in wire.routes if route.path == path)
    ask = wire.read(route, orjson.dumps(body))
    if isinstance(ask, Refuse):
        return ask
    value: dict[str, Any] = orjson.loads(ask.request(filled(ask)).body)
    return value


def test_backends_without_tgis_routes_offer_none_of_them() -> None:
    assert {(route.method, route.path) for route in OTHER.routes} == {
        ("POST", CHAT),
        ("POST", COMPLETE),
        ("GET", "/v1/models"),
        ("GET", "/health"),
    }
    assert {route.path for route in TGI.routes} >= {"/", "/generate", "/generate_stream", "/tokenize", "/invocations"}


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 3},
        {"logit_bias": {"12": -5}},
        {"top_k": -1},
        {"min_p": 0.1},
        {"repetition_penalty": 1.1},
        {"presence_penalty": -2},
        {"parallel_tool_calls": False},
        {"reasoning_effort": "low"},
        {"chat_template_kwargs": {"enable_thinking": False}},
        {"response_format": {"type": "json_object"}},
    ],
)
def test_what_only_others_honour_is_passed_on_to_them_alone(fields: dict[str, Any]) -> None:
    sent = forwarded(OTHER, CHAT, messages=TALK, **fields)
    assert isinstance(sent, dict)
    assert {key: sent[key] for key in fields} == fields
    here = forwarded(TGI, CHAT, messages=TALK, **fields)
    assert isinstance(here, Refuse) or not fields.keys() & here.keys()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"n": 9}, Code.PARAMETER_INVALID),
        ({"logit_bias": {"word": 1}}, Code.PARAMETER_INVALID),
        ({"logit_bias": {"1": 101}}, Code.PARAMETER_INVALID),
        ({"logit_bias": []}, Code.PARAMETER_INVALID),
        ({"tool_choice": "see"}, Code.PARAMETER_INVALID),
        ({"response_format": {"type": "regex", "value": "a"}}, Code.PARAMETER_INVALID),
        ({"response_format": {"type": "json_object", "value": {}}}, Code.FIELD_UNKNOWN),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}, Code.PARAMETER_INVALID),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {}, "a": 1}}}, Code.FIELD_UNKNOWN),
        ({"chat_template_kwargs": {"system": "obey"}}, Code.PARAMETER_INVALID),
        ({"guided_regex": "a"}, Code.FIELD_UNKNOWN),
        ({"generation_config": "{}"}, Code.FIELD_UNKNOWN),
        ({"extra_body": {}}, Code.FIELD_UNKNOWN),
        ({"functions": [{}]}, Code.PARAMETER_INVALID),
        ({"modalities": ["audio"]}, Code.PARAMETER_INVALID),
        ({"metadata": {"a": 1}}, Code.PARAMETER_INVALID),
        ({"metadata": {str(i): "a" for i in range(17)}}, Code.PARAMETER_INVALID),
        ({"stream_options": {"chunks": True}}, Code.PARAMETER_INVALID),
    ],
)
def test_what_others_do_not_take_is_refused_too(fields: dict[str, Any], code: Code) -> None:
    refusal = forwarded(OTHER, CHAT, messages=TALK, **fields)
    assert isinstance(refusal, Refuse)
    assert refusal.code is code


def test_the_backend_is_told_its_own_name_for_the_model() -> None:
    sent = forwarded(OTHER, CHAT, messages=TALK, model="smollm2")
    asked = forwarded(OpenAIWire("smollm2"), CHAT, messages=TALK, model="another")
    assert isinstance(sent, dict)
    assert isinstance(asked, dict)
    assert (sent["model"], asked["model"]) == ("org/weights", "another")


def test_prompts_and_choices_multiply() -> None:
    route = next(route for route in OTHER.routes if route.path == COMPLETE)
    for body in ({"prompt": ["a", "b"], "n": 3}, {"n": 3, "prompt": ["a", "b"]}):
        ask = OTHER.read(route, orjson.dumps(body))
        assert not isinstance(ask, Refuse)
        assert ask.parameters.samples == 6


def test_a_turn_of_tool_calls_is_sent_without_empty_words_that_tgi_would_take_for_all_of_it() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    sent = forwarded(TGI, CHAT, messages=[*TALK, {"role": "assistant", "content": "", "tool_calls": [call]}])
    assert isinstance(sent, dict)
    assert sent["messages"][1] == {"role": "assistant", "tool_calls": [call]}


def test_what_clients_send_by_default_is_taken_and_goes_no_further() -> None:
    idle = {
        **{"n": 1, "logit_bias": {}, "top_p": 1, "store": False, "metadata": {"a": "b"}, "service_tier": "auto"},
        **{"parallel_tool_calls": True, "safety_identifier": "x", "prompt_cache_key": "x", "verbosity": "low"},
        **{"modalities": ["text"], "functions": [], "function_call": None, "audio": None, "tools": [], "seed": None},
        **{"response_format": {"type": "text"}, "stream": False, "stream_options": {"include_obfuscation": False}},
        **{"reasoning_effort": "medium", "prompt_cache_retention": "24h", "web_search_options": None, "stop": []},
    }
    assert forwarded(TGI, CHAT, messages=TALK, **idle) == {"messages": TALK, "model": "tgi"}
    spare = {"suffix": "", "echo": False, "best_of": 1, "logprobs": None, "presence_penalty": 0, "logit_bias": {}}
    assert forwarded(TGI, COMPLETE, prompt="a", **spare) == {"prompt": "a", "model": "tgi"}
