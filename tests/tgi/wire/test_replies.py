"""Replies: backend bytes → events → client bytes, the same however they are cut, and nothing that was not inspected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.errors import BackendNonsense
from gateway.core.ports import Ask, Reading, Writing
from gateway.core.reply import Channel, Delta, Event, Failed, Finished, Kind, ToolCall, Usage
from gateway.core.stream import Chain, Inspection, drive
from gateway.core.verdict import Code, Refuse
from tests.tgi.wire import recordings
from tests.tgi.wire.relay import filled, identity
from tgi.wire import OpenAIWire, Shown, TgiWire, Thinking

TOOLS = [{"type": "function", "function": {"name": "see"}}]
CHAT, COMPLETE = "/v1/chat/completions", "/v1/completions"
TALK = [{"role": "user", "content": "a"}]


def asking(path: str, wire: TgiWire | OpenAIWire | None = None, **body: Any) -> Ask:
    wire = wire or TgiWire("smollm2")
    route = next(route for route in wire.routes if route.path == path)
    ask = wire.read(route, orjson.dumps(body))
    assert not isinstance(ask, Refuse), ask
    return ask


def events_of(ask: Ask, *pieces: bytes) -> list[Event]:
    reading = ask.reading()
    return [event for piece in pieces for event in reading.feed(piece)] + reading.finish()


def told(events: list[Event]) -> dict[str, str]:
    """The text of each channel."""
    texts: dict[str, str] = {}
    for event in events:
        if isinstance(event, Delta):
            texts[str(event.channel)] = texts.get(str(event.channel), "") + event.text
    return texts


async def sent(source: AsyncIterator[bytes], reading: Reading, inspection: Inspection, writing: Writing) -> list[bytes]:
    """What `drive` sends, but for the terminal bytes."""
    out: list[bytes] = []

    async def send(data: bytes) -> None:
        out.append(data)

    await drive(source, reading, inspection, writing, send)
    return out


async def driven(ask: Ask, *pieces: bytes) -> tuple[bytes, Inspection]:
    """All the client's bytes, through chains that change nothing."""

    async def source() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    exchange = filled(ask)
    inspection, writing = identity(exchange), ask.writing(exchange, 1)
    out = await sent(source(), ask.reading(), inspection, writing)
    return b"".join([*out, writing.finish()]), inspection


def frames(data: bytes) -> list[Any]:
    """The JSON of each event, as a client splits them."""
    parts = data.decode().split("\n\n")
    assert parts.pop() == ""
    assert all(part.startswith("data: ") for part in parts)
    return [part[6:] if part == "data: [DONE]" else orjson.loads(part[6:]) for part in parts]


STREAMED = [
    ("/generate_stream", {"inputs": "a"}, recordings.TGI_GENERATE[0]),
    ("/generate_stream", {"inputs": "a"}, recordings.TGI_THINKS[0]),
    (CHAT, {"messages": TALK, "stream": True, "tools": TOOLS}, recordings.TGI_TOOL),
    (CHAT, {"messages": TALK, "stream": True, "tools": TOOLS}, recordings.VLLM_TOOLS),
    (COMPLETE, {"prompt": ["a", "b"], "stream": True}, recordings.TGI_COMPLETIONS),
    *[(CHAT, {"messages": TALK, "stream": True}, data) for data in recordings.CHATS.values()],
]


@pytest.mark.parametrize(("path", "body", "data"), STREAMED)
async def test_every_cut_at_every_byte_gives_the_same_events_and_bytes(
    path: str, body: dict[str, Any], data: bytes
) -> None:
    ask = asking(path, **body)
    events, (written, _) = events_of(ask, data), await driven(ask, data)
    for at in range(len(data) + 1):
        assert events_of(ask, data[:at], data[at:]) == events
        assert (await driven(ask, data[:at], data[at:]))[0] == written
    single = [data[i : i + 1] for i in range(len(data))]
    assert events_of(ask, *single) == events
    assert (await driven(ask, *single))[0] == written


