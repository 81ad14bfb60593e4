"""Laws and tables of requests: every string is a passage at its place, and what is sent on is what was inspected."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.core.exchange import Action, Kind, Passage
from gateway.core.ports import Ask
from gateway.core.verdict import Code, Refuse
from tests.tgi.wire.bodies import REQUESTS, SCHEMA
from tests.tgi.wire.relay import filled, swapped
from tgi.wire import Limits, OpenAIWire, TgiWire
from tgi.wire.draft import CannotPutBack
from tgi.wire.strict import parse

WIRE = TgiWire("smollm2")
ROUTES = {route.path: route for route in WIRE.routes}
CHAT = "/v1/chat/completions"


def read(path: str, body: object, wire: TgiWire | OpenAIWire = WIRE) -> Ask:
    routes = {route.path: route for route in wire.routes}
    ask = wire.read(routes[path], orjson.dumps(body))
    assert not isinstance(ask, Refuse), ask
    return ask


def sent(ask: Ask) -> Any:
    return orjson.loads(ask.request(filled(ask)).body)


@given(REQUESTS)
@settings(max_examples=150, deadline=None)
def test_what_is_sent_on_reads_as_what_came(request: tuple[str, dict[str, Any]]) -> None:
    path, body = request
    ask = read(path, body)
    forwarded = ask.request(filled(ask))
    again = WIRE.read(ROUTES[forwarded.path], forwarded.body)
    assert not isinstance(again, Refuse), again
    assert _but_model(again.passages) == _but_model(ask.passages)
    told = {
        "logprobs": ask.parameters.logprobs,
        "alternatives": ask.parameters.alternatives,
    }  # never forwarded on generate
    expected = replace(ask.parameters, **told)
    assert replace(again.parameters, **told, sampling=ask.parameters.sampling) == expected or path == "/tokenize"
    assert again.request(filled(again)).body == forwarded.body


def _but_model(passages: tuple[Passage, ...]) -> list[Passage]:
    """A model's name is routed, not forwarded."""
    return sorted((passage for passage in passages if passage.where != "model"), key=lambda passage: passage.where)


@given(REQUESTS, st.data())
@settings(max_examples=150, deadline=None)
def test_replacing_a_passage_changes_exactly_that_string(
    request: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    path, body = request
    ask = read(path, body)
    exchange = filled(ask)
    before = _leaves(orjson.loads(ask.request(exchange).body))
    assume(ask.passages)
    at = data.draw(st.integers(0, len(ask.passages) - 1))
    passage = ask.passages[at]
    assume(passage.where != "model")
    new = '{"redacted":[1]}' if passage.text.startswith("{") and passage.kind is not Kind.PROSE else 'redacted\u2028"'
    after = _leaves(orjson.loads(ask.request(swapped(exchange, at, new)).body))
    changed = {place for place in before.keys() | after.keys() if before.get(place) != after.get(place)}
    assert all(place.startswith(_forwarded_as(passage.where)) for place in changed)
    assert changed or passage.text == new
    assert ask.request(exchange).body == ask.request(filled(ask)).body


def _forwarded_as(where: str) -> str:
    return where.replace("function.arguments", "function.parameters") if where.startswith("tools") else where


def _leaves(value: object, place: str = "") -> dict[str, object]:
    if isinstance(value, dict) and value:
        return {
            k: v for key, item in value.items() for k, v in _leaves(item, f"{place}.{key}" if place else key).items()
        }
    if isinstance(value, list) and value:
        return {k: v for i, item in enumerate(value) for k, v in _leaves(item, f"{place}[{i}]").items()}
    return {place: value}


@given(REQUESTS)
@settings(max_examples=150, deadline=None)
def test_every_string_that_goes_out_is_a_passage_or_a_word_of_ours(request: tuple[str, dict[str, Any]]) -> None:
    path, body = request
    ask = read(path, body)
    known = {passage.text for passage in ask.passages}
    inside = [json.loads(p.text) for p in ask.passages if p.text.startswith("{") and _is_json(p.text)]
    known |= {text for value in inside for text in _strings(value)}
    ours = {
        "system",
        "user",
        "assistant",
        "tool",
        "text",
        "image_url",
        "function",
        "auto",
        "none",
        "required",
        "low",
        "tgi",
    }
    ours |= {"regex", "json", "json_object", "json_schema"}
    assert set(_values(sent(ask))) <= known | ours


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(text for item in value.values() for text in _strings(item))]
    return _values(value)


