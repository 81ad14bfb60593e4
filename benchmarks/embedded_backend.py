"""What the embedded backend costs: start, memory, tokens per second, and how much of the model its candidates hold.

    python -m benchmarks.embedded_backend [--tokens 128]

Tokens per second are wall-clock and depend on what else runs; CPU seconds per token are steadier. The backend runs in
this process, engine and HTTP alike.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import platform
import resource
import time
from itertools import pairwise
from pathlib import Path

import aiohttp
from aiohttp import web

from tgi.embedded import xllama
from tgi.embedded.engine import Ask
from tgi.embedded.greenlist import green_mask
from tgi.embedded.sampling import CANDIDATES
from tgi.embedded.server import create_app
from tgi.embedded.xllama import XllamaEngine

RESULT = Path(__file__).parent / "results" / "embedded_backend.json"
PROMPT = "<|im_start|>user\nTell me a long story about a mountain pass.<|im_end|>\n<|im_start|>assistant\n"

GREEDY: dict[str, object] = {}
SAMPLED: dict[str, object] = {"do_sample": True, "seed": 1}
MARKED: dict[str, object] = {**SAMPLED, "watermark": True}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tokens", type=int, default=128, help="per answer")
    figures = asyncio.run(measure(options.parse_args().tokens))
    RESULT.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    for name, value in figures.items():
        print(f"{name:44} {value}")


async def measure(tokens: int) -> dict[str, object]:
    began = time.perf_counter()
    engine = await xllama.load()
    loaded = time.perf_counter() - began
    runner = web.AppRunner(create_app(engine), handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/generate"
    async with aiohttp.ClientSession() as http:
        await _speed(http, url, GREEDY, 1, 8)
        figures: dict[str, object] = {"load_seconds": round(loaded, 2), "tokens_per_answer": tokens}
        for name, parameters in (("greedy", GREEDY), ("sampled", SAMPLED), ("watermarked", MARKED)):
            for together in (1, 4):
                figures[f"{name}_{together}"] = await _speed(http, url, parameters, together, tokens)
        figures["watermark_z"] = {name: await _z(http, url, p) for name, p in (("on", MARKED), ("off", SAMPLED))}
    figures["mass_held_by_candidates"] = await _mass(engine, tokens)
    await runner.cleanup()
    await engine.close()
    figures["peak_memory_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    figures["machine"] = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    return figures


async def _speed(
    http: aiohttp.ClientSession, url: str, parameters: dict[str, object], together: int, tokens: int
) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    counts = await asyncio.gather(*(_count(http, url, parameters, n, tokens) for n in range(together)))
    took, used = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "tokens_per_second": round(sum(counts) / took, 1),
        "cpu_ms_per_token": round(1000 * used / sum(counts), 1),
    }


async def _count(http: aiohttp.ClientSession, url: str, parameters: dict[str, object], number: int, tokens: int) -> int:
    asked = {**parameters, "max_new_tokens": tokens, "details": True}
    async with http.post(url, json={"inputs": f"{number} {PROMPT}", "parameters": asked}) as reply:
        return int((await reply.json())["details"]["generated_tokens"])


async def _z(http: aiohttp.ClientSession, url: str, parameters: dict[str, object]) -> dict[str, float]:
    """The mark's z-score over distinct pairs of an answer of 200 tokens."""
    asked = {**parameters, "max_new_tokens": 200, "details": True, "temperature": 1.0}
    async with http.post(url, json={"inputs": PROMPT, "parameters": asked}) as reply:
        ids = [t["id"] for t in (await reply.json())["details"]["tokens"]]
    pairs = set(pairwise(ids))
    green = sum(bool(green_mask(previous, 49152)[token]) for previous, token in pairs)
    return {"pairs": len(pairs), "z": round((green - len(pairs) / 2) / math.sqrt(len(pairs) / 4), 2)}


async def _mass(engine: XllamaEngine, steps: int) -> dict[str, float]:
    """The probability that the likeliest 512 tokens hold together, along a greedy answer."""
    context = [piece.id for piece in await engine.tokenize(PROMPT)]
    masses = []
    for _ in range(steps):
        found = await engine.candidates(context, Ask(CANDIDATES), seat=0)
        masses.append(sum(math.exp(c.logprob) for c in found))
        context.append(found[0].id)
    return {"mean": round(sum(masses) / len(masses), 5), "least": round(min(masses), 5)}


if __name__ == "__main__":
    main()