@pytest.mark.parametrize("name", recordings.CHATS)
@pytest.mark.parametrize("wire", [TgiWire("smollm2"), OpenAIWire("smollm2")])
def test_every_backends_chat_reads_the_same(name: str, wire: TgiWire | OpenAIWire) -> None:
    ask = asking(CHAT, wire, messages=TALK, stream=True)
    events = events_of(ask, recordings.CHATS[name])
    texts = told(events)
    assert texts.pop("choices[0].reasoning", "Hm.") == "Hm."
    assert texts == {"choices[0].content": "The 函谷关"}
    assert [event for event in events if isinstance(event, Finished)] == [Finished(0, "stop")]
    assert [event for event in events if isinstance(event, Usage)] == [Usage(5, 3)]


async def test_a_generate_stream_is_written_as_tgi_writes_it() -> None:
    ask = asking("/generate_stream", inputs="a", parameters={"details": True})
    written, inspection = await driven(ask, recordings.TGI_GENERATE[0])
    *tokens, last = frames(written)
    assert [event["token"]["text"] for event in tokens] == ["The", " 函谷关"]
    assert [event["token"]["id"] for event in tokens] == [11, 12]
    assert [event["index"] for event in tokens] == [1, 2]
    assert last["generated_text"] == "The 函谷关"
    assert last["token"]["special"]
    assert last["details"] == {"finish_reason": "eos_token", "generated_tokens": 3, "seed": 7, "input_length": 5}
    assert inspection.usage == Usage(5, 3)


async def test_changed_text_takes_the_backends_tokens_with_it() -> None:
    class Shouts:
        def feed(self, text: str) -> Any:
            from gateway.core.stage import Piece

            return Piece(text.upper())

        def finish(self) -> Any:
            from gateway.core.stage import Piece

            return Piece()

    ask = asking("/generate_stream", inputs="a", parameters={"details": True})
    exchange = filled(ask)
    writing = ask.writing(exchange, 1)

    async def source() -> AsyncIterator[bytes]:
        yield recordings.TGI_GENERATE[0]

    inspection = Inspection(lambda channel: Chain([Shouts()]))
    out = await sent(source(), ask.reading(), inspection, writing)
    *tokens, last = frames(b"".join(out) + writing.finish())
    assert last["generated_text"] == "THE 函谷关"
    assert tokens[0]["token"] == {"id": 0, "text": "THE", "logprob": None, "special": False}


@pytest.mark.parametrize("path", ["/", "/generate"])
async def test_whole_replies_are_written_afresh_with_known_fields_alone(path: str) -> None:
    ask = asking(path, inputs="Q", parameters={"details": True, "best_of": 2, "do_sample": True, "top_n_tokens": 2})
    other = {
        "generated_text": "B",
        "finish_reason": "length",
        "generated_tokens": 1,
        "seed": 3,
        "prefill": [],
        "tokens": [],
    }
    details = {
        "finish_reason": "eos_token",
        "generated_tokens": 2,
        "seed": 7,
        "prefill": [{"id": 1, "text": "SECRET", "logprob": None}],
        "tokens": [recordings.token(5, "A"), recordings.token(2, "</s>", special=True)],
        "top_tokens": [[recordings.token(9, "SECRET")]],
        "best_of_sequences": [other],
        "extra": "SECRET",
    }
    written, _ = await driven(ask, orjson.dumps({"generated_text": "A", "details": details, "extra": "SECRET"}))
    value = orjson.loads(written)
    reply = value[0] if path == "/" else value
    echo = "Q" if path == "/" else ""
    assert b"SECRET" not in written
    assert reply["generated_text"] == echo + "A"
    assert reply["details"]["tokens"] == [recordings.token(5, "A")]
    assert reply["details"]["prefill"] == []
    assert [o["generated_text"] for o in reply["details"]["best_of_sequences"]] == [echo + "B"]


async def test_an_echo_is_the_inspected_prompt_not_the_one_that_came() -> None:
    ask = asking("/", inputs="call 13812345678", stream=True)
    exchange = filled(ask)
    from tests.tgi.wire.relay import swapped

    writing = ask.writing(swapped(exchange, 0, "call [PHONE]"), 1)
    writing.write([Delta(Channel(), " now"), Finished(0, "length")])
    assert frames(writing.finish())[-1]["generated_text"] == "call [PHONE] now"