def _values(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for item in items for text in _values(item)]


@given(SCHEMA, st.data())
@settings(max_examples=100, deadline=None)
def test_a_key_that_comes_twice_is_found_at_every_level(tree: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(tree, ensure_ascii=data.draw(st.booleans()))
    assert parse(text.encode(), Limits()) == orjson.loads(text)
    objects = _objects(tree)
    assume(objects)
    victim = data.draw(st.sampled_from(objects))
    key = data.draw(st.sampled_from(sorted(victim)))
    marker = "\ue000marker"
    victim[marker] = 0
    text = json.dumps(tree).replace(json.dumps(marker), json.dumps(key))
    refusal = parse(text.encode(), Limits())
    assert isinstance(refusal, Refuse)
    assert refusal.code is Code.JSON_DUPLICATE_KEY


def _objects(value: object) -> list[dict[str, Any]]:
    """The objects in it that have a key to repeat."""
    if isinstance(value, dict):
        return [*([value] if value else []), *(found for item in value.values() for found in _objects(item))]
    return [found for item in value for found in _objects(item)] if isinstance(value, list) else []


def test_every_string_of_a_chat_has_its_place_role_and_kind() -> None:
    ask = read(CHAT, _FULL)
    assert {(p.where, p.role, p.kind, p.text) for p in ask.passages} == {
        ("model", "parameter", Kind.IDENTIFIER, "smollm2"),
        ("messages[0].content", "system", Kind.PROSE, "rules"),
        ("messages[1].content[0].text", "user", Kind.PROSE, "look"),
        ("messages[1].content[1].image_url.url", "user", Kind.URL, "https://a/b.png"),
        ("messages[1].name", "user", Kind.IDENTIFIER, "ana"),
        ("messages[2].tool_calls[0].id", "assistant", Kind.IDENTIFIER, "c1"),
        ("messages[2].tool_calls[0].function.name", "assistant", Kind.IDENTIFIER, "see"),
        ("messages[2].tool_calls[0].function.arguments", "assistant", Kind.ARGUMENTS, '{"at":1}'),
        ("messages[3].content", "tool", Kind.PROSE, "a gate"),
        ("messages[3].tool_call_id", "tool", Kind.IDENTIFIER, "c1"),
        ("tools[0].function.name", "tool_definition", Kind.IDENTIFIER, "see"),
        ("tools[0].function.description", "tool_definition", Kind.PROSE, "sees"),
        ("tools[0].function.parameters", "tool_definition", Kind.SCHEMA, '{"type":"object","properties":{}}'),
        ("tool_choice.function.name", "parameter", Kind.IDENTIFIER, "see"),
        ("tool_prompt", "tool_definition", Kind.PROSE, "use them"),
        ("stop[0]", "parameter", Kind.IDENTIFIER, "end"),
        ("user", "parameter", Kind.IDENTIFIER, "u-1"),
    }
    assert ask.parameters.tools == ("see",)
    assert ask.parameters.structured
    assert (ask.parameters.max_tokens, ask.parameters.sampling) == (7, ("temperature",))


_FULL: dict[str, Any] = {
    "model": "smollm2",
    "messages": [
        {"role": "developer", "content": "rules"},
        {
            "role": "user",
            "name": "ana",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "auto"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "annotations": [],
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "see", "arguments": '{"at":1}'}},
            ],
        },
        {"role": "tool", "content": "a gate", "tool_call_id": "c1"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {"name": "see", "description": "sees", "parameters": {"type": "object", "properties": {}}},
        }
    ],
    "tool_choice": {"type": "function", "function": {"name": "see"}},
    "tool_prompt": "use them",
    "stop": "end",
    "user": "u-1",
    "max_completion_tokens": 7,
    "temperature": 0.5,
    "top_p": 1,
    "n": 1,
    "store": False,
    "metadata": {"a": "b"},
    "service_tier": "auto",
    "parallel_tool_calls": True,
    "logit_bias": {},
    "stream_options": None,
}


