"""Whatever JSON arrives, the reply is one that TGI gives: never a 500, never a broken stream."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tgi.embedded.conftest import Client, serving
from tgi.embedded.replay import ReplayEngine
from tgi.embedded.shapes import PARAMETERS

ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**65) | st.floats(-3, 3) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
GRAMMAR = st.fixed_dictionaries(
    {"type": st.sampled_from(["json", "regex", "json_schema", "ebnf"]), "value": ANYTHING | st.just({"properties": {}})}
)
LIKELY: dict[str, st.SearchStrategy[Any]] = {
    "best_of": st.integers(0, 3),
    "temperature": st.floats(-1, 2),
    "repetition_penalty": st.floats(-1, 2),
    "frequency_penalty": st.floats(-3, 3),
    "top_k": st.integers(-1, 60),
    "top_p": st.floats(-0.5, 1.5),
    "typical_p": st.floats(-0.5, 1.5),
    "max_new_tokens": st.integers(0, 20),
    "truncate": st.integers(0, 5000),
    "seed": st.integers(0, 2**64 - 1),
    "top_n_tokens": st.integers(0, 6),
    "stop": st.lists(st.text(max_size=3), max_size=5),
    "grammar": GRAMMAR,
}
PARAMETER_VALUES = {name: LIKELY.get(name, st.booleans()) | ANYTHING for name in PARAMETERS}
TURN = st.fixed_dictionaries({}, optional={"role": st.text(max_size=5), "content": st.text(max_size=9) | ANYTHING})
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "inputs": st.text(max_size=20) | ANYTHING,
    "parameters": st.fixed_dictionaries({}, optional=PARAMETER_VALUES),
    "stream": st.booleans(),
    "messages": st.lists(TURN, max_size=3) | ANYTHING,
    "prompt": st.text(max_size=9) | st.lists(st.text(max_size=5), max_size=5),
    "max_tokens": st.integers(0, 20),
    "temperature": st.floats(0, 2),
    "top_p": st.floats(0, 1.2),
    "tools": ANYTHING,
    "tool_choice": ANYTHING,
    "response_format": GRAMMAR,
    "stop": LIKELY["stop"],
}
BODIES = st.fixed_dictionaries({}, optional=FIELDS) | ANYTHING
PATHS = st.sampled_from(
    ["/", "/generate", "/generate_stream", "/v1/chat/completions", "/v1/completions", "/invocations", "/tokenize", "/chat_tokenize"]
)  # fmt: skip


@pytest.mark.parametrize("certainty", [0.9999, 0.5])
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=PATHS, body=BODIES)
async def test_every_body_gets_a_reply_of_tgis(certainty: float, path: str, body: Any) -> None:
    engine = ReplayEngine("An answer 关.", certainty=certainty)
    async with serving(engine) as url, aiohttp.ClientSession() as http:
        data = json.dumps(body, ensure_ascii=True).encode()
        reply = await Client(http, url).post(path, data=data, headers={"content-type": "application/json"})
    assert reply.status in (200, 400, 422, 424)
    if reply.headers["content-type"] == "text/event-stream":
        assert reply.events
    elif reply.headers["content-type"] == "application/json":
        assert reply.json is not None
    else:
        assert reply.status in (400, 422)
    assert engine.active == 0
