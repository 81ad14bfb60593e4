"""The public clients, unmodified, through the wire: what they send is accepted, and what they get they can read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import openai
import pytest
import text_generation
from huggingface_hub import AsyncInferenceClient
from text_generation.errors import OverloadedError, ValidationError

from gateway.core.ports import BackendRequest
from tests.tgi.wire import recordings
from tests.tgi.wire.conftest import ANSWER
from tests.tgi.wire.relay import relaying
from tgi.wire import TgiWire

# text-generation 0.7.0 calls pydantic's old `dict`.
pytestmark = pytest.mark.filterwarnings("ignore:The `dict` method is deprecated")


class Recorded:
    """A backend that repeats recorded bytes, in two parts."""

    name, status = "recorded", 200

    def __init__(self, data: bytes) -> None:
        self._data = data

    @asynccontextmanager
    async def ask(self, request: BackendRequest) -> AsyncIterator[Recorded]:
        yield self

    async def chunks(self) -> AsyncIterator[bytes]:
        half = self._data.index(b"\n\n") + 2
        yield self._data[:half]
        yield self._data[half:]


GENERATED = recordings.TGI_GENERATE[0].split(b"data: ")[1]
OVERLOADED = b'data: {"error":"Model is overloaded","error_type":"overloaded"}\n\n'
CHATTED = recordings.TGI_CHAT.split(b"data: ")[1]

Relay = Callable[..., Awaitable[str]]
TALK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Is it open?"}]


async def test_openai_chats(relay: Relay) -> None:
    async with openai.AsyncOpenAI(base_url=await relay() + "/v1", api_key="none") as client:
        reply = await client.chat.completions.create(model="smollm2", messages=TALK, max_tokens=50, top_p=1)
    assert reply.choices[0].message.content == ANSWER
    assert (reply.id, reply.model, reply.choices[0].finish_reason) == ("x-1", "smollm2", "stop")
    assert reply.usage is not None
    assert reply.usage.completion_tokens > 0


async def test_openai_streams_and_is_told_the_usage(relay: Relay) -> None:
    async with openai.AsyncOpenAI(base_url=await relay() + "/v1", api_key="none") as client:
        stream = await client.chat.completions.create(
            model="tgi", messages=TALK, max_tokens=50, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    said = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert said == ANSWER
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens > 0


async def test_openai_completes_several_prompts(relay: Relay) -> None:
    async with openai.AsyncOpenAI(base_url=await relay() + "/v1", api_key="none") as client:
        reply = await client.completions.create(model="smollm2", prompt=["a", "b"], max_tokens=50)
        stream = await client.completions.create(model="smollm2", prompt=["a", "b"], max_tokens=50, stream=True)
        parts: dict[int, str] = {}
        async for chunk in stream:
            for choice in chunk.choices:
                parts[choice.index] = parts.get(choice.index, "") + choice.text
    assert [choice.text for choice in reply.choices] == [ANSWER, ANSWER]
    assert parts == {0: ANSWER, 1: ANSWER}


async def test_openai_is_given_logprobs_of_the_answer(relay: Relay) -> None:
    async with openai.AsyncOpenAI(base_url=await relay() + "/v1", api_key="none") as client:
        reply = await client.chat.completions.create(model="tgi", messages=TALK, max_tokens=50, logprobs=True)
    told = reply.choices[0].logprobs
    assert told is not None
    assert "".join(token.token for token in told.content or ()) == ANSWER


async def test_openai_sees_a_refusal_as_its_own_error(relay: Relay) -> None:
    async with openai.AsyncOpenAI(base_url=await relay() + "/v1", api_key="none", max_retries=0) as client:
        with pytest.raises(openai.UnprocessableEntityError, match="temperature"):
            await client.chat.completions.create(model="tgi", messages=TALK, temperature=-1)


async def test_openai_lists_models(relay: Relay) -> None:
    async with openai.AsyncOpenAI(base_url=await relay() + "/v1", api_key="none") as client:
        assert [model.id async for model in client.models.list()]


async def test_huggingface_hub_chats_and_streams(relay: Relay) -> None:
    client = AsyncInferenceClient(base_url=await relay() + "/v1")
    reply = await client.chat_completion(TALK, max_tokens=50)
    chunks = [chunk async for chunk in await client.chat_completion(TALK, max_tokens=50, stream=True)]
    assert reply.choices[0].message.content == ANSWER
    assert "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices) == ANSWER


async def test_huggingface_hub_generates(relay: Relay) -> None:
    client = AsyncInferenceClient(model=await relay())
    plain = await client.text_generation("Once", max_new_tokens=50, return_full_text=False)
    detailed = await client.text_generation("Once", max_new_tokens=50, details=True, return_full_text=True)
    streamed = [part async for part in await client.text_generation("Once", max_new_tokens=50, stream=True)]
    assert plain == ANSWER
    assert detailed.generated_text == "Once" + ANSWER
    assert detailed.details is not None
    assert "".join(token.text for token in detailed.details.tokens) == ANSWER
    assert "".join(streamed) == ANSWER


async def test_text_generation_generates_and_streams(relay: Relay) -> None:
    client = text_generation.AsyncClient(await relay())
    reply = await client.generate("Once", max_new_tokens=50)
    events = [event async for event in client.generate_stream("Once", max_new_tokens=50)]
    assert reply.generated_text == ANSWER
    assert reply.details.finish_reason == "eos_token"
    assert "".join(event.token.text for event in events if not event.token.special) == ANSWER
    assert events[-1].generated_text == ANSWER
    assert events[-1].details is not None


async def test_text_generation_is_given_the_best_and_the_others(relay: Relay) -> None:
    client = text_generation.AsyncClient(await relay())
    reply = await client.generate("Once", max_new_tokens=50, best_of=2, do_sample=True)
    others = reply.details.best_of_sequences
    assert others is not None
    assert [other.generated_text for other in others] == [ANSWER]


async def test_text_generation_sees_a_refusal_as_its_own_error(relay: Relay) -> None:
    client = text_generation.AsyncClient(await relay())
    with pytest.raises(ValidationError):
        await client.generate("Once", stop_sequences=["a", "b", "c", "d", "e"])


async def test_text_generation_chats(relay: Relay) -> None:
    client = text_generation.AsyncClient(await relay())
    reply = await client.chat([text_generation.types.Message(role="user", content="hi")], max_tokens=50)
    assert reply.choices[0].message.content == ANSWER


async def test_the_documented_curl_examples_work(relay: Relay) -> None:
    url = await relay()
    body = {"inputs": "What is Deep Learning?", "parameters": {"max_new_tokens": 20}}
    async with aiohttp.ClientSession() as http:
        async with http.post(url + "/generate", json=body) as reply:
            assert (await reply.json())["generated_text"]
        async with http.post(url + "/tokenize", json={"inputs": "ab"}) as reply:
            assert "".join(token["text"] for token in await reply.json()) == "ab"
        async with http.post(url + "/chat_tokenize", json={"messages": TALK}) as reply:
            assert "Is it open?" in (await reply.json())["templated_text"]
        async with http.get(url + "/info") as reply:
            assert (await reply.json())["max_total_tokens"]
        async with http.get(url + "/health") as reply:
            assert (reply.status, await reply.read()) == (200, b"")
        for shape in ({"inputs": "a"}, {"messages": TALK}, {"prompt": "a"}):
            async with http.post(url + "/invocations", json=shape) as reply:
                assert reply.status == 200


@asynccontextmanager
async def asking_for(data: bytes) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's client before a backend that repeats these bytes."""
    async with (
        relaying(TgiWire("m"), Recorded(data)) as url,
        openai.AsyncOpenAI(base_url=url + "/v1", api_key="none", max_retries=0) as client,
    ):
        yield client