async def test_tool_calls_are_told_apart_from_their_arguments() -> None:
    ask = asking(CHAT, messages=TALK, stream=True, tools=TOOLS)
    events = events_of(ask, recordings.TGI_TOOL)
    assert [e for e in events if isinstance(e, ToolCall)] == [ToolCall(0, 0, "0", "see")]
    assert told(events) == {"choices[0].tool_calls[0].arguments": '{"at":1}'}
    written, _ = await driven(ask, recordings.TGI_TOOL)
    parts = [c["choices"][0]["delta"]["tool_calls"][0] for c in frames(written)[1:-2]]
    assert parts[0]["id"] == "call_x-1_0_0"
    assert "".join(part["function"]["arguments"] for part in parts) == '{"at":1}'
    assert frames(written)[-2]["choices"][0]["finish_reason"] == "tool_calls"


async def test_a_tool_nobody_declared_stops_the_reply() -> None:
    ask = asking(CHAT, messages=TALK, stream=True)
    _, inspection = await driven(ask, recordings.TGI_TOOL)
    assert inspection.refusal is Code.TOOL_UNDECLARED


@pytest.mark.parametrize("name", recordings.FAILURES)
def test_a_failure_inside_a_stream_is_told_without_quoting_anyone(name: str) -> None:
    data, code, detail = recordings.FAILURES[name]
    ask = asking(CHAT, messages=TALK, stream=True)
    reading = ask.reading()
    assert reading.feed(data) == [Failed(Code(code), detail)]


@pytest.mark.parametrize(
    ("status", "body", "code", "detail"),
    [
        (
            422,
            b'{"error":"Input validation error: `inputs` cannot be empty","error_type":"validation"}',
            "parameter_invalid",
            "`inputs` cannot be empty",
        ),
        (422, b'{"error":"Template error: secret","error_type":"template_error"}', "parameter_invalid", ""),
        (422, b"Failed to deserialize the JSON body", "parameter_invalid", ""),
        (429, b'{"error":"Model is overloaded","error_type":"overloaded"}', "backend_overloaded", ""),
        (424, b'{"error":"Request failed during generation: x","error_type":"generation"}', "backend_unavailable", ""),
        (
            424,
            b'{"error":"Request failed during generation: no token of the vocabulary can follow the grammar from here","error_type":"generation"}',
            "parameter_invalid",
            "the model has no tokens to write what the grammar asks for",
        ),
        (
            424,
            b'{"error":"Request failed during generation: Server error: The vocabulary does not allow us to build a sequence that matches the input regex","error_type":"generation"}',
            "parameter_invalid",
            "the model has no tokens to write what the grammar asks for",
        ),
        (
            424,
            b'{"error":"Request failed during generation: the grammar takes too long to follow","error_type":"generation"}',
            "schema_too_complex",
            "the grammar takes too long to follow",
        ),
        (401, b"", "backend_unavailable", ""),
        (404, b"", "backend_nonsense", ""),
        (413, b"", "too_large", ""),
        (500, b"oops", "backend_unavailable", ""),
        (503, b"", "backend_unavailable", ""),
        (504, b"", "backend_timeout", ""),
        (418, b"[]", "backend_nonsense", ""),
        (500, b'{"error":{"message":"secret","type":{"":""},"code":[]}}', "backend_unavailable", ""),
    ],
)
def test_an_error_reply_becomes_a_code(status: int, body: bytes, code: str, detail: str) -> None:
    assert asking(CHAT, messages=TALK).refusal(status, body) == Refuse(Code(code), detail=detail)