@pytest.mark.parametrize(
    ("path", "body", "action", "forwarded", "streaming"),
    [
        ("/", {"inputs": "a"}, Action.GENERATE, "/generate", False),
        ("/", {"inputs": "a", "stream": True}, Action.GENERATE, "/generate_stream", True),
        ("/generate", {"inputs": "a"}, Action.GENERATE, "/generate", False),
        ("/generate_stream", {"inputs": "a"}, Action.GENERATE, "/generate_stream", True),
        ("/tokenize", {"inputs": "a"}, Action.TOKENIZE, "/tokenize", False),
        ("/chat_tokenize", {"messages": [{"role": "user", "content": "a"}]}, Action.TOKENIZE, "/chat_tokenize", False),
        ("/invocations", {"inputs": "a", "stream": True}, Action.GENERATE, "/generate_stream", True),
        ("/invocations", {"prompt": "a"}, Action.COMPLETE, "/v1/completions", False),
        ("/invocations", {"messages": [{"role": "user", "content": "a"}]}, Action.CHAT, CHAT, False),
        ("/v1/completions", {"prompt": "a", "stream": True}, Action.COMPLETE, "/v1/completions", True),
    ],
)
def test_each_route_is_sent_on_as_exactly_one_plain_route(
    path: str, body: dict[str, Any], action: Action, forwarded: str, streaming: bool
) -> None:
    ask = read(path, body)
    request = ask.request(filled(ask))
    assert (ask.action, request.path, request.streaming, ask.streaming) == (action, forwarded, streaming, streaming)


@pytest.mark.parametrize(
    ("path", "action"), [("/info", Action.INFO), ("/health", Action.HEALTH), ("/v1/models", Action.MODELS)]
)
def test_routes_without_a_body_are_asked_as_they_are(path: str, action: Action) -> None:
    ask = WIRE.read(ROUTES[path], b"")
    assert not isinstance(ask, Refuse)
    request = ask.request(filled(ask))
    assert (ask.action, ask.model, request.method, request.path, request.body) == (action, "smollm2", "GET", path, b"")


@pytest.mark.parametrize(
    ("asked", "model"), [("tgi", "smollm2"), (None, "smollm2"), ("", "smollm2"), ("other", "other")]
)
def test_a_model_nobody_named_is_the_default_one(asked: str | None, model: str) -> None:
    assert read(CHAT, {"model": asked, "messages": [{"role": "user", "content": "a"}]}).model == model


def test_tgi_is_never_told_a_model_that_it_would_take_for_an_adapter() -> None:
    assert sent(read(CHAT, {"model": "other", "messages": [{"role": "user", "content": "a"}]}))["model"] == "tgi"


def test_text_that_may_not_be_told_is_not_asked_for() -> None:
    parameters = {"top_n_tokens": 3, "decoder_input_details": True, "return_full_text": True, "details": False}
    ask = read("/generate", {"inputs": "a", "parameters": parameters})
    forwarded = sent(ask)["parameters"]
    assert (ask.parameters.alternatives, ask.parameters.logprobs) == (3, True)
    assert forwarded == {"details": True, "return_full_text": False}


def test_sampling_without_parameters_stays_as_tgi_has_it() -> None:
    assert sent(read("/generate", {"inputs": "a"}))["parameters"]["do_sample"] is True
    assert "do_sample" not in sent(read("/generate", {"inputs": "a", "parameters": {}}))["parameters"]


