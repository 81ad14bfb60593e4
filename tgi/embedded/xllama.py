"""The real engine: SmolLM2-135M-Instruct on llama.cpp, in this process (package `xllamacpp`), on the CPU.

xllamacpp runs llama.cpp's own server on a loopback port; this module is its only client, with a key made for the run.
Every token is one question to it (candidates with their logprobs; prompt cache and a fixed slot keep it cheap), so
that sampling, watermark and grammar are ours and exactly TGI's order. Measured cost against llama.cpp's own loop with
the same logprobs: none that shows at 200 candidates, a fifth more at 1,000.
"""

from __future__ import annotations

import asyncio
import math
import os
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from tgi.embedded import weights
from tgi.embedded.engine import Ask, Candidate, EngineFailed, ModelCard, Piece, Sampling, Step
from tgi.embedded.stepping import steps

SEATS = 4  # requests computed at once; more share two cores too thinly
SEAT_TOKENS = 4096  # context of each seat: 94 MB of key-value cache per 4,096 tokens of this model
STEP_TIMEOUT_S = 120.0  # one token, with the prefill of a full prompt on a busy machine

EOS = 2
DRAWN = 28  # a comma: what llama.cpp is made to draw, because it must draw something
DRAWS = 4
ONLY_BIAS = 200.0  # lifts a token above every other; the spread of this model's logits is below 60

# The control tokens of the pinned weights, in the order of their ids from 0.
SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<repo_name>",
    "<reponame>",
    "<file_sep>",
    "<filename>",
    "<gh_stars>",
    "<issue_start>",
    "<issue_comment>",
    "<issue_closed>",
    "<jupyter_start>",
    "<jupyter_text>",
    "<jupyter_code>",
    "<jupyter_output>",
    "<jupyter_script>",
    "<empty_output>",
]


class XllamaEngine:
    """An `Engine` over one llama.cpp server. Made by `load`; belongs to the event loop it was made in."""

    def __init__(self, server: Any, http: aiohttp.ClientSession, card: ModelCard) -> None:
        self.card = card
        self._server = server
        self._http = http
        self._url: str = server.listening_address
        self._seats: asyncio.Queue[int] = asyncio.Queue()
        for seat in range(SEATS):
            self._seats.put_nowait(seat)
        self._vocabulary: list[bytes] = []

    async def tokenize(self, text: str) -> list[Piece]:
        body = {"content": text, "add_special": False, "parse_special": True, "with_pieces": True}
        reply = await self._post("/tokenize", body)
        return [Piece(token["id"], _piece_bytes(token["piece"])) for token in reply["tokens"]]

    async def stream(self, ids: Sequence[int], sampling: Sampling) -> AsyncGenerator[Step, None]:
        began = time.perf_counter()
        seat = await self._seats.get()
        waited = time.perf_counter() - began
        try:
            async with aclosing(steps(_Seat(self, seat), self.card, ids, sampling)) as run:
                async for step in run:
                    yield Step(step.id, step.data, step.logprob, step.top, waited)
        finally:
            self._seats.put_nowait(seat)

    async def candidates(self, ids: Sequence[int], ask: Ask, seat: int) -> list[Candidate]:
        """The likeliest next tokens, computed in this seat; raises `EngineFailed`."""
        first = await self._first(_question(ids, ask, seat))
        if first is None:
            # Inside a character there is nothing to repeat: its rest is asked for without penalties.
            first = await self._first(_question(ids, Ask(ask.count), seat)) or {"top_logprobs": []}
        if "top_probs" in first:
            found = [Candidate(t["id"], bytes(t["bytes"]), _log(t["prob"])) for t in first["top_probs"]]
        else:
            found = [Candidate(t["id"], bytes(t["bytes"]), t["logprob"]) for t in first["top_logprobs"]]
        return [c for c in found if c.id in set(ask.only)] if ask.only else found

    async def vocabulary(self, seat: int) -> Sequence[bytes]:
        """Every token's bytes, asked for once: llama.cpp lists them with the probabilities of any next token."""
        if not self._vocabulary:
            every = await self.candidates([EOS], Ask(self.card.vocab_size), seat)
            self._vocabulary = [b""] * self.card.vocab_size
            for candidate in every:
                self._vocabulary[candidate.id] = candidate.data
        return self._vocabulary

    async def healthy(self) -> bool:
        try:
            async with self._http.get(f"{self._url}/health") as reply:
                return reply.status == 200
        except aiohttp.ClientError:
            return False

    async def close(self) -> None:
        await self._http.close()
        # The destructor joins llama.cpp's threads, which may still be at work on a token.
        await asyncio.to_thread(self._drop_server)

    def _drop_server(self) -> None:
        self._server = None

    async def _first(self, question: dict[str, object]) -> dict[str, Any] | None:
        """The first token's probabilities; None when llama.cpp keeps them back.

        It does so when the token that it draws itself, and that we never use, ends in half a character. Drawing again
        mostly helps, and a question without penalties never comes to this (`DRAWN`).
        """
        for _ in range(DRAWS):
            reply = await self._post("/completion", question)
            if reply.get("completion_probabilities"):
                first: dict[str, Any] = reply["completion_probabilities"][0]
                return first
        return None

    async def _post(self, path: str, body: dict[str, object]) -> Any:
        try:
            async with self._http.post(self._url + path, data=orjson.dumps(body)) as reply:
                answer = orjson.loads(await reply.read())
        except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError) as error:
            raise EngineFailed(f"llama.cpp: {path}: {error}") from error
        if "error" in answer:
            raise EngineFailed(f"llama.cpp: {path}: {answer['error'].get('message', 'failed')}")
        return answer