NONSENSE = [
    (CHAT, {"messages": TALK, "stream": True}, recordings.TGI_CHAT + recordings.sse(recordings.chunk(None))),
    (CHAT, {"messages": TALK, "stream": True, "tools": TOOLS}, recordings.TGI_TOOL.removesuffix(b"data: [DONE]\n\n")),
    (
        "/generate_stream",
        {"inputs": "a"},
        recordings.sse(recordings.generated(1, recordings.token(1, "a")), done=False),
    ),
    ("/generate_stream", {"inputs": "a"}, recordings.sse({"token": {"text": "a"}})),
    ("/generate_stream", {"inputs": "a"}, recordings.sse({"token": {"id": 1, "text": 5}})),
    ("/generate_stream", {"inputs": "a"}, recordings.sse([1])),
    ("/generate_stream", {"inputs": "a"}, recordings.sse(b"{")),
    ("/generate_stream", {"inputs": "a"}, recordings.TGI_GENERATE[0] * 2),
    ("/generate", {"inputs": "a"}, b""),
    ("/generate", {"inputs": "a"}, b"[]"),
    ("/generate", {"inputs": "a"}, b'{"text":"a"}'),
    ("/generate", {"inputs": "a"}, b'{"generated_text":"a"}'),
    ("/generate", {"inputs": "a"}, b'{"generated_text":"a","details":{"finish_reason":[]}}'),
    (CHAT, {"messages": TALK}, b"<html>"),
    (CHAT, {"messages": TALK}, b'{"choices":[]}'),
    (CHAT, {"messages": TALK}, b'{"choices":"a"}'),
    (CHAT, {"messages": TALK, "stream": True}, recordings.sse(recordings.chunk({"content": "a"}))),
    (CHAT, {"messages": TALK, "stream": True}, recordings.sse(recordings.chunk({"content": "a"}, "whim"))),
    (
        CHAT,
        {"messages": TALK, "stream": True},
        recordings.sse(recordings.chunk({"tool_calls": [{"function": {"arguments": "a"}}]})),
    ),
    (CHAT, {"messages": TALK, "stream": True}, recordings.TGI_CHAT + recordings.TGI_CHAT),
    (CHAT, {"messages": TALK, "stream": True}, b""),
    (COMPLETE, {"prompt": ["a", "b"]}, b'{"choices":[{"index":0,"text":"a","finish_reason":"stop"}]}'),
    ("/info", {}, b"[]"),
    ("/tokenize", {"inputs": "a"}, b"{}"),
]


@pytest.mark.parametrize(("path", "body", "data"), NONSENSE)
def test_what_nobody_knows_is_nonsense_and_never_text(path: str, body: dict[str, Any], data: bytes) -> None:
    wire = TgiWire("smollm2")
    route = next(route for route in wire.routes if route.path == path)
    ask = wire.read(route, orjson.dumps(body) if body else b"")
    assert not isinstance(ask, Refuse)
    with pytest.raises(BackendNonsense):
        events_of(ask, data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "choices",
                        "delta",
                        "content",
                        "token",
                        "text",
                        "id",
                        "finish_reason",
                        "generated_text",
                        "details",
                        "tool_calls",
                        "function",
                        "usage",
                        "error",
                        "index",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=8,
    ),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_any_json_gives_events_or_nonsense_and_nothing_else(value: object, stream: bool) -> None:
    data = b"data: " + orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATACLASS) + b"\n\n" if _fits(value) else b""
    for path, body in (("/", {"inputs": "a"}), (CHAT, {"messages": TALK})):
        ask = asking(path, **body, stream=stream)
        try:
            events_of(ask, data if stream else data[6:])
        except BackendNonsense:
            continue


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9), max_size=8), st.data())
@settings(max_examples=200, deadline=None)
def test_a_chunk_reads_the_same_whether_it_leaves_out_what_it_has_not_or_says_null(
    texts: list[str], data: st.DataObject
) -> None:
    def chunk(text: str, laden: bool) -> bytes:
        nothing = dict.fromkeys(("reasoning_content", "reasoning", "tool_calls")) if laden else {}
        choice = {"index": 0, "delta": {"content": text, **nothing}, "logprobs": None, "finish_reason": None}
        return b"data: " + orjson.dumps({"choices": [choice], "usage": None}) + b"\n\n"

    ask = asking(CHAT, OpenAIWire("m"), messages=TALK, stream=True)
    end = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    mixed = b"".join([chunk(text, data.draw(st.booleans())) for text in texts])
    assert events_of(ask, mixed + end) == events_of(ask, b"".join([chunk(text, True) for text in texts]) + end)


def _fits(value: object) -> bool:
    try:
        orjson.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


