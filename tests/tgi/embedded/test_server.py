"""TGI's own routes over HTTP: shapes, bytes, headers and refusals."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.tgi.embedded.conftest import ANSWER, Ask
from tgi.embedded.replay import ReplayEngine
from tgi.embedded.validation import Limits

GENERATE = {"inputs": "Who may pass?", "parameters": {"max_new_tokens": 200}}


async def test_a_whole_answer_has_tgis_shape(backend: Ask) -> None:
    reply = await (await backend()).post("/generate", GENERATE)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json == {"generated_text": ANSWER}


async def test_details_name_every_token(backend: Ask) -> None:
    body = {"inputs": "Who?", "parameters": {"max_new_tokens": 200, "details": True, "top_n_tokens": 2}}
    details = (await (await backend()).post("/generate", body)).json["details"]
    assert list(details) == ["finish_reason", "generated_tokens", "seed", "prefill", "tokens", "top_tokens"]
    assert (details["finish_reason"], details["seed"], details["prefill"]) == ("eos_token", None, [])
    assert details["generated_tokens"] == len(details["tokens"]) == len(details["top_tokens"])
    assert "".join(t["text"] for t in details["tokens"]) == ANSWER + "<|im_end|>"
    assert [t["special"] for t in details["tokens"]].count(True) == 1
    assert list(details["tokens"][0]) == ["id", "text", "logprob", "special"]
    assert all(len(top) == 2 for top in details["top_tokens"])


async def test_prefill_details_need_no_other_details(backend: Ask) -> None:
    body = {"inputs": "Who?", "parameters": {"decoder_input_details": True}}
    details = (await (await backend()).post("/generate", body)).json["details"]
    assert "top_tokens" not in details and "best_of_sequences" not in details


async def test_the_headers_account_for_the_answer(backend: Ask) -> None:
    headers = (await (await backend()).post("/generate", GENERATE)).headers
    assert headers["x-compute-characters"] == str(len("Who may pass?"))
    for name in ("x-total-time", "x-validation-time", "x-queue-time", "x-inference-time", "x-time-per-token"):
        assert headers[name].isdigit()
    assert int(headers["x-generated-tokens"]) > 5
    assert int(headers["x-prompt-tokens"]) > 5
    assert float(headers["x-compute-time"]) > 0


async def test_a_stream_ends_with_the_whole_text_and_without_done(backend: Ask) -> None:
    body = {"inputs": "Who?", "parameters": {"max_new_tokens": 200, "details": True}}
    reply = await (await backend()).post("/generate_stream", body)
    assert reply.headers["content-type"] == "text/event-stream"
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["x-accel-buffering"] == "no"
    events = reply.events
    assert [e["index"] for e in events] == list(range(1, len(events) + 1))
    assert {e["generated_text"] for e in events[:-1]} == {None}
    assert events[-1]["generated_text"] == ANSWER
    assert list(events[-1]["details"]) == ["finish_reason", "generated_tokens", "seed", "input_length"]
    assert "".join(e["token"]["text"] for e in events if not e["token"]["special"]) == ANSWER


async def test_stream_events_are_written_to_the_byte_as_axum_writes_them(backend: Ask) -> None:
    body = {"inputs": "Who?", "parameters": {"max_new_tokens": 1, "top_n_tokens": 1}}
    reply = await (await backend(ReplayEngine("Yes"))).post("/generate_stream", body)
    token = b'{"id":259,"text":"Yes","logprob":-9.9999e-7,"special":false}'
    shown = reply.body.replace(b"-0.0000010000005", b"-9.9999e-7").replace(b"-1.0000005e-6", b"-9.9999e-7")
    assert shown == (
        b'data: {"index":1,"token":' + token + b',"top_tokens":[' + token + b'],"generated_text":"Yes","details":null}'
        b"\n\n"
    )


async def test_the_root_repeats_the_prompt_and_wraps_the_answer(backend: Ask) -> None:
    client = await backend()
    plain = await client.post("/", GENERATE)
    assert plain.json == [{"generated_text": "Who may pass?" + ANSWER}]
    quiet = await client.post("/", {"inputs": "Who?", "parameters": {"return_full_text": False}})
    assert quiet.json == [{"generated_text": ANSWER}]
    streamed = await client.post("/", {**GENERATE, "stream": True})
    assert streamed.events[-1]["generated_text"] == "Who may pass?" + ANSWER


async def test_best_of_gives_the_others_too(backend: Ask) -> None:
    body = {"inputs": "Who?", "parameters": {"best_of": 2, "do_sample": True, "details": True}}
    client = await backend(ReplayEngine(ANSWER, certainty=0.9))
    details = (await client.post("/generate", body)).json["details"]
    other = details["best_of_sequences"][0]
    assert list(other)[:4] == ["generated_text", "finish_reason", "generated_tokens", "seed"]
    assert {details["seed"], other["seed"]} == {1, 2}


@pytest.mark.parametrize("watermark", [False, True])
async def test_a_seed_repeats_an_answer(backend: Ask, watermark: bool) -> None:
    client = await backend(ReplayEngine(ANSWER, certainty=0.4))

    async def text(seed: int) -> str:
        parameters = {"do_sample": True, "seed": seed, "watermark": watermark, "max_new_tokens": 40}
        return str((await client.post("/generate", {"inputs": "Who?", "parameters": parameters})).json)

    assert await text(1) == await text(1)
    assert await text(1) != await text(2)


async def test_a_watermark_changes_what_is_drawn(backend: Ask) -> None:
    client = await backend(ReplayEngine(ANSWER, certainty=0.2))
    asked = {"do_sample": True, "seed": 5, "max_new_tokens": 60}
    plain = await client.post("/generate", {"inputs": "Who?", "parameters": asked})
    marked = await client.post("/generate", {"inputs": "Who?", "parameters": {**asked, "watermark": True}})
    assert plain.json != marked.json


async def test_stop_sequences_end_an_answer_and_stay_in_it(backend: Ask) -> None:
    body = {"inputs": "Who?", "parameters": {"stop": ["open"], "details": True}}
    reply = (await (await backend()).post("/generate", body)).json
    assert reply["generated_text"] == "The pass is open"
    assert reply["details"]["finish_reason"] == "stop_sequence"


async def test_a_grammar_holds_the_answer(backend: Ask) -> None:
    grammar = {"type": "regex", "value": "[0-9]{3}-[0-9]{2}"}
    client = await backend(ReplayEngine("never this", certainty=0.9))
    parameters = {"grammar": grammar, "max_new_tokens": 20, "do_sample": True}
    reply = (await client.post("/generate", {"inputs": "Number?", "parameters": parameters})).json
    number = reply["generated_text"]
    assert len(number) == 6 and number.replace("-", "").isdigit()


REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("/generate", {"inputs": ""}, 422, "Input validation error: `inputs` cannot be empty"),
    (
        "/generate",
        {"inputs": "a", "parameters": {"temperature": 0.0}},
        422,
        "Input validation error: `temperature` must",
    ),
    ("/", {"inputs": "a", "parameters": {"best_of": 3, "do_sample": True}}, 422, "Input validation error: `best_of`"),
    ("/generate", {"inputs": "a" * 5000}, 422, "Input validation error: `inputs` must have less than 4095 tokens"),
]


@pytest.mark.parametrize(("path", "body", "status", "text"), REFUSED)
async def test_what_validation_refuses(backend: Ask, path: str, body: Any, status: int, text: str) -> None:
    reply = await (await backend()).post(path, body)
    assert (reply.status, reply.json["error_type"]) == (status, "validation")
    assert reply.json["error"].startswith(text)


@pytest.mark.parametrize("parameters", [{"best_of": 2, "do_sample": True}, {"decoder_input_details": True}])
async def test_what_cannot_be_streamed_gives_two_error_events(backend: Ask, parameters: dict[str, Any]) -> None:
    reply = await (await backend()).post("/generate_stream", {"inputs": "a", "parameters": parameters})
    assert reply.status == 200
    assert [e["error_type"] for e in reply.events] == ["validation", "incomplete_generation_stream"]


async def test_a_refusal_of_a_stream_is_an_event_in_a_200(backend: Ask) -> None:
    reply = await (await backend()).post("/generate_stream", {"inputs": ""})
    assert reply.status == 200
    assert reply.events == [{"error": "Input validation error: `inputs` cannot be empty", "error_type": "validation"}]


async def test_an_engine_that_fails_is_424_and_makes_the_backend_unhealthy(backend: Ask) -> None:
    client = await backend(ReplayEngine(ANSWER, failing=True))
    reply = await client.post("/generate", GENERATE)
    assert (reply.status, reply.json["error_type"]) == (424, "generation")
    streamed = await client.post("/generate_stream", GENERATE)
    assert [e["error_type"] for e in streamed.events] == ["generation"]
    health = await client.get("/health")
    assert (health.status, health.json) == (503, {"error": "unhealthy", "error_type": "healthcheck"})


async def test_over_the_limit_is_429_at_once(backend: Ask) -> None:
    client = await backend(limits=Limits(max_concurrent_requests=0))
    reply = await client.post("/generate", GENERATE)
    assert (reply.status, reply.json) == (429, {"error": "Model is overloaded", "error_type": "overloaded"})
    streamed = await client.post("/generate_stream", GENERATE)
    assert streamed.events == [{"error": "Model is overloaded", "error_type": "overloaded"}]


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        ({"data": b"{", "headers": {"content-type": "application/json"}}, 400, "Failed to parse the request body"),
        ({"data": b"{}", "headers": {"content-type": "application/json"}}, 422, "Failed to deserialize the JSON body"),
        ({"data": b"{}", "headers": {"content-type": "text/plain"}}, 415, "Expected request with `Content-Type:"),
        (
            {"data": io.BytesIO(b" " * 2_000_001), "headers": {"content-type": "application/json"}},
            413,
            "Failed to buffer the request body: length limit exceeded",
        ),
    ],
)
async def test_what_is_no_request_is_answered_in_plain_text(
    backend: Ask, options: dict[str, Any], status: int, text: str
) -> None:
    reply = await (await backend()).post("/generate", **options)
    assert reply.status == status
    assert reply.headers["content-type"].startswith("text/plain")
    assert reply.body.decode().startswith(text)


async def test_unknown_paths_and_methods_have_empty_bodies(backend: Ask) -> None:
    client = await backend()
    unknown, wrong = await client.get("/v2/nothing"), await client.get("/generate")
    assert (unknown.status, unknown.body) == (404, b"")
    assert (wrong.status, wrong.body, wrong.headers["allow"]) == (405, b"", "POST")


async def test_info_says_what_answers(backend: Ask) -> None:
    client = await backend()
    info = (await client.get("/info")).json
    assert (info["model_id"], info["version"]) == ("smollm2", "3.3.7")
    assert "replay of recorded answers" in info["router"]
    assert (info["max_input_tokens"], info["max_total_tokens"]) == (4095, 4096)
    models = (await client.get("/v1/models")).json
    assert models["data"] == [{"id": "smollm2", "object": "model", "created": 0, "owned_by": "smollm2"}]


@pytest.mark.parametrize("path", ["/health", "/ping", "/"])
async def test_a_healthy_backend_says_nothing_but_200(backend: Ask, path: str) -> None:
    reply = await (await backend()).get(path)
    assert (reply.status, reply.body) == (200, b"")


async def test_tokenize_gives_byte_offsets_and_whole_characters(backend: Ask) -> None:
    reply = await (await backend()).post("/tokenize", {"inputs": "aé<|im_end|>"})
    assert reply.json[0] == {"id": 100, "text": "a", "start": 0, "stop": 1}
    assert [(t["text"], t["start"], t["stop"]) for t in reply.json[1:]] == [
        ("é", 1, 3),
        ("é", 1, 3),
        ("<|im_end|>", 3, 13),
    ]


async def test_metrics_count_requests_and_refusals(backend: Ask) -> None:
    client = await backend()
    await client.post("/generate", GENERATE)
    await client.post("/generate", {"inputs": ""})
    text = (await client.get("/metrics")).body.decode()
    assert "tgi_request_count 2\n" in text
    assert "tgi_request_success 1\n" in text
    assert 'tgi_request_failure{err="validation"} 1\n' in text
    assert 'tgi_request_generated_tokens_bucket{le="+Inf"} 1\n' in text
    assert "tgi_batch_current_size 0\n" in text


async def test_a_key_guards_what_tgis_guards_and_no_more(backend: Ask) -> None:
    client = await backend(api_key="s3cret")
    assert (await client.post("/generate", GENERATE)).status == 401
    assert (await client.post("/generate", GENERATE, headers={"authorization": "Bearer wrong"})).status == 401
    assert (await client.post("/generate", GENERATE, headers={"authorization": "Bearer s3cret"})).status == 200
    assert (await client.post("/chat_tokenize", {"messages": [{"role": "user", "content": "x"}]})).status == 200
    assert (await client.get("/info")).status == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/generate", {"inputs": "a", "parameters": {"best_of": 2, "do_sample": True}}),
        ("/v1/completions", {"prompt": ["a", "b"]}),
    ],
)
async def test_one_failure_of_several_answers_is_the_answer(backend: Ask, path: str, body: dict[str, Any]) -> None:
    reply = await (await backend(ReplayEngine(ANSWER, failing=True))).post(path, body)
    assert (reply.status, reply.json["error_type"]) == (424, "generation")


async def test_a_grammar_that_no_token_can_follow_is_a_failure(backend: Ask) -> None:
    # Half a character is never the next token under a grammar, and the replay has these characters in bytes only.
    body = {"inputs": "a", "parameters": {"grammar": {"type": "regex", "value": "函谷"}}}
    reply = await (await backend()).post("/generate", body)
    assert (reply.status, reply.json["error_type"]) == (424, "generation")
    assert "no token of the vocabulary" in reply.json["error"]
