"""Answers → TGI's JSON, key for key in its order (router/src/lib.rs). The reply shapes of every route are here.

Numbers that are f32 in TGI are written as f32, so that they look as short as TGI's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from tgi.embedded.engine import ModelCard, Piece
from tgi.embedded.failures import InferError
from tgi.embedded.generation import End, Event, Token
from tgi.embedded.service import Answer, Timings
from tgi.embedded.templates import compact
from tgi.embedded.tools import Call
from tgi.embedded.validation import Limits

VERSION = "3.3.7"  # the TGI whose API this is
FINGERPRINT = f"{VERSION}-native"
COMPUTE_TYPE = "cpu+llama.cpp"

Json = dict[str, Any]


def dump(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def error(failure: InferError) -> Json:
    return {"error": failure.message, "error_type": failure.kind}


def openai_error(failure: InferError) -> Json:
    """An error inside a chat or completion stream: TGI says 422 whatever the kind."""
    return {"error": {"message": failure.message, "http_status_code": 422}}


def token(t: Token) -> Json:
    return {"id": t.id, "text": t.text, "logprob": np.float32(t.logprob), "special": t.special}


def generation(answer: Answer, prompt: str, *, details: bool) -> Json:
    """`prompt` is what goes before the text: the inputs with `return_full_text`, or nothing."""
    reply: Json = {"generated_text": prompt + answer.end.text}
    if details:
        reply["details"] = _details(answer, prompt)
    return reply


def stream_event(index: int, event: Event, prompt: str, details: Json | None) -> Json:
    reply: Json = {"index": index, "token": token(event.token)}
    if event.top:
        reply["top_tokens"] = [token(t) for t in event.top]
    reply["generated_text"] = prompt + event.end.text if event.end else None
    reply["details"] = details
    return reply


def stream_details(end: End, input_length: int) -> Json:
    return {**_ending(end), "input_length": input_length}


def usage(prompt_tokens: int, completion_tokens: int) -> Json:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def openai_reason(end: End) -> str:
    """TGI renames only one of its reasons for OpenAI's clients."""
    return "stop" if end.reason == "eos_token" else end.reason


def logprobs(tokens: Sequence[Token], top_tokens: Sequence[Sequence[Token]]) -> Json:
    tops: list[Sequence[Token]] = [*top_tokens, *([()] * (len(tokens) - len(top_tokens)))]
    return {
        "content": [
            {
                "token": t.text,
                "logprob": np.float32(t.logprob),
                "top_logprobs": [{"token": o.text, "logprob": np.float32(o.logprob)} for o in top],
            }
            for t, top in zip(tokens, tops, strict=True)
        ]
    }


def chat_completion(model: str, created: int, message: Json, answer: Answer, *, with_logprobs: bool) -> Json:
    choice = {
        "index": 0,
        "message": message,
        "logprobs": logprobs(answer.tokens, answer.top_tokens) if with_logprobs else None,
        "finish_reason": openai_reason(answer.end),
    }
    reply = _head("chat.completion", model, created)
    return {**reply, "choices": [choice], "usage": usage(answer.input_length, answer.end.generated)}


def chat_chunk(model: str, created: int, choices: list[Json], used: Json | None = None) -> Json:
    return {**_head("chat.completion.chunk", model, created), "choices": choices, "usage": used}


def said(content: str) -> Json:
    return {"role": "assistant", "content": content}


def called(call: Call) -> Json:
    function = {"description": None, "name": call.name, "arguments": compact(call.arguments)}
    return {"role": "assistant", "tool_calls": [{"id": "0", "type": "function", "function": function}]}


def completion_choice(index: int, text: str, finish_reason: str) -> Json:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish_reason}


def completion(model: str, created: int, choices: list[Json], used: Json) -> Json:
    head = {"object": "text_completion", "id": "", "created": created, "model": model}
    return {**head, "system_fingerprint": FINGERPRINT, "choices": choices, "usage": used}


def completion_chunk(model: str, created: int, choice: Json) -> Json:
    head = {"object": "text_completion", "id": "", "created": created, "choices": [choice]}
    return {**head, "model": model, "system_fingerprint": FINGERPRINT}


def simple_tokens(pieces: Sequence[Piece], text: str) -> list[Json]:
    """Byte offsets into the text. A token that holds a part of a character shows the whole character, as TGI does."""
    data, at, tokens = text.encode(), 0, []
    for piece in pieces:
        start, at = at, at + len(piece.data)
        first, last = _floor(data, start), _ceiling(data, at)
        shown = data[first:last].decode()
        tokens.append({"id": piece.id, "text": shown, "start": first, "stop": last})
    return tokens


def info(card: ModelCard, limits: Limits) -> Json:
    return {
        "model_id": card.model_id,
        "model_sha": card.sha,
        "model_pipeline_tag": "text-generation",
        "max_concurrent_requests": limits.max_concurrent_requests,
        "max_best_of": limits.max_best_of,
        "max_stop_sequences": limits.max_stop_sequences,
        "max_input_tokens": limits.max_input_tokens,
        "max_total_tokens": limits.max_total_tokens,
        "validation_workers": limits.validation_workers,
        "max_client_batch_size": limits.max_client_batch_size,
        # TGI says "text-generation-router" here; this is the place to say what answers instead.
        "router": f"hangu-embedded-backend: {card.what}",
        "version": VERSION,
        "sha": None,
        "docker_label": None,
    }


def models(card: ModelCard) -> Json:
    model = {"id": card.model_id, "object": "model", "created": 0, "owned_by": card.model_id}
    return {"object": "list", "data": [model]}


def stream_headers(characters: int) -> dict[str, str]:
    return {"x-compute-type": COMPUTE_TYPE, "x-compute-characters": str(characters), "x-accel-buffering": "no"}


def timing_headers(timings: Timings, characters: int, prompt_tokens: int) -> dict[str, str]:
    return {
        "x-compute-type": COMPUTE_TYPE,
        "x-compute-time": f"{timings.total:.9f}",
        "x-compute-characters": str(characters),
        "x-total-time": _milliseconds(timings.total),
        "x-validation-time": _milliseconds(timings.validation),
        "x-queue-time": _milliseconds(timings.queue),
        "x-inference-time": _milliseconds(timings.inference),
        "x-time-per-token": _milliseconds(timings.per_token),
        "x-prompt-tokens": str(prompt_tokens),
        "x-generated-tokens": str(timings.tokens),
    }


def _details(answer: Answer, prompt: str) -> Json:
    # TGI fills `prefill` only under --enable-prefill-logprobs, which is off by default and here.
    details = {**_ending(answer.end), "prefill": [], "tokens": [token(t) for t in answer.tokens]}
    if answer.others:
        details["best_of_sequences"] = [
            {"generated_text": prompt + other.end.text, **_details(other, prompt)} for other in answer.others
        ]
    if answer.top_tokens:
        details["top_tokens"] = [[token(t) for t in top] for top in answer.top_tokens]
    return details


def _ending(end: End) -> Json:
    return {"finish_reason": end.reason, "generated_tokens": end.generated, "seed": end.seed}


def _head(kind: str, model: str, created: int) -> Json:
    return {"object": kind, "id": "", "created": created, "model": model, "system_fingerprint": FINGERPRINT}


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))


def _floor(data: bytes, at: int) -> int:
    while 0 < at < len(data) and data[at] & 0xC0 == 0x80:
        at -= 1
    return at


def _ceiling(data: bytes, at: int) -> int:
    while at < len(data) and data[at] & 0xC0 == 0x80:
        at += 1
    return at