class _Seat:
    """A `CandidateSource` that always asks the same slot, where the context so far is already computed."""

    def __init__(self, engine: XllamaEngine, seat: int) -> None:
        self._engine = engine
        self._seat = seat

    async def candidates(self, ids: Sequence[int], ask: Ask) -> list[Candidate]:
        return await self._engine.candidates(ids, ask, self._seat)

    async def vocabulary(self) -> Sequence[bytes]:
        return await self._engine.vocabulary(self._seat)


async def load() -> XllamaEngine:
    """Finds, checks and loads the default model (about a second); raises `WeightsMissing` or `EngineFailed`."""
    key = secrets.token_hex(16)
    path = await asyncio.to_thread(weights.find)
    server = await asyncio.to_thread(_start, path, key)
    http = aiohttp.ClientSession(
        headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
        # llama.cpp's server closes a connection after a few requests without saying so: a fresh one each time.
        connector=aiohttp.TCPConnector(force_close=True),
        timeout=aiohttp.ClientTimeout(total=STEP_TIMEOUT_S),
    )
    async with http.get(f"{server.listening_address}/props") as reply:
        template = orjson.loads(await reply.read())["chat_template"]
    return XllamaEngine(server, http, _card(template))


def _start(path: Path, key: str) -> Any:
    # Read by libgomp when the library is loaded: on a busy machine its spinning threads cost 5 to 15 times the speed.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    try:
        import xllamacpp
    except ImportError as error:
        raise EngineFailed("xllamacpp: not installed; try: pip install xllamacpp") from error
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_parallel = SEATS
    params.n_ctx = SEATS * SEAT_TOKENS
    params.cpuparams.n_threads = min(4, os.cpu_count() or 1)
    params.cpuparams.poll = 0
    params.cache_ram_mib = 0  # the slots keep their own prefix; a second cache would only cost memory
    params.api_keys = [key]
    params.ui = False
    params.verbosity = 0
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise EngineFailed(f"llama.cpp: {path}: {error}") from error


def _card(template: str) -> ModelCard:
    return ModelCard(
        model_id="smollm2",
        sha=weights.SHA256,
        what="SmolLM2-135M-Instruct (Q4_1) on this machine's CPU through llama.cpp, behind TGI 3.3.7's API; not TGI",
        vocab_size=49152,
        max_total_tokens=SEAT_TOKENS,
        eos_ids=frozenset({EOS}),
        special=dict(enumerate(SPECIAL)),
        bos_token=SPECIAL[1],
        eos_token=SPECIAL[EOS],
        chat_template=template,
    )


def _question(ids: Sequence[int], ask: Ask, seat: int) -> dict[str, object]:
    question: dict[str, object] = {
        "prompt": list(ids),
        "n_predict": 1,
        "n_probs": ask.count,
        "temperature": 0,
        "samplers": [],
        "cache_prompt": True,
        "id_slot": seat,
        "response_fields": ["completion_probabilities"],
    }
    penalised = ask.repetition_penalty != 1.0 or ask.frequency_penalty != 0.0
    if penalised or ask.only:
        # Penalties and biases show only in the probabilities taken after llama.cpp's samplers.
        question |= {"post_sampling_probs": True, "samplers": ["penalties"], "repeat_last_n": SEAT_TOKENS}
        question |= {"repeat_penalty": ask.repetition_penalty, "frequency_penalty": ask.frequency_penalty}
    if ask.only:
        question["logit_bias"] = [[token_id, ONLY_BIAS] for token_id in ask.only]
    if "post_sampling_probs" not in question:
        # The probabilities are those before the bias; what it changes is the token that llama.cpp draws.
        question["logit_bias"] = [[DRAWN, ONLY_BIAS]]
    return question


def _piece_bytes(piece: str | list[int]) -> bytes:
    return piece.encode() if isinstance(piece, str) else bytes(piece)


def _log(probability: float) -> float:
    return math.log(probability) if probability > 0 else -math.inf
