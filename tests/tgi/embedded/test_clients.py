"""Other people's clients, unmodified, against the backend: openai, huggingface_hub and text-generation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from huggingface_hub import AsyncInferenceClient
from huggingface_hub.errors import ValidationError as HubValidationError
from text_generation import AsyncClient
from text_generation.errors import ValidationError

from tests.tgi.embedded.conftest import ANSWER, serving
from tests.tgi.embedded.test_chat import CALL, NO_TOOL, WEATHER
from tgi.embedded.replay import ReplayEngine

# text-generation 0.7.0 still calls pydantic's old names.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20")

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


@pytest.fixture
async def url() -> AsyncIterator[str]:
    answers = {"Given the functions available": CALL, "no need": NO_TOOL}
    async with serving(ReplayEngine(ANSWER, answers)) as running:
        yield running


@pytest.fixture
async def client(url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as made:
        yield made


async def test_openai_chats(client: openai.AsyncOpenAI) -> None:
    reply = await client.chat.completions.create(model="smollm2", messages=HELLO, logprobs=True, top_logprobs=2)
    assert reply.choices[0].message.content == ANSWER
    assert reply.usage is not None and reply.usage.total_tokens > 0


async def test_openai_streams(client: openai.AsyncOpenAI) -> None:
    said, used = "", None
    stream = await client.chat.completions.create(
        model="smollm2", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    async for chunk in stream:
        said += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        used = chunk.usage or used
    assert said == ANSWER
    assert used is not None and used.completion_tokens > 0


async def test_openai_calls_tools(client: openai.AsyncOpenAI) -> None:
    tools: Any = [WEATHER]
    reply = await client.chat.completions.create(model="smollm2", messages=HELLO, tools=tools)
    calls = reply.choices[0].message.tool_calls
    assert calls is not None and calls[0].type == "function"
    assert (calls[0].function.name, calls[0].function.arguments) == ("weather", '{"city":"Luoyang"}')


async def test_openai_completes_and_lists_models(client: openai.AsyncOpenAI) -> None:
    reply = await client.completions.create(model="smollm2", prompt="Hello")
    assert reply.choices[0].text == ANSWER
    assert [model.id async for model in await client.models.list()] == ["smollm2"]


async def test_openai_sees_refusals(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        await client.chat.completions.create(model="smollm2", messages=HELLO, top_p=1.0)
    assert refused.value.response.json()["error"] == "Input validation error: `top_p` must be > 0.0 and < 1.0"
    with pytest.raises(openai.APIError, match="`top_p` must be"):
        stream = await client.chat.completions.create(model="smollm2", messages=HELLO, top_p=1.0, stream=True)
        [chunk async for chunk in stream]


async def test_the_hub_client_chats_and_streams(url: str) -> None:
    async with AsyncInferenceClient(base_url=f"{url}/v1") as hub:
        reply = await hub.chat_completion(HELLO, max_tokens=100)
        assert reply.choices[0].message.content == ANSWER
        stream = await hub.chat_completion(HELLO, stream=True, max_tokens=100)
        said = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        assert said == ANSWER


async def test_the_hub_client_generates(url: str) -> None:
    async with AsyncInferenceClient(model=url) as hub:
        assert await hub.text_generation("Hello", max_new_tokens=100, return_full_text=False) == ANSWER
        whole = await hub.text_generation("Hello", details=True, max_new_tokens=100, top_n_tokens=2)
        assert whole.details is not None and whole.details.finish_reason == "eos_token"
        # Without `return_full_text` TGI's root repeats the prompt, and so does this one.
        stream = await hub.text_generation("Hello", stream=True, details=True, max_new_tokens=100)
        events = [event async for event in stream]
        assert events[-1].generated_text == "Hello" + ANSWER


async def test_the_hub_client_sees_refusals(url: str) -> None:
    async with AsyncInferenceClient(model=url) as hub:
        with pytest.raises(HubValidationError, match="`temperature` must be strictly positive"):
            await hub.text_generation("Hello", temperature=0.0, max_new_tokens=5)


async def test_text_generation_generates(url: str) -> None:
    reply = await AsyncClient(url).generate("Hello", max_new_tokens=100, watermark=True, decoder_input_details=True)
    assert reply.generated_text == ANSWER
    assert reply.details.finish_reason == "eos_token"
    several = await AsyncClient(url).generate("Hello", best_of=2, do_sample=True, max_new_tokens=100)
    assert several.details.best_of_sequences is not None
    assert len(several.details.best_of_sequences) == 1


async def test_text_generation_streams(url: str) -> None:
    events = [event async for event in AsyncClient(url).generate_stream("Hello", max_new_tokens=100)]
    assert events[-1].generated_text == ANSWER
    assert "".join(e.token.text for e in events if not e.token.special) == ANSWER


async def test_text_generation_chats(url: str) -> None:
    reply = await AsyncClient(url).chat([{"role": "user", "content": "Hello"}], max_tokens=100)
    assert reply.choices[0].message.content == ANSWER


async def test_text_generation_sees_refusals(url: str) -> None:
    with pytest.raises(ValidationError, match="must be <= 4096"):
        await AsyncClient(url).generate("Hello" * 1000, max_new_tokens=5)
    with pytest.raises(ValidationError, match="must be <= 4096"):
        [event async for event in AsyncClient(url).generate_stream("Hello" * 1000, max_new_tokens=5)]