@pytest.mark.parametrize(
    ("path", "body", "reply", "written"),
    [
        (
            "/info",
            {},
            {"model_id": "m", "max_best_of": 2, "sha": None, "extra": "x", "version": 3},
            {"model_id": "m", "max_best_of": 2, "sha": None},
        ),
        (
            "/tokenize",
            {"inputs": "a"},
            [{"id": 1, "text": "a", "start": 0, "stop": 1, "x": 1}],
            [{"id": 1, "text": "a", "start": 0, "stop": 1}],
        ),
        (
            "/chat_tokenize",
            {"messages": TALK},
            {"tokenize_response": [], "templated_text": "t", "x": 1},
            {"tokenize_response": [], "templated_text": "t"},
        ),
        (
            "/v1/models",
            {},
            {"object": "list", "data": [{"id": "m", "owned_by": "/data/m", "x": 1}]},
            {"object": "list", "data": [{"id": "smollm2", "object": "model", "created": 0, "owned_by": "hangu"}]},
        ),
    ],
)
async def test_facts_are_told_by_their_known_fields(
    path: str, body: dict[str, Any], reply: object, written: object
) -> None:
    wire = TgiWire("smollm2")
    ask = wire.read(next(route for route in wire.routes if route.path == path), orjson.dumps(body) if body else b"")
    assert not isinstance(ask, Refuse)
    assert orjson.loads((await driven(ask, orjson.dumps(reply)))[0]) == written


async def test_health_says_nothing() -> None:
    wire = TgiWire("smollm2")
    ask = wire.read(next(route for route in wire.routes if route.path == "/health"), b"")
    assert not isinstance(ask, Refuse)
    assert (await driven(ask, b"anything"))[0] == b""


CHANNELS = st.sampled_from([Channel(choice, kind) for choice in range(3) for kind in (Kind.CONTENT, Kind.REASONING)])
DELTAS = st.lists(
    st.builds(Delta, CHANNELS, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9)), max_size=8
)


@given(DELTAS)
@settings(max_examples=200, deadline=None)
def test_what_a_client_reads_from_a_stream_is_what_it_reads_from_the_whole(deltas: list[Delta]) -> None:
    ends = [Finished(choice, "stop") for choice in range(3)]
    texts = {choice: _joined(deltas, choice, Kind.CONTENT) for choice in range(3)}
    thoughts = {choice: _joined(deltas, choice, Kind.REASONING) for choice in range(3)}
    wire = OpenAIWire("m")
    streaming = asking(CHAT, wire, messages=TALK, n=3, stream=True)
    writing = streaming.writing(filled(streaming), 1)
    data = b"".join([writing.write([event]) for event in (*deltas, *ends)]) + writing.finish()
    said, thought = dict.fromkeys(range(3), ""), dict.fromkeys(range(3), "")
    for chunk in frames(data)[:-1]:
        for choice in chunk["choices"]:
            said[choice["index"]] += choice["delta"].get("content") or ""
            thought[choice["index"]] += choice["delta"].get("reasoning_content") or ""
    whole = asking(CHAT, wire, messages=TALK, n=3)
    writing = whole.writing(filled(whole), 1)
    assert writing.write([*deltas, *ends]) == b""
    messages = [choice["message"] for choice in orjson.loads(writing.finish())["choices"]]
    assert said == texts == {i: message["content"] for i, message in enumerate(messages)}
    assert thought == thoughts == {i: message.get("reasoning_content", "") for i, message in enumerate(messages)}


def _joined(deltas: list[Delta], choice: int, kind: Kind) -> str:
    return "".join(d.text for d in deltas if d.channel == Channel(choice, kind))


