"""The label of generated content reaches clients that never heard of it, in every shape, and verifies outside."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway import settings
from gateway.keys import marks
from tests.end_to_end.site import Site
from watermark import labels

pytestmark = pytest.mark.real_model
CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "Name the capital of France."}], "max_tokens": 8}
GENERATE: dict[str, Any] = {"inputs": "The capital of France is", "parameters": {"max_new_tokens": 8}}
SHAPES = [
    ("/v1/chat/completions", CHAT),
    ("/v1/chat/completions", CHAT | {"stream": True}),
    ("/v1/chat/completions", CHAT | {"stream": True, "stream_options": {"include_usage": True}}),
    ("/v1/completions", {"prompt": "The capital of France is", "max_tokens": 8}),
    ("/generate", GENERATE),
    ("/generate_stream", GENERATE),
    ("/", GENERATE),
]


def asked(site: Site, path: str, body: dict[str, Any] | None) -> requests.Response:
    reply = requests.request(
        "GET" if body is None else "POST",
        site.url + path,
        json=body,
        cert=site.papers("analyst"),
        verify=site.ca,
        headers={"authorization": f"Bearer {site.token('analyst')}"},
        timeout=60,
    )
    assert reply.status_code == 200
    return reply


def last_object(reply: requests.Response) -> dict[str, Any]:
    """The body, or the last event that is an object."""
    text = reply.content.decode()
    if reply.headers["content-type"].startswith("text/event-stream"):
        events = [line[6:] for line in text.split("\n") if line.startswith("data: {")]
        assert all("aigc" not in json.loads(event) for event in events[:-1])
        return dict(json.loads(events[-1]))
    body = json.loads(text)
    return dict(body[0] if isinstance(body, list) else body)


@pytest.mark.parametrize(("path", "body"), SHAPES)
def test_header_and_last_object_carry_one_label_that_verifies(site: Site, path: str, body: dict[str, Any]) -> None:
    reply = asked(site, path, body)
    label = labels.read_header(reply.headers[labels.HEADER])
    told = last_object(reply)
    assert label.produce_id == reply.headers["x-request-id"]
    assert told["aigc"] == label.as_dict()
    assert told["aigc_signature"] == reply.headers[labels.SIGNATURE_HEADER]
    keys = marks(settings.load(site.directory).watermark)
    key = load_pem_public_key(labels.public_key(keys.current.label))
    assert isinstance(key, Ed25519PublicKey)
    assert labels.verify(label, told["aigc_signature"], key)


@pytest.mark.parametrize("path", ["/info", "/v1/models"])
def test_what_no_model_wrote_has_no_label(site: Site, path: str) -> None:
    reply = asked(site, path, None)
    assert labels.HEADER not in reply.headers and b"aigc" not in reply.content