@pytest.mark.parametrize(
    ("given", "forwarded"),
    [
        ({"type": "text"}, None),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": {"properties": {}}}},
            {"type": "json_schema", "value": {"name": "n", "strict": True, "schema": {"properties": {}}}},
        ),
        ({"type": "json", "value": '{"properties":{}}'}, {"type": "json", "value": {"properties": {}}}),
        ({"type": "regex", "value": "a+"}, {"type": "regex", "value": "a+"}),
    ],
)
def test_response_formats_of_either_shape_become_tgis(given: dict[str, Any], forwarded: object) -> None:
    ask = read(CHAT, {"messages": [{"role": "user", "content": "a"}], "response_format": given})
    assert sent(ask).get("response_format") == forwarded
    assert ask.parameters.structured is (forwarded is not None)


def test_a_stage_may_lower_the_number_of_tokens() -> None:
    for path, body, place in (
        ("/generate", {"inputs": "a", "parameters": {"max_new_tokens": 900}}, ["parameters", "max_new_tokens"]),
        (CHAT, {"messages": [{"role": "user", "content": "a"}]}, ["max_tokens"]),
    ):
        ask = read(path, body)
        exchange = filled(ask)
        lowered = replace(exchange, parameters=replace(exchange.parameters, max_tokens=5))
        value = orjson.loads(ask.request(lowered).body)
        for key in place:
            value = value[key]
        assert value == 5


def test_a_stage_that_loses_or_breaks_a_passage_stops_the_request() -> None:
    ask = read(CHAT, _FULL)
    exchange = filled(ask)
    schema = next(i for i, passage in enumerate(ask.passages) if passage.where == "tools[0].function.parameters")
    elsewhere = (replace(exchange.passages[0], where="messages[9].content"), *exchange.passages[1:])
    for broken in (
        replace(exchange, passages=exchange.passages[1:]),
        replace(exchange, passages=elsewhere),
        swapped(exchange, schema, '{"type":'),
        swapped(exchange, schema, '"a string"'),
    ):
        with pytest.raises(CannotPutBack) as caught:
            ask.request(broken)
        assert caught.value.code is Code.STAGE_FAILED


@pytest.mark.parametrize(
    ("path", "body", "becomes"),
    [
        ("/generate", {"inputs": "hi"}, {"seed": 5, "watermark": True, "do_sample": True}),
        ("/generate", {"inputs": "hi", "parameters": {"seed": 1, "do_sample": False}}, {"seed": 5, "watermark": True, "do_sample": True}),
        ("/generate", {"inputs": "hi", "parameters": {"best_of": 2, "do_sample": True}}, {"seed": None, "watermark": True}),
    ],
)  # fmt: skip
def test_tgis_own_routes_are_asked_for_seed_draw_and_mark(
    path: str, body: dict[str, object], becomes: dict[str, object]
) -> None:
    kept = drawn(read(path, body))["parameters"]
    assert {name: kept.get(name) for name in becomes} == becomes


@pytest.mark.parametrize(("asked", "told"), [({"temperature": 0}, 1.0), ({"temperature": 0.4}, 0.4), ({}, None)])
def test_chat_routes_are_asked_for_seed_and_draw_and_know_no_mark(asked: dict[str, float], told: float | None) -> None:
    body = drawn(read(CHAT, {"messages": [{"role": "user", "content": "hi"}], **asked}))
    assert (body["seed"], body.get("temperature"), "watermark" in body) == (5, told, False)


def drawn(ask: Ask) -> Any:
    """What is sent when a stage wants the tokens drawn in a way of its own."""
    parameters = ask.parameters.drawn(5, True, (*ask.parameters.sampling, "do_sample"))
    return orjson.loads(ask.request(filled(ask).asking(parameters)).body)


@pytest.mark.parametrize("path", ["/generate", CHAT])
def test_a_draw_s_key_reaches_the_backend_where_it_reads_parameters(path: str) -> None:
    ask = read(path, {"inputs": "hi"} if path == "/generate" else {"messages": [{"role": "user", "content": "hi"}]})
    assert b"watermark_key" not in ask.request(filled(ask)).body
    body = orjson.loads(ask.request(filled(ask).drawn_by("00ff")).body)
    assert (body["parameters"] if path == "/generate" else body)["watermark_key"] == "00ff"