@pytest.mark.parametrize("path", ["/generate_stream", "/generate"])
@pytest.mark.parametrize(
    ("shown", "text"),
    [(Shown.INLINE, "<think>\nHm <b</think>Yes."), (Shown.SPLIT, "Yes."), (Shown.DROPPED, "Yes.")],
)
async def test_reasoning_stays_in_tgis_text_or_goes(path: str, shown: Shown, text: str) -> None:
    ask = asking(path, TgiWire("m", shown=shown), inputs="a")
    details = {"finish_reason": "length", "generated_tokens": 6, "seed": None, "prefill": [], "tokens": []}
    whole = orjson.dumps({"generated_text": recordings.TGI_THINKS[1], "details": details})
    written, inspection = await driven(ask, recordings.TGI_THINKS[0] if path.endswith("stream") else whole)
    value = frames(written)[-1] if path.endswith("stream") else orjson.loads(written)
    assert value["generated_text"] == text
    assert (Channel(0, Kind.REASONING) in inspection.released) is (shown is Shown.INLINE)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("shown", "content", "apart"),
    [
        (Shown.INLINE, "<think>Hm</think>Yes", None),
        (Shown.SPLIT, "Yes", "Hm"),
        (Shown.DROPPED, "Yes", None),
    ],
)
async def test_reasoning_in_chat_is_inline_apart_or_gone(
    stream: bool, shown: Shown, content: str, apart: str | None
) -> None:
    ask = asking(CHAT, TgiWire("m", shown_in_chat=shown), messages=TALK, stream=stream)
    parts = ["<thi", "nk>H", "m</", "think>", "Yes"]
    message = {"index": 0, "message": {"role": "assistant", "content": "".join(parts)}, "finish_reason": "stop"}
    chunks = recordings.sse(*[recordings.chunk({"content": part}) for part in parts], recordings.chunk({}, "stop"))
    written, _ = await driven(ask, chunks if stream else orjson.dumps({"choices": [message]}))
    if stream:
        deltas = [choice["delta"] for chunk in frames(written)[:-1] for choice in chunk["choices"]]
    else:
        deltas = [orjson.loads(written)["choices"][0]["message"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == content
    assert ("".join(delta.get("reasoning_content") or "" for delta in deltas) or None) == apart


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (
            "/generate_stream",
            {"inputs": "a"},
            {"error": "stopped", "error_type": "output_blocked", "code": "output_blocked", "request_id": "x-1"},
        ),
        (
            CHAT,
            {"messages": TALK, "stream": True},
            {
                "error": {
                    "message": "stopped",
                    "type": "permission_error",
                    "code": "output_blocked",
                    "param": None,
                    "request_id": "x-1",
                }
            },
        ),
    ],
)
def test_a_stream_that_is_stopped_says_so_in_its_own_shape(path: str, body: dict[str, Any], said: object) -> None:
    ask = asking(path, **body)
    writing = ask.writing(filled(ask), 1)
    assert frames(writing.fail(Code.OUTPUT_BLOCKED, "stopped", "x-1")) == [said]
    assert writing.content_type == "text/event-stream"


async def test_usage_is_told_in_a_stream_only_to_those_who_ask() -> None:
    for asked in (True, False):
        ask = asking(CHAT, messages=TALK, stream=True, stream_options={"include_usage": asked})
        written, inspection = await driven(ask, recordings.TGI_CHAT)
        assert ('"total_tokens":8' in written.decode()) is asked
        assert inspection.usage == Usage(5, 3)


def test_a_template_that_has_opened_the_thought_needs_no_opening_tag() -> None:
    ask = asking(CHAT, TgiWire("m", thinking=Thinking.OPENED), messages=TALK, stream=True)
    data = recordings.sse(
        *[recordings.chunk({"content": part}) for part in ("Hm</th", "ink>Y")], recordings.chunk({}, "stop")
    )
    assert told(events_of(ask, data)) == {"choices[0].reasoning": "Hm", "choices[0].content": "Y"}


