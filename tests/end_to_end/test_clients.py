"""The clients people already have, unmodified but for certificates, chat and stream through the gate on a real model."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import httpx2
import openai
import pytest
import requests
import text_generation
from huggingface_hub import InferenceClient, configure_http_backend

from tests.end_to_end.sidecar import sidecar
from tests.end_to_end.site import Site

pytestmark = pytest.mark.real_model
SHORT = 12  # tokens: enough to see text, little enough for a small machine


@pytest.fixture(scope="module")
def openai_client(site: Site) -> Iterator[openai.OpenAI]:
    with httpx2.Client(verify=site.context("analyst")) as http:
        yield openai.OpenAI(base_url=f"{site.url}/v1", api_key=site.token("analyst"), http_client=http, max_retries=0)


def test_openai_chats(openai_client: openai.OpenAI) -> None:
    answer = openai_client.chat.completions.create(
        model="smollm2", messages=[{"role": "user", "content": "Name the capital of France."}], max_tokens=SHORT
    )
    assert answer.choices[0].message.content
    assert answer.usage is not None and answer.usage.completion_tokens > 0
    assert answer.id


def test_openai_streams_the_same_text_as_it_answers_whole(openai_client: openai.OpenAI) -> None:
    ask = {
        "model": "smollm2",
        "messages": [{"role": "user", "content": "Name the capital of France."}],
        "max_tokens": SHORT,
        "temperature": 0,
        "seed": 7,
    }
    whole = openai_client.chat.completions.create(**ask)  # type: ignore[call-overload]
    chunks = list(
        openai_client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True})  # type: ignore[call-overload]
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert unmarked(text) == unmarked(whole.choices[0].message.content)
    assert chunks[-1].usage is not None and chunks[-1].usage.total_tokens > 0


def test_openai_completes(openai_client: openai.OpenAI) -> None:
    answer = openai_client.completions.create(model="smollm2", prompt="The capital of France is", max_tokens=SHORT)
    assert answer.choices[0].text


def test_openai_lists_the_models_a_caller_may_see(openai_client: openai.OpenAI) -> None:
    assert [model.id for model in openai_client.models.list()] == ["smollm2"]


def test_openai_gets_its_own_errors(site: Site, openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.UnprocessableEntityError) as invalid:
        openai_client.chat.completions.create(
            model="smollm2", messages=[{"role": "user", "content": "hi"}], max_tokens=-1
        )
    assert invalid.value.code == "parameter_invalid"  # type: ignore[attr-defined]
    with httpx2.Client(verify=site.context("guest")) as http:
        guest = openai.OpenAI(base_url=f"{site.url}/v1", api_key=site.token("guest"), http_client=http, max_retries=0)
        with pytest.raises(openai.PermissionDeniedError) as denied:
            guest.chat.completions.create(model="smollm2", messages=[{"role": "user", "content": "hi"}])
    assert denied.value.code == "not_permitted"  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def hugging_face(site: Site) -> Iterator[None]:
    def session() -> requests.Session:
        made = requests.Session()
        made.trust_env = False  # a CA bundle of the environment would win over ours
        made.cert, made.verify = site.papers("analyst"), site.ca
        return made

    configure_http_backend(session)
    yield
    configure_http_backend()


@pytest.mark.usefixtures("hugging_face")
class TestHuggingFace:
    def test_chat_and_stream(self, site: Site) -> None:
        client = InferenceClient(base_url=f"{site.url}/v1", api_key=site.token("analyst"))
        messages = [{"role": "user", "content": "Say hello."}]
        assert client.chat_completion(messages, max_tokens=SHORT).choices[0].message.content
        chunks = list(client.chat_completion(messages, max_tokens=SHORT, stream=True))
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)

    def test_text_generation_and_stream(self, site: Site) -> None:
        client = InferenceClient(model=site.url, token=site.token("analyst"))
        whole = client.text_generation("The capital of France is", max_new_tokens=SHORT, details=True)
        assert whole.generated_text and whole.details.generated_tokens > 0
        assert "".join(client.text_generation("The capital of France is", max_new_tokens=SHORT, stream=True))


@pytest.fixture(scope="module")
def client(site: Site, sidecar_port: int) -> Iterator[text_generation.Client]:
    with sidecar(site, "analyst", sidecar_port) as url:
        yield text_generation.Client(url, headers={"Authorization": f"Bearer {site.token('analyst')}"}, timeout=60)


class TestTextGeneration:
    """text-generation knows no client certificates: it goes through a loopback sidecar, as its users would set up."""

    def test_generate_and_stream(self, client: text_generation.Client) -> None:
        answer = client.generate("The capital of France is", max_new_tokens=SHORT)
        assert answer.generated_text and answer.details.finish_reason
        events = list(client.generate_stream("The capital of France is", max_new_tokens=SHORT))
        assert unmarked("".join(event.token.text for event in events)) == unmarked(events[-1].generated_text)

    def test_chat(self, client: text_generation.Client) -> None:
        answer = client.chat([{"role": "user", "content": "Say hello."}], max_tokens=SHORT)  # type: ignore[list-item]
        assert answer.choices[0].message.content

    def test_its_own_validation_error(self, client: text_generation.Client) -> None:
        with pytest.raises(text_generation.errors.ValidationError):
            client.generate("x", max_new_tokens=SHORT, stop_sequences=["a", "b", "c", "d", "e"])


CURLS = [
    ("/generate", {"inputs": "What is Deep Learning?", "parameters": {"max_new_tokens": 8}}, "generated_text"),
    ("/generate_stream", {"inputs": "What is Deep Learning?", "parameters": {"max_new_tokens": 8}}, "data: {"),
    ("/", {"inputs": "What is Deep Learning?", "parameters": {"max_new_tokens": 8}}, "generated_text"),
    ("/tokenize", {"inputs": "My name is Olivier and I"}, '"start"'),
    (
        "/v1/chat/completions",
        {
            "model": "tgi",
            "messages": [
                {"role": "system", "content": "You are a helpful assistant."},
                {"role": "user", "content": "What is deep learning?"},
            ],
            "stream": True,
            "max_tokens": 8,
        },
        "data: [DONE]",
    ),
]


@pytest.mark.parametrize(("path", "body", "expected"), CURLS, ids=[path for path, _, _ in CURLS])
def test_curl_with_the_documented_examples(site: Site, path: str, body: dict[str, object], expected: str) -> None:
    certificate, key = site.papers("analyst")
    papers = [
        "--cacert",
        site.ca,
        "--cert",
        certificate,
        "--key",
        key,
        "-H",
        f"Authorization: Bearer {site.token('analyst')}",
    ]
    asked = [
        "-sS",
        "--max-time",
        "60",
        f"{site.url}{path}",
        "-H",
        "Content-Type: application/json",
        "-d",
        json.dumps(body),
    ]
    done = subprocess.run(["curl", *papers, *asked], capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout


def unmarked(text: str | None) -> str:
    """Two exchanges never carry the same mark: compared without it."""
    return "".join(character for character in text or "" if not 0xE0100 <= ord(character) <= 0xE01EF)
