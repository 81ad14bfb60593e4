"""Strategies: request bodies as clients might send them, for every route that takes one."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["函谷关", '"', "\\", '\\\\"', ":{", "\x00"]
)
NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
SCHEMA = st.recursive(
    st.dictionaries(TEXT, TEXT | st.integers(-(2**63), 2**64 - 1) | st.booleans() | st.none(), max_size=3),
    lambda inner: st.dictionaries(TEXT, inner | st.lists(inner, max_size=2), max_size=3),
    max_leaves=4,
)
GRAMMAR_SCHEMA = SCHEMA.map(lambda schema: {**schema, "properties": {}})


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


def either_null(fields: dict[str, st.SearchStrategy[Any]]) -> dict[str, st.SearchStrategy[Any]]:
    return {name: st.none() | strategy for name, strategy in fields.items()}


PART = st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}) | st.fixed_dictionaries(
    {
        "type": st.just("image_url"),
        "image_url": st.fixed_dictionaries({"url": TEXT}, optional={"detail": st.just("low")}),
    }
)
CONTENT = TEXT | st.lists(PART, max_size=3)
CALL = st.fixed_dictionaries(
    {
        "id": NAME,
        "type": st.just("function"),
        "function": st.fixed_dictionaries({"name": NAME, "arguments": TEXT | SCHEMA}),
    }
)
MESSAGE = (
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant"]), "content": CONTENT}, optional={"name": NAME}
    )
    | st.fixed_dictionaries({"role": st.just("tool"), "content": TEXT, "tool_call_id": NAME})
    | st.fixed_dictionaries(
        {"role": st.just("assistant"), "content": st.none(), "tool_calls": st.lists(CALL, min_size=1, max_size=2)},
        optional={"refusal": st.none(), "annotations": st.just([]), "reasoning_content": TEXT},
    )
)
TOOL = st.fixed_dictionaries(
    {
        "type": st.just("function"),
        "function": st.fixed_dictionaries(
            {"name": NAME}, optional={"description": TEXT, "parameters": SCHEMA, "strict": st.booleans()}
        ),
    }
)
STOP = TEXT | st.lists(TEXT, max_size=4)
_OPENAI = either_null(
    {
        "model": NAME,
        "max_tokens": st.integers(1, 2**32 - 1),
        "temperature": st.floats(0, 2, width=32),
        "top_p": st.floats(0.125, 1, width=32),
        "frequency_penalty": st.floats(-2, 2, width=32),
        "stop": STOP,
        "stream": st.booleans(),
        "stream_options": some(include_usage=st.booleans()),
        "seed": st.integers(0, 2**64 - 1),
        "user": NAME,
    }
)
CHAT = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGE, min_size=1, max_size=4)},
    optional=_OPENAI
    | either_null(
        {
            "tools": st.lists(TOOL, max_size=2, unique_by=lambda tool: tool["function"]["name"]),
            "tool_choice": st.sampled_from(["auto", "none", "required"])
            | st.fixed_dictionaries({"type": st.just("function"), "function": st.fixed_dictionaries({"name": NAME})}),
            "tool_prompt": TEXT,
            "logprobs": st.booleans(),
            "presence_penalty": st.floats(-1, 2, width=32),
            "n": st.just(1),
        }
    ),
)
COMPLETION = st.fixed_dictionaries({"prompt": TEXT | st.lists(TEXT, min_size=1, max_size=4)}, optional=_OPENAI)
GRAMMAR = (
    st.fixed_dictionaries({"type": st.just("regex"), "value": TEXT})
    | st.fixed_dictionaries({"type": st.sampled_from(["json", "json_object"]), "value": GRAMMAR_SCHEMA})
    | st.fixed_dictionaries(
        {
            "type": st.just("json_schema"),
            "value": st.fixed_dictionaries({"schema": GRAMMAR_SCHEMA}, optional={"name": NAME}),
        }
    )
)
PARAMETERS = st.fixed_dictionaries(
    {},
    optional=either_null(
        {
            "temperature": st.floats(0.125, 2, width=32),
            "top_k": st.integers(1, 100),
            "top_p": st.floats(0.125, 0.875, width=32),
            "typical_p": st.floats(0.125, 0.875, width=32),
            "repetition_penalty": st.floats(0.125, 2, width=32),
            "frequency_penalty": st.floats(-2, 2, width=32),
            "do_sample": st.booleans(),
            "max_new_tokens": st.integers(1, 2**32 - 1),
            "return_full_text": st.booleans(),
            "stop": st.lists(TEXT, max_size=4),
            "truncate": st.integers(1, 4096),
            "watermark": st.booleans(),
            "details": st.booleans(),
            "decoder_input_details": st.just(False),
            "seed": st.integers(0, 2**64 - 1),
            "top_n_tokens": st.integers(0, 5),
            "grammar": GRAMMAR,
            "adapter_id": NAME,
        }
    ),
)
GENERATE = st.fixed_dictionaries({"inputs": TEXT.filter(bool)}, optional={"parameters": st.none() | PARAMETERS})
ROOT = st.fixed_dictionaries(
    {"inputs": TEXT.filter(bool)}, optional={"parameters": PARAMETERS, "stream": st.booleans()}
)

REQUESTS: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.one_of(
    st.tuples(st.just("/v1/chat/completions"), CHAT),
    st.tuples(st.just("/v1/completions"), COMPLETION),
    st.tuples(st.sampled_from(["/generate", "/generate_stream", "/tokenize"]), GENERATE),
    st.tuples(st.just("/"), ROOT),
    st.tuples(st.just("/chat_tokenize"), CHAT),
    st.tuples(st.just("/invocations"), CHAT | COMPLETION | ROOT),
)