@pytest.mark.parametrize(
    ("path", "body", "thinking", "begins"),
    [
        (CHAT, {"messages": TALK}, Thinking.TAGGED, Thinking.TAGGED),
        (CHAT, {"messages": TALK}, Thinking.OPENED, Thinking.OPENED),
        (
            CHAT,
            {"messages": [*TALK, {"role": "assistant", "content": "<think>\nso"}]},
            Thinking.TAGGED,
            Thinking.OPENED,
        ),
        (
            CHAT,
            {"messages": [*TALK, {"role": "assistant", "content": "<think>a</think>b"}]},
            Thinking.TAGGED,
            Thinking.TAGGED,
        ),
        (CHAT, {"messages": [{"role": "user", "content": "<think>"}]}, Thinking.TAGGED, Thinking.TAGGED),
        (CHAT, {"messages": TALK, "response_format": {"type": "regex", "value": "a"}}, Thinking.OPENED, Thinking.NEVER),
        ("/generate", {"inputs": "a"}, Thinking.OPENED, Thinking.TAGGED),
        ("/generate", {"inputs": "<think> means?"}, Thinking.OPENED, Thinking.TAGGED),
        ("/generate", {"inputs": "a<think>\n"}, Thinking.TAGGED, Thinking.OPENED),
        ("/generate", {"inputs": "a<think>\n"}, Thinking.NEVER, Thinking.NEVER),
        (COMPLETE, {"prompt": ["a<think>", "b"]}, Thinking.TAGGED, Thinking.TAGGED),
        (COMPLETE, {"prompt": ["a<think>"]}, Thinking.TAGGED, Thinking.OPENED),
    ],
)
def test_where_a_reply_begins_follows_from_the_request(
    path: str, body: dict[str, Any], thinking: Thinking, begins: Thinking
) -> None:
    text = "Hm</think>Y" if begins is Thinking.OPENED else "<think>Hm</think>Y"
    details = {"finish_reason": "length", "generated_tokens": 1}
    choice = {"index": 0, "text": text, "finish_reason": "stop"}
    spoken = {"index": 0, "message": {"content": text}, "finish_reason": "stop"}
    replies = {"/generate": {"generated_text": text, "details": details}, CHAT: {"choices": [spoken]}}
    samples = len(body["prompt"]) if path == COMPLETE else 1
    replies[COMPLETE] = {"choices": [{**choice, "index": i} for i in range(samples)]}
    wire = TgiWire("m", thinking=thinking, shown=Shown.INLINE)
    texts = told(events_of(asking(path, wire, **body), orjson.dumps(replies[path])))
    apart = {"choices[0].reasoning": "Hm", "choices[0].content": "Y"}
    assert {k: v for k, v in texts.items() if k.startswith("choices[0]")} == (
        {"choices[0].content": text} if begins is Thinking.NEVER else apart
    )


@pytest.mark.parametrize(
    ("backends", "ours"), [("0", "call_x-1_0_0"), ("chatcmpl-tool-a1", "chatcmpl-tool-a1"), ("<b>", "call_x-1_0_0")]
)
async def test_whole_tool_calls_have_ids_that_are_safe_and_their_own(backends: str, ours: str) -> None:
    ask = asking(CHAT, messages=TALK, tools=TOOLS)
    call = {
        "id": backends,
        "type": "function",
        "function": {"description": None, "name": "see", "arguments": '{"at":1}'},
    }
    choice = {"index": 0, "message": {"role": "assistant", "tool_calls": [call]}, "finish_reason": "stop"}
    written, _ = await driven(ask, orjson.dumps({"choices": [choice], "usage": recordings.USAGE}))
    reply = orjson.loads(written)
    function = {"name": "see", "arguments": '{"at":1}'}
    assert reply["choices"][0]["message"] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": ours, "type": "function", "function": function}],
    }
    assert reply["choices"][0]["finish_reason"] == "tool_calls"
    assert reply["usage"]["total_tokens"] == 8


async def test_a_tool_call_that_older_tgi_sends_bare_reads_the_same() -> None:
    ask = asking(CHAT, messages=TALK, stream=True, tools=TOOLS)
    call = {"index": 0, "id": "0", "function": {"name": "see", "arguments": "{}"}}
    data = recordings.sse(recordings.chunk({"tool_calls": call}, "eos_token"))
    assert told(events_of(ask, data)) == {"choices[0].tool_calls[0].arguments": "{}"}


