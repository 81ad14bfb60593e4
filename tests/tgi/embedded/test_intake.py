"""Bodies are read as strictly as TGI reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgi.embedded import requests, shapes
from tgi.embedded.intake import BadBody, parse_json, read

CASES: list[tuple[bytes, int, str]] = [
    (b"", 400, "Failed to parse the request body as JSON"),
    (b"{", 400, "Failed to parse the request body as JSON"),
    (b'{"inputs": NaN}', 400, "expected value, found NaN"),
    (b'{"inputs": "a", "parameters": {"temperature": 1e999}}', 400, "number out of range"),
    (b'{"inputs": "\\ud800"}', 400, "Failed to parse the request body as JSON"),
    (b'{"inputs": "\xff"}', 400, "Failed to parse the request body as JSON"),
    (b"[" * 200 + b"]" * 200, 400, "recursion limit exceeded"),
    (b"[" * 100_000, 400, "recursion limit exceeded"),
    (b"{}", 422, "missing field `inputs`"),
    (b"[]", 422, "invalid type: sequence, expected struct GenerateRequest"),
    (b'{"inputs": 3}', 422, "inputs: invalid type: integer `3`, expected a string"),
    (b'{"inputs": null}', 422, "inputs: invalid type: null, expected a string"),
    (b'{"inputs": "a", "inputs": "b"}', 422, "duplicate field `inputs`"),
    (b'{"inputs": "a", "parameters": null}', 422, "parameters: invalid type: null, expected struct GenerateParameters"),
    (b'{"inputs": "a", "parameters": {"temperature": "hot"}}', 422, 'temperature: invalid type: string "hot"'),
    (b'{"inputs": "a", "parameters": {"temperature": true}}', 422, "temperature: invalid type: boolean `true`"),
    (b'{"inputs": "a", "parameters": {"max_new_tokens": -1}}', 422, "invalid value: integer `-1`, expected u32"),
    (b'{"inputs": "a", "parameters": {"max_new_tokens": 1.5}}', 422, "floating point `1.5`, expected u32"),
    (b'{"inputs": "a", "parameters": {"max_new_tokens": true}}', 422, "boolean `true`, expected u32"),
    (b'{"inputs": "a", "parameters": {"seed": 18446744073709551616}}', 422, "expected u64"),
    (b'{"inputs": "a", "parameters": {"watermark": null}}', 422, "watermark: invalid type: null, expected a boolean"),
    (b'{"inputs": "a", "parameters": {"stop": "x"}}', 422, 'stop: invalid type: string "x", expected a sequence'),
    (b'{"inputs": "a", "parameters": {"grammar": {"type": "ebnf", "value": ""}}}', 422, "unknown variant `ebnf`"),
    (b'{"inputs": "a", "parameters": {"grammar": {"type": "json"}}}', 422, "missing field `value`"),
    (b'{"inputs": "a", "parameters": {"grammar": {"type": "regex", "value": {}}}}', 422, "expected a string"),
]


@pytest.mark.parametrize(("body", "status", "text"), CASES)
def test_what_is_not_a_request_is_refused(body: bytes, status: int, text: str) -> None:
    with pytest.raises(BadBody) as refused:
        read(body, shapes.generate)
    assert refused.value.status == status
    assert text in refused.value.text


CHAT_CASES: list[tuple[dict[str, Any], str]] = [
    ({"messages": [{"role": "user"}]}, "did not match any variant of untagged enum MessageBody"),
    ({"messages": [{"content": "hi"}]}, "messages[0]: missing field `role`"),
    ({"messages": [{"role": "user", "content": [{"type": "audio"}]}]}, "MessageBody"),
    ({"messages": [], "max_tokens": 1, "max_completion_tokens": 2}, "duplicate field `max_tokens`"),
    ({"messages": [], "tools": [{"type": "function"}]}, "tools[0]: missing field `function`"),
    ({"messages": [], "tool_choice": 3}, "ToolTypeDeserializer"),
    ({"messages": [], "stream_options": None}, "expected struct StreamOptions"),
]


@pytest.mark.parametrize(("body", "text"), CHAT_CASES)
def test_what_is_not_a_chat_is_refused(body: dict[str, Any], text: str) -> None:
    with pytest.raises(BadBody) as refused:
        read(json.dumps(body).encode(), shapes.chat)
    assert refused.value.status == 422
    assert text in refused.value.text


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.binary(max_size=60), st.text(alphabet='{}[]",:0123456789.eE-+ntfau\\ ', max_size=60).map(str.encode))
)
def test_any_bytes_are_a_value_or_a_bad_body(body: bytes) -> None:
    try:
        value = parse_json(body)
    except BadBody as bad:
        assert bad.status == 400
    else:
        assert json.loads(body) == value


def test_sampling_is_the_default_only_without_parameters() -> None:
    assert read(b'{"inputs": "a"}', shapes.generate).parameters.do_sample is True
    assert read(b'{"inputs": "a", "parameters": {}}', shapes.generate).parameters.do_sample is False


def test_unknown_fields_are_ignored_even_twice() -> None:
    body = b'{"inputs": "a", "x": 1, "x": 2, "parameters": {"y": null}}'
    assert read(body, shapes.generate).inputs == "a"


def test_images_become_markdown_in_the_text() -> None:
    parts = [{"type": "text", "text": "see "}, {"type": "image_url", "image_url": {"url": "http://x/y.png"}}]
    chat = read(json.dumps({"messages": [{"role": "user", "content": parts}]}).encode(), shapes.chat)
    assert chat.messages[0].content == "see ![](http://x/y.png)"


@pytest.mark.parametrize(
    ("choice", "read_as"),
    [
        (None, "auto"),
        ("none", "none"),
        ("required", "required"),
        ("weather", "=weather"),
        ({"type": "function", "function": {"name": "weather"}}, "=weather"),
    ],
)
def test_a_tool_choice_has_four_forms(choice: object, read_as: str) -> None:
    chat = read(json.dumps({"messages": [], "tool_choice": choice}).encode(), shapes.chat)
    assert chat.tool_choice == read_as


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"inputs": "a", "messages": [], "prompt": "b"}, requests.Generate),
        ({"messages": [], "prompt": "b"}, requests.Chat),
        ({"prompt": "b"}, requests.Completion),
    ],
)
def test_an_invocation_is_the_first_shape_that_fits(body: dict[str, Any], kind: type) -> None:
    assert isinstance(read(json.dumps(body).encode(), shapes.invocation), kind)
