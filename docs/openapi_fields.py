"""What each field of a request may be, as JSON Schema: the words for the rules in `tgi/wire`. Which fields there are, the tables there say.

`null` means absent everywhere (docs/reference/routes.md), so `field` lets it pass. Limits are the defaults of a site.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from tgi.wire.messages import MAX_CALLS, MAX_PARTS, ROLES
from tgi.wire.scalars import F32_MAX, I32_MAX, MAX_LABELS, U32_MAX, U64_MAX
from tgi.wire.strict import Limits

Schema: TypeAlias = dict[str, Any]

LIMITS = Limits()
TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "maxLength": LIMITS.max_name_chars}
FLAG: Schema = {"type": "boolean"}
ABSENT: Schema = {"type": "null"}
ANYTHING: Schema = {}
FREE: Schema = {"type": "object"}
WITH_PROPERTIES: Schema = {"type": "object", "required": ["properties"], "properties": {"properties": ANYTHING}}


def whole(low: int, high: int) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high}


def decimal(**bounds: float) -> Schema:
    open_below = {"minimum": -F32_MAX} if not {"minimum", "exclusiveMinimum"} & bounds.keys() else {}
    open_above = {"maximum": F32_MAX} if not {"maximum", "exclusiveMaximum"} & bounds.keys() else {}
    return {"type": "number", **open_below, **open_above, **bounds}


def words(*allowed: object) -> Schema:
    return {"enum": list(allowed)}


def array(items: Schema, most: int, least: int = 0) -> Schema:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def closed(fields: dict[str, Schema], *required: str) -> Schema:
    """An object that takes these fields, each of which may be null but for the required, and no other."""
    properties = {name: schema if name in required else field(schema) for name, schema in fields.items()}
    shape: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**shape, "required": list(required)} if required else shape


def field(schema: Schema) -> Schema:
    """The schema, or null."""
    return schema if schema in (ABSENT, ANYTHING) else {"anyOf": [schema, ABSENT]}


def either(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


STOP_WORD: Schema = {"type": "string", "maxLength": LIMITS.max_stop_chars}
STOP_LIST = array(STOP_WORD, LIMITS.max_stop_sequences)
COUNT = whole(1, U32_MAX)
FRACTION = decimal(exclusiveMinimum=0, exclusiveMaximum=1)
MORE_THAN_NOTHING = decimal(exclusiveMinimum=0)
PENALTY = decimal(minimum=-2, maximum=2)

_NAMED_SCHEMA = closed({"name": NAME, "description": TEXT, "strict": FLAG, "schema": WITH_PROPERTIES}, "schema")
GRAMMAR = either(
    closed({"type": words("regex"), "value": TEXT}, "type", "value"),
    closed({"type": words("json", "json_object"), "value": WITH_PROPERTIES}, "type", "value"),
    closed({"type": words("json_schema"), "value": _NAMED_SCHEMA}, "type", "value"),
)
RESPONSE_FORMAT = either(
    closed({"type": words("text")}, "type"),
    closed({"type": words("json_schema"), "json_schema": _NAMED_SCHEMA}, "type", "json_schema"),
    GRAMMAR,
)
TOOL_CHOICE = either(
    NAME, closed({"type": words("function"), "function": closed({"name": NAME}, "name")}, "type", "function")
)
STREAM_OPTIONS = closed({"include_usage": FLAG, "include_obfuscation": FLAG})

_IMAGE = closed({"url": TEXT, "detail": words("auto", "low", "high")}, "url")
_PART = either(
    closed({"type": words("text"), "text": TEXT}, "type", "text"),
    closed({"type": words("image_url"), "image_url": _IMAGE}, "type", "image_url"),
)
_CALLED = closed(
    {"name": NAME, "arguments": either(TEXT, FREE), "description": TEXT, "parsed_arguments": ANYTHING},
    "name",
    "arguments",
)
CALL = closed(
    {"id": NAME, "type": words("function"), "function": _CALLED, "index": {"type": "integer"}}, "id", "function"
)
_FUNCTION_FIELDS: dict[str, Schema] = {"name": NAME, "description": TEXT, "strict": FLAG}
TOOL = closed(
    {
        "type": words("function"),
        "function": either(
            closed({**_FUNCTION_FIELDS, "parameters": FREE}, "name"),
            closed({**_FUNCTION_FIELDS, "arguments": FREE}, "name"),
        ),
    },
    "type",
    "function",
)

MESSAGE_FIELDS: dict[str, Schema] = {
    "role": words(*sorted(ROLES)),
    "content": either(TEXT, array(_PART, MAX_PARTS)),
    "name": NAME,
    "tool_calls": array(CALL, MAX_CALLS),
    "tool_call_id": NAME,
    "reasoning_content": TEXT,
    "reasoning": TEXT,
    "refusal": TEXT,
    "parsed": ANYTHING,
    "annotations": array(ANYTHING, 0),
    "audio": ABSENT,
    "function_call": ABSENT,
}

GENERATE_FIELDS: dict[str, Schema] = {
    "best_of": whole(1, LIMITS.max_best_of),
    "temperature": MORE_THAN_NOTHING,
    "repetition_penalty": MORE_THAN_NOTHING,
    "frequency_penalty": PENALTY,
    "top_k": whole(1, I32_MAX),
    "top_p": FRACTION,
    "typical_p": FRACTION,
    "do_sample": FLAG,
    "max_new_tokens": COUNT,
    "return_full_text": FLAG,
    "stop": STOP_LIST,
    "truncate": COUNT,
    "watermark": FLAG,
    "details": FLAG,
    "decoder_input_details": FLAG,
    "seed": whole(0, U64_MAX),
    "top_n_tokens": whole(0, LIMITS.max_top_n_tokens),
    "grammar": GRAMMAR,
    "adapter_id": NAME,
}

OPENAI_FIELDS: dict[str, Schema] = {
    "model": NAME,
    "prompt": either(TEXT, array(TEXT, LIMITS.max_client_batch_size, 1)),
    "max_tokens": COUNT,
    "max_completion_tokens": COUNT,
    "temperature": decimal(minimum=0),
    "top_p": decimal(exclusiveMinimum=0, maximum=1),
    "frequency_penalty": PENALTY,
    "presence_penalty": decimal(exclusiveMinimum=-2, maximum=2),
    "stop": either(STOP_WORD, STOP_LIST),
    "stream": FLAG,
    "stream_options": STREAM_OPTIONS,
    "seed": whole(0, U64_MAX),
    "user": NAME,
    "logprobs": FLAG,
    "top_logprobs": whole(0, LIMITS.max_top_n_tokens),
    "tools": array(TOOL, LIMITS.max_tools),
    "tool_choice": TOOL_CHOICE,
    "tool_prompt": TEXT,
    "response_format": RESPONSE_FORMAT,
    "n": words(1),
    "best_of": words(1),
    "logit_bias": either({"type": "object", "maxProperties": 0}, array(ANYTHING, 0)),
    "repetition_penalty": ABSENT,
    "store": FLAG,
    "metadata": {"type": "object", "maxProperties": MAX_LABELS, "additionalProperties": TEXT},
    "service_tier": NAME,
    "safety_identifier": NAME,
    "prompt_cache_key": NAME,
    "prompt_cache_retention": NAME,
    "parallel_tool_calls": FLAG,
    "verbosity": words("low", "medium", "high"),
    "reasoning_effort": NAME,
    "modalities": {"const": ["text"]},
    "audio": ABSENT,
    "prediction": ABSENT,
    "function_call": ABSENT,
    "functions": array(ANYTHING, 0),
    "web_search_options": ABSENT,
}

COMPLETION_FIELDS: dict[str, Schema] = {  # where completions differ from chat under the same name
    "logit_bias": {"type": "object", "maxProperties": 0},
    "presence_penalty": words(0),
    "repetition_penalty": MORE_THAN_NOTHING,
    "logprobs": words(0),
    "suffix": words(""),
    "echo": words(False),
}
