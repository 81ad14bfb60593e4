"""`/info`, `/v1/models`, `/tokenize`, `/chat_tokenize`: the fields we know, of the types we expect, and no others."""

from __future__ import annotations

from collections.abc import Mapping

from tgi.wire.reading import count_of, nonsense, objects_of, text_of

_INFO: Mapping[str, type] = {
    "model_id": str,
    "model_sha": str,
    "model_pipeline_tag": str,
    "max_concurrent_requests": int,
    "max_best_of": int,
    "max_stop_sequences": int,
    "max_input_tokens": int,
    "max_total_tokens": int,
    "validation_workers": int,
    "max_client_batch_size": int,
    "router": str,
    "version": str,
    "sha": str,
    "docker_label": str,
}


def info(value: object) -> object:
    given = _object(value)
    return {key: given[key] for key, kind in _INFO.items() if key in given and _fits(given[key], kind)}


def models(value: object) -> object:
    """The ids, in OpenAI's list. `owned_by` is not told: TGI puts a path there."""
    data = [
        {"id": text_of(model, "id"), "object": "model", "created": 0, "owned_by": "hangu"}
        for model in objects_of(_object(value), "data")
    ]
    return {"object": "list", "data": data}


def the_model(name: str, value: object) -> object:
    """The one model, by the name callers use."""
    if not objects_of(_object(value), "data"):
        raise nonsense("no models")
    return models({"data": [{"id": name}]})


def tokens(value: object) -> object:
    if type(value) is not list:
        raise nonsense("tokens that are not a list")
    return [_token(item) for item in value]


def chat_tokens(value: object) -> object:
    given = _object(value)
    return {
        "tokenize_response": tokens(given.get("tokenize_response")),
        "templated_text": text_of(given, "templated_text"),
    }


def _token(item: object) -> dict[str, object]:
    given = _object(item)
    return {
        "id": count_of(given, "id") or 0,
        "text": text_of(given, "text"),
        "start": count_of(given, "start") or 0,
        "stop": count_of(given, "stop") or 0,
    }


def _object(value: object) -> dict[str, object]:
    if type(value) is not dict:
        raise nonsense("JSON that is not an object")
    return value


def _fits(value: object, kind: type) -> bool:
    return value is None or type(value) is kind
