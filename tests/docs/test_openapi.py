"""The published document and the wire agree: what one takes the other allows. The gateway itself is tried by `tests/hardening`."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings

from docs import openapi
from gateway.core.verdict import Code, Refuse
from tests.tgi.wire import bodies
from tests.tgi.wire.hostile import HOSTILE
from tgi.wire import TgiWire

DOCUMENT = json.loads(openapi.document())
WIRE = TgiWire("tgi")
ROUTES = {route.path: route for route in WIRE.routes if route.method == "POST"}
ACROSS = ("best_of", "seed", "decoder_input_details", "response_format", "declared twice", "top_logprobs", "spells one")


def allows(path: str, body: Any) -> bool:
    schema = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "components": DOCUMENT["components"]}
    return bool(jsonschema_rs.is_valid(whole, body))


def test_every_route_is_there_and_no_other() -> None:
    told = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert told == {(route.method, route.path) for route in WIRE.routes}


def test_no_field_is_described_that_no_table_has() -> None:
    assert openapi.undescribed() == []


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(request=bodies.REQUESTS)
def test_what_the_wire_takes_the_document_allows(request: tuple[str, Any]) -> None:
    path, body = request
    if not isinstance(WIRE.read(ROUTES[path], json.dumps(body).encode()), Refuse):
        assert allows(path, body)


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case[0])
def test_a_field_or_value_that_the_wire_refuses_the_document_does_not_allow(case: Any) -> None:
    name, method, path, _, raw, code = case
    refusal = WIRE.read(ROUTES[path], raw) if method == "POST" and path in ROUTES else None
    if code not in (Code.FIELD_UNKNOWN, Code.PARAMETER_INVALID) or not isinstance(refusal, Refuse):
        return  # what is wrong with it is not a matter of schemas
    if not any(word in refusal.detail for word in ACROSS):  # rules across fields are in routes.md, in words
        assert not allows(path, json.loads(raw)), f"{name}: {refusal.detail}"
