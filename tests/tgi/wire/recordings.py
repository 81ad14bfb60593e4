"""Replies as backends send them, in the bytes of their own formats; what each says is beside it. Data only."""

from __future__ import annotations

import orjson


def sse(*values: object, done: bool = True) -> bytes:
    frames = [b"data: " + (value if isinstance(value, bytes) else orjson.dumps(value)) + b"\n\n" for value in values]
    return b"".join(frames) + (b"data: [DONE]\n\n" if done else b"")


def token(number: int, text: str, *, special: bool = False) -> dict[str, object]:
    return {"id": number, "text": text, "logprob": -0.25, "special": special}


def generated(
    index: int, told: dict[str, object], text: str | None = None, reason: str = "eos_token"
) -> dict[str, object]:
    details = None
    if text is not None:
        details = {"finish_reason": reason, "generated_tokens": index, "seed": 7, "input_length": 5}
    return {"index": index, "token": told, "generated_text": text, "details": details}


def chunk(delta: dict[str, object] | None, reason: str | None = None, **more: object) -> dict[str, object]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]
    head = {
        "id": "",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "system_fingerprint": "3.3.7-native",
    }
    return {**head, "choices": choices, **more}


USAGE = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}

TGI_GENERATE = (
    sse(
        generated(1, token(11, "The")),
        generated(2, token(12, " 函谷关")),
        generated(3, token(2, "</s>", special=True), "The 函谷关"),
        done=False,
    ),
    "The 函谷关",
)
TGI_THINKS = (
    sse(
        generated(1, token(1, "<think>")),
        generated(2, token(2, "\n")),
        generated(3, token(3, "Hm <b")),
        generated(4, token(4, "</think>")),
        generated(5, token(5, "Yes")),
        generated(6, token(6, "."), "<think>\nHm <b</think>Yes.", "length"),
        done=False,
    ),
    "<think>\nHm <b</think>Yes.",
)
TGI_CHAT = sse(
    chunk({"role": "assistant", "content": "The"}),
    chunk({"role": "assistant", "content": " 函谷关"}),
    chunk({"role": "assistant", "content": ""}, "stop"),
    chunk(None, usage=USAGE),
)
VLLM_CHAT = sse(  # the role alone first, reasoning in a field of its own, usage after the last choice
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning": "Hm"}),
    chunk({"reasoning_content": "."}),
    chunk({"content": "The"}),
    chunk({"content": " 函谷关"}),
    chunk({"content": ""}, "stop", stop_reason=None),
    chunk(None, usage=USAGE),
)
SGLANG_CHAT = sse(  # usage in every chunk, nulls beside what is said
    chunk({"role": "assistant", "content": "", "reasoning_content": None, "tool_calls": None}, usage=USAGE),
    chunk({"role": None, "content": "The", "reasoning_content": None}, usage=USAGE),
    chunk({"role": None, "content": " 函谷关"}, usage=USAGE),
    chunk({"content": None}, "stop", matched_stop=2, usage=USAGE),
)
LLAMA_SERVER_CHAT = sse(
    chunk({"role": "assistant", "content": None}),
    chunk({"content": "The"}),
    chunk({"content": " 函谷关"}),
    chunk({}, "stop", usage=USAGE, timings={"predicted_n": 3}),
)
TRANSFORMERS_CHAT = sse(  # no [DONE]
    chunk({"role": "assistant"}),
    chunk({"content": "The"}),
    chunk({"content": " 函谷关"}),
    chunk({}, "stop", usage=USAGE),
    done=False,
)
CHATS = {
    "tgi": TGI_CHAT,
    "vllm": VLLM_CHAT,
    "sglang": SGLANG_CHAT,
    "llama-server": LLAMA_SERVER_CHAT,
    "transformers": TRANSFORMERS_CHAT,
}


def _calls(*parts: dict[str, object]) -> dict[str, object]:
    return {"role": "assistant", "tool_calls": list(parts)}


TGI_TOOL = sse(  # as its router writes one: the name once, then the arguments bit by bit
    chunk(_calls({"index": 0, "id": "0", "type": "function", "function": {"name": "see", "arguments": ""}})),
    chunk(_calls({"index": 0, "id": "0", "type": "function", "function": {"name": None, "arguments": '{"at":'}})),
    chunk(_calls({"index": 0, "id": "0", "type": "function", "function": {"name": None, "arguments": "1}"}})),
    chunk(None, usage=USAGE),  # and no word of why it ended
)
VLLM_TOOLS = sse(
    chunk({"role": "assistant", "content": ""}),
    chunk({"tool_calls": [{"index": 0, "id": "chatcmpl-tool-a1", "type": "function", "function": {"name": "see"}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"at":1}'}}]}),
    chunk({"tool_calls": [{"index": 1, "id": "chatcmpl-tool-a2", "type": "function", "function": {"name": "see"}}]}),
    chunk({"tool_calls": [{"index": 1, "function": {"arguments": '{"at":2}'}}]}),
    chunk({}, "tool_calls"),
    chunk(None, usage=USAGE),
)

TGI_COMPLETIONS = sse(
    *[
        {
            "object": "text_completion",
            "choices": [{"index": i, "text": text, "logprobs": None, "finish_reason": reason}],
        }
        for i, text, reason in [(0, "a", ""), (1, "b", ""), (0, "c", ""), (1, "</s>", "eos_token"), (0, "d", "length")]
    ]
)

FAILURES = {
    "tgi validation": (
        sse(
            {
                "error": "Input validation error: `inputs` must have less than 9 tokens. Given: 12",
                "error_type": "validation",
            },
            done=False,
        ),
        "parameter_invalid",
        "`inputs` must have less than 9 tokens. Given: 12",
    ),
    "tgi overloaded": (
        sse({"error": "Model is overloaded", "error_type": "overloaded"}, done=False),
        "backend_overloaded",
        "",
    ),
    "tgi generation": (
        sse({"error": "Request failed during generation: secret", "error_type": "generation"}, done=False),
        "backend_unavailable",
        "",
    ),
    "a grammar that the model has no tokens for": (
        sse(
            {
                "error": "Request failed during generation: no token of the vocabulary can follow the grammar from here",
                "error_type": "generation",
            },
            done=False,
        ),
        "parameter_invalid",
        "the model has no tokens to write what the grammar asks for",
    ),
    "tgi chat": (
        sse({"error": {"message": "Input validation error: your secret", "http_status_code": 422}}),
        "parameter_invalid",
        "",
    ),
    "tgi chat overloaded": (
        sse({"error": {"message": "Model is overloaded", "http_status_code": 422}}),
        "backend_overloaded",
        "",
    ),
    "vllm": (
        sse({"error": {"message": "secret", "type": "BadRequestError", "param": None, "code": 400}}),
        "parameter_invalid",
        "",
    ),
    "transformers": (sse({"error": "secret"}, done=False), "backend_nonsense", ""),
}