async def test_a_stream_that_fails_midway_is_each_clients_own_error() -> None:
    async with asking_for(b"data: " + CHATTED + OVERLOADED) as client:
        stream = await client.chat.completions.create(model="m", messages=TALK, stream=True)
        with pytest.raises(openai.APIError):
            [chunk async for chunk in stream]
    async with relaying(TgiWire("m"), Recorded(b"data: " + CHATTED + OVERLOADED)) as url:
        hub = AsyncInferenceClient(base_url=url + "/v1")
        with pytest.raises(Exception, match="backend_overloaded"):
            [chunk async for chunk in await hub.chat_completion(TALK, stream=True)]
    async with relaying(TgiWire("m"), Recorded(b"data: " + GENERATED + OVERLOADED)) as url:
        with pytest.raises(OverloadedError):
            [event async for event in text_generation.AsyncClient(url).generate_stream("a")]


async def test_a_stream_that_breaks_off_is_an_error_and_never_an_end() -> None:
    async with asking_for(b"data: " + CHATTED + b": alive\n\n") as client:
        stream = await client.chat.completions.create(model="m", messages=TALK, stream=True)
        with pytest.raises(openai.APIError):
            [chunk async for chunk in stream]


async def test_reasoning_reaches_openais_clients_in_its_own_field() -> None:
    async with asking_for(recordings.VLLM_CHAT) as client:
        stream = await client.chat.completions.create(model="m", messages=TALK, stream=True)
        deltas = [choice.delta async for chunk in stream for choice in chunk.choices]
    assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == "Hm."
    assert "".join(delta.content or "" for delta in deltas) == "The 函谷关"


async def test_openais_own_accumulator_reads_a_streamed_tool_call_and_may_append_it() -> None:
    tool = {"type": "function", "function": {"name": "see", "parameters": {"type": "object", "properties": {}}}}
    async with (
        asking_for(recordings.TGI_TOOL) as client,
        client.chat.completions.stream(model="m", messages=TALK, tools=[tool]) as stream,
    ):
        completion = await stream.get_final_completion()
    message = completion.choices[0].message
    assert (message.role, completion.choices[0].finish_reason) == ("assistant", "tool_calls")
    assert [(call.function.name, call.function.arguments) for call in message.tool_calls or ()] == [("see", '{"at":1}')]
    talk = [*TALK, message.model_dump(), {"role": "tool", "tool_call_id": "call_x-1_0_0", "content": "a gate"}]
    async with asking_for(recordings.TGI_CHAT) as client:
        stream = await client.chat.completions.create(model="m", messages=talk, tools=[tool], stream=True)
        assert [chunk async for chunk in stream]
