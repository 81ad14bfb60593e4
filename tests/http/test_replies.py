"""Every code has a status and a body that the route's own clients can read; no body says which characters matched."""

from __future__ import annotations

import json

import pytest

from gateway.core.reply import Label
from gateway.core.verdict import Code, Finding, Refuse
from gateway.http.replies import STATUS, error_body, labelled, refusal_reply


def test_every_code_has_a_status() -> None:
    assert set(STATUS) == set(Code)


@pytest.mark.parametrize("code", list(Code))
@pytest.mark.parametrize("shape", ["tgi", "openai"])
def test_a_refusal_carries_its_code_and_the_request_id(code: Code, shape: str) -> None:
    reply = refusal_reply(Refuse(code), shape, "hx-1")
    body = json.loads(reply.body)
    error = body["error"] if shape == "openai" else body
    assert (reply.status, error["code"], error["request_id"]) == (STATUS[code], code.value, "hx-1")
    assert reply.headers["x-request-id"] == "hx-1"


def test_tgi_clients_get_the_words_they_turn_into_exceptions() -> None:
    body = json.loads(refusal_reply(Refuse(Code.PARAMETER_INVALID), "tgi", "hx-1").body)
    assert body["error_type"] == "validation" and isinstance(body["error"], str)
    assert json.loads(refusal_reply(Refuse(Code.RATE_LIMITED), "tgi", "hx-1").body)["error_type"] == "overloaded"


def test_openai_clients_get_their_four_fields() -> None:
    error = json.loads(error_body(Code.NOT_PERMITTED, "no", "openai", "hx-1"))["error"]
    assert {"message", "type", "code", "param"} <= set(error)
    assert error["type"] == "permission_error"


@pytest.mark.parametrize(("asked", "told"), [(None, "1"), (0.2, "1"), (1.2, "2"), (30.0, "30")])
def test_who_must_wait_is_told_how_long_in_whole_seconds(asked: float | None, told: str) -> None:
    reply = refusal_reply(Refuse(Code.RATE_LIMITED, retry_after=asked), "openai", "hx-1")
    assert reply.headers["retry-after"] == told


def test_a_detail_is_shown_and_findings_are_not() -> None:
    refusal = Refuse(Code.ATTACK_DETECTED, (Finding("waf", "sqli-1", "user", 3, 9),), "user: not a plain name")
    text = refusal_reply(refusal, "tgi", "hx-1").body.decode()
    assert "user: not a plain name" in text and "sqli-1" not in text


LABEL = Label({"X-AIGC": "e30"}, b'"aigc":{"Label":"1"}')


@pytest.mark.parametrize(
    ("end", "with_label"),
    [
        (b'{"a":{"b":1}}', b'{"a":{"b":1},"aigc":{"Label":"1"}}'),
        (b'[{"a":1}]', b'[{"a":1,"aigc":{"Label":"1"}}]'),
        (b'data: {"a":1}\n\n', b'data: {"a":1,"aigc":{"Label":"1"}}\n\n'),
        (b'data: {"a":1}\n\ndata: [DONE]\n\n', b'data: {"a":1,"aigc":{"Label":"1"}}\n\ndata: [DONE]\n\n'),
        (b"data: [DONE]\n\n", b"data: [DONE]\n\n"),
        (b"", b""),
    ],
)
def test_a_label_joins_the_last_object_of_a_reply_in_any_shape(end: bytes, with_label: bytes) -> None:
    assert labelled(end, LABEL) == with_label
    assert labelled(end, None) == end
