"""What the wire refuses, each with its documented code and a detail that quotes nobody."""

from __future__ import annotations

import pytest

from gateway.core.verdict import Code, Refuse
from tests.tgi.wire.hostile import HOSTILE, Case
from tgi.wire import Limits, TgiWire

WIRE = TgiWire("smollm2")
ROUTES = {(route.method, route.path): route for route in WIRE.routes}


@pytest.mark.parametrize("case", HOSTILE, ids=[case[0] for case in HOSTILE])
def test_what_is_malformed_or_hostile_is_refused_with_its_code(case: Case) -> None:
    _, method, path, _, body, code = case
    refusal = WIRE.read(ROUTES[method, path], body)
    assert isinstance(refusal, Refuse)
    assert refusal.code is code, refusal


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"messages":[{"role":"user","content":"a"},{"role":"user","content":"a","bad":1}]}', "messages[1].bad"),
        (b'{"messages":[{"role":"user","content":[{"type":"text"}]}]}', "messages[0].content[0].text: is required"),
        (b'{"messages":[{"role":"user","content":"a"}],"13812345678":1}', "a field whose name is not a plain word"),
        (b'{"messages":[{"role":"user","content":"a"}],"stop":["a",1]}', "stop[1]: must be a string"),
    ],
)
def test_a_refusal_names_the_place_and_the_rule_but_no_value(body: bytes, detail: str) -> None:
    refusal = WIRE.read(ROUTES["POST", "/v1/chat/completions"], body)
    assert isinstance(refusal, Refuse)
    assert refusal.detail == detail


def test_limits_are_the_operators_to_set() -> None:
    small = TgiWire("smollm2", limits=Limits(max_body_bytes=64, max_messages=1))
    route = ROUTES["POST", "/v1/chat/completions"]
    two = b'{"messages":[{"role":"user","content":"a"},{"role":"user","content":"a"}]}'
    one = b'{"messages":[{"role":"user","content":"aa"}]}'
    assert isinstance(small.read(route, two), Refuse)
    assert not isinstance(small.read(route, one), Refuse)
    refused = TgiWire("smollm2", limits=Limits(max_messages=1)).read(route, two)
    assert isinstance(refused, Refuse)
    assert refused.code is Code.PARAMETER_INVALID