async def test_words_and_a_call_in_one_reply_are_both_told() -> None:
    ask = asking(CHAT, messages=TALK, stream=True, tools=TOOLS)
    call = {"index": 0, "id": "0", "function": {"name": "see", "arguments": "{}"}}
    data = recordings.sse(
        recordings.chunk({"content": "I look."}),
        recordings.chunk({"tool_calls": [call]}),
        recordings.chunk({}, "length"),
    )
    written, inspection = await driven(ask, data)
    assert {str(channel): text for channel, text in inspection.released.items()} == {
        "choices[0].content": "I look.",
        "choices[0].tool_calls[0].arguments": "{}",
    }
    assert frames(written)[-2]["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("tokens", "told_of"),
    [
        (["The", " gate"], ["The", " gate"]),
        (["The", " gate", "</s>"], ["The", " gate"]),
        (["The", " wall"], []),
        (["The"], []),
        ([], []),
    ],
)
async def test_logprobs_are_told_only_where_their_tokens_spell_the_text(tokens: list[str], told_of: list[str]) -> None:
    ask = asking(CHAT, messages=TALK, logprobs=True)
    logprobs = {"content": [{"token": text, "logprob": -1, "top_logprobs": [{"token": "SECRET"}]} for text in tokens]}
    choice = {"index": 0, "message": {"content": "The gate"}, "logprobs": logprobs, "finish_reason": "stop"}
    written, _ = await driven(ask, orjson.dumps({"choices": [choice]}))
    assert b"SECRET" not in written
    assert [t["token"] for t in orjson.loads(written)["choices"][0]["logprobs"]["content"]] == told_of


async def test_streamed_logprobs_are_told_beside_their_text_to_those_who_ask() -> None:
    logprobs = {"content": [{"token": "The", "logprob": -0.5, "top_logprobs": []}]}
    said = {"index": 0, "delta": {"content": "The"}, "logprobs": logprobs, "finish_reason": None}
    data = recordings.sse({"choices": [said]}, recordings.chunk({}, "stop"))
    for wanted in (True, False):
        ask = asking(CHAT, messages=TALK, stream=True, logprobs=wanted)
        written, _ = await driven(ask, data)
        shown = frames(written)[1]["choices"][0]["logprobs"]
        expected = {"token": "The", "logprob": -0.5, "bytes": [84, 104, 101], "top_logprobs": []}
        assert shown == ({"content": [expected]} if wanted else None)


@pytest.mark.parametrize("size", [(16 << 20) + 1])
def test_a_whole_reply_has_a_limit(size: int) -> None:
    reading = asking(CHAT, messages=TALK).reading()
    with pytest.raises(BackendNonsense):
        reading.feed(b" " * size)


def test_a_failure_in_a_whole_reply_is_told_too() -> None:
    failure = b'{"error":"Model is overloaded","error_type":"overloaded"}'
    assert events_of(asking(CHAT, messages=TALK), failure) == [Failed(Code.BACKEND_OVERLOADED)]
    assert events_of(asking("/tokenize", inputs="a"), failure) == [Failed(Code.BACKEND_OVERLOADED)]


@pytest.mark.parametrize(
    "choice",
    [
        {"index": 64, "delta": {"content": "a"}},
        {"index": -1, "delta": {"content": "a"}},
        {"index": 0, "delta": {"content": 1}},
        {"index": 0, "delta": "a"},
        {"index": 0, "delta": {"tool_calls": "a"}},
        {"index": 0, "delta": {"tool_calls": [{"index": 128, "function": {"name": "see"}}]}},
        {"index": 0, "delta": {"content": "a"}, "logprobs": {"content": [{"token": "a", "logprob": "b"}]}},
    ],
)
def test_a_choice_of_another_form_is_nonsense(choice: dict[str, Any]) -> None:
    reading = asking(CHAT, messages=TALK, stream=True).reading()
    with pytest.raises(BackendNonsense):
        reading.feed(recordings.sse({"choices": [choice]}))


def test_nothing_may_follow_a_choices_end() -> None:
    reading = asking(COMPLETE, prompt="a", stream=True).reading()
    said = {"index": 0, "text": "a", "finish_reason": "stop"}
    reading.feed(recordings.sse({"choices": [said]}, done=False))
    assert reading.feed(recordings.sse({"choices": [{**said, "text": ""}]}, done=False)) == []
    with pytest.raises(BackendNonsense):
        reading.feed(recordings.sse({"choices": [said]}, done=False))
