"""The real weights, through the command people run. About 250 generated tokens in all."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from tgi.embedded.greenlist import green_mask
from tgi.embedded.xllama import SPECIAL

pytestmark = pytest.mark.real_model

VOCAB_SIZE = 49152


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    command = [sys.executable, "-m", "tgi.embedded", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        ready = process.stdout.readline()
        assert ready.startswith("ready http://127.0.0.1:"), process.stderr.read()
        yield ready.removeprefix("ready ").strip()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert "not TGI" in process.stderr.read()


def post(url: str, body: dict[str, Any]) -> Any:
    headers = {"content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)) as reply:
        return json.load(reply)


def generate(url: str, inputs: str, **parameters: Any) -> Any:
    return post(url + "/generate", {"inputs": inputs, "parameters": {"details": True, **parameters}})


def test_it_knows_the_capital_of_france(url: str) -> None:
    reply = generate(url, "The capital of France is", max_new_tokens=3, top_n_tokens=3)
    assert "Paris" in reply["generated_text"]
    first, top = reply["details"]["tokens"][0], reply["details"]["top_tokens"][0]
    assert top[0] == first
    assert -1.0 < first["logprob"] < 0 and top[2]["logprob"] < top[1]["logprob"] < first["logprob"]


def test_a_chat_answers_in_words_and_ends_by_itself(url: str) -> None:
    body = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 40, "temperature": 0.0}
    choice = post(url + "/v1/chat/completions", body)["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert "hello" in choice["message"]["content"].lower()


def test_the_special_tokens_are_the_ones_we_list(url: str) -> None:
    tokens = post(url + "/tokenize", {"inputs": "".join(SPECIAL)})
    assert [(t["id"], t["text"]) for t in tokens] == list(enumerate(SPECIAL))


def test_offsets_cover_chinese_text(url: str) -> None:
    tokens = post(url + "/tokenize", {"inputs": "函谷关 pass"})
    assert (tokens[0]["start"], tokens[-1]["stop"]) == (0, len("函谷关 pass".encode()))
    assert {"函", "谷", "关", " pass"} <= {t["text"] for t in tokens}


def test_a_seed_repeats_a_drawn_answer(url: str) -> None:
    drawn = [generate(url, "Once upon a time", do_sample=True, seed=s, max_new_tokens=12) for s in (7, 7, 8)]
    assert drawn[0] == drawn[1]
    assert drawn[0]["generated_text"] != drawn[2]["generated_text"]


def test_a_repetition_penalty_changes_the_answer(url: str) -> None:
    prompt = "yes, no, yes, no, yes, no, yes, no, yes,"
    plain = generate(url, prompt, max_new_tokens=2)["generated_text"]
    assert plain == " no,"
    assert generate(url, prompt, max_new_tokens=2, repetition_penalty=5.0)["generated_text"] != plain


@pytest.mark.parametrize("penalty", [1.0, 1.3])
def test_characters_of_several_tokens_are_continued(url: str, penalty: float) -> None:
    reply = generate(url, "I love you 😀😀😀", max_new_tokens=9, repetition_penalty=penalty)
    assert reply["details"]["generated_tokens"] == 9
    assert "".join(t["text"] for t in reply["details"]["tokens"]) in reply["generated_text"]


def test_watermarked_text_is_green_and_plain_text_is_not(url: str) -> None:
    prompt = "Describe a mountain pass:"
    last = post(url + "/tokenize", {"inputs": prompt})[-1]["id"]

    def z(watermark: bool) -> float:
        asked = {"do_sample": True, "temperature": 1.5, "seed": 3, "max_new_tokens": 60, "watermark": watermark}
        ids = [last, *(t["id"] for t in generate(url, prompt, **asked)["details"]["tokens"])]
        pairs = set(pairwise(ids))
        green = sum(bool(green_mask(previous, VOCAB_SIZE)[token]) for previous, token in pairs)
        return (green - len(pairs) / 2) / math.sqrt(len(pairs) / 4)

    assert z(True) > 3.5
    assert z(False) < 3.0


def test_a_tool_call_is_valid_json_however_unlikely(url: str) -> None:
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    body = {
        "messages": [{"role": "user", "content": "What is the weather in Luoyang?"}],
        "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": city}}],
        "tool_choice": "required",
        "temperature": 0.0,
        "max_tokens": 50,
    }
    call = post(url + "/v1/chat/completions", body)["choices"][0]["message"]["tool_calls"][0]
    assert call["function"]["name"] == "get_weather"
    assert list(json.loads(call["function"]["arguments"])) == ["city"]


def test_a_word_the_model_would_never_say_can_be_forced(url: str) -> None:
    grammar = {"type": "regex", "value": "Zxqj-函谷"}
    reply = generate(url, "The capital of France is", max_new_tokens=20, grammar={**grammar, "value": "Zxqj-77"})
    assert (reply["generated_text"], reply["details"]["finish_reason"]) == ("Zxqj-77", "eos_token")
    # Half a character is never the next token under a grammar, and these come in halves: said as a failure.
    with pytest.raises(urllib.error.HTTPError, match="424"):
        generate(url, "The capital of France is", max_new_tokens=20, grammar=grammar)


def test_more_requests_than_seats_are_all_answered(url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda n: generate(url, f"{n} plus {n} is", max_new_tokens=3), range(6)))
    assert all(reply["details"]["generated_tokens"] == 3 for reply in replies)


def test_clients_that_leave_in_the_middle_free_their_seats(url: str) -> None:
    body = json.dumps({"inputs": "Once", "parameters": {"max_new_tokens": 2000}}).encode()
    for _ in range(8):
        request = urllib.request.Request(url + "/generate_stream", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as stream:
            assert stream.readline().startswith(b"data: ")
    # Twice as many as there are seats: had one been kept, this would wait for 2,000 tokens.
    request = urllib.request.Request(url + "/metrics")
    assert generate(url, "Two plus two is", max_new_tokens=2)["details"]["generated_tokens"] == 2
    with urllib.request.urlopen(request, timeout=30) as reply:
        assert b"tgi_batch_current_size 0\n" in reply.read()


def test_a_taken_port_is_said_with_what_to_do(url: str) -> None:
    port = url.rpartition(":")[2]
    command = [sys.executable, "-m", "tgi.embedded", "--port", port]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert f"127.0.0.1:{port}" in run.stderr and "hint:" in run.stderr
