"""Bounded load on loopback over mutual TLS, and what it cost the server's process in CPU."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Caller:
    """A client's papers."""

    certificate: Path
    key: Path
    token: str
    ca: Path

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.ca))
        context.load_cert_chain(self.certificate, self.key)
        return context


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took. `cpu_us` is per request (or token); latencies are milliseconds."""

    requests: int
    seconds: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    first_byte_p50_ms: float


class Unanswered(RuntimeError):
    """A server answered with anything but 200."""


@contextmanager
def started(*command: str, env: dict[str, str] | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server process of ours, once it says `ready …`; ended again whatever happens."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("ready"):
                yield process, line.split()[1]
                break
        else:
            raise RuntimeError(f"{command[:4]} ended before it was ready")
    finally:
        process.terminate()
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()


def cpu_seconds(*pids: int) -> float:
    """User and system time of processes and their living children, from /proc."""
    total = 0.0
    for each in itertools.chain.from_iterable((pid, *children(pid)) for pid in pids):
        fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / TICK
    return total


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


NAME = "qqqqqqqq"  # stands in every text for a word of its own: what was seen before may be remembered, and costs less


ENGLISH = "Please tell the traveller which papers the keeper of the pass will ask for at the gate. "
CHINESE = "请告诉这位旅人，守关的人会在关口查验哪些文书，以及路上要走多少天。"


def chat(characters: int, streaming: bool = False, *, chinese: bool = False) -> bytes:
    """A chat request whose body is about `characters` long (a third of that in Chinese); `fresh` makes it one never seen."""
    sentence, room = (CHINESE, (characters - 136) // 3) if chinese else (ENGLISH, characters - 136)
    text = f"Dear {NAME}, " + (sentence * (room // len(sentence) + 1))[: max(1, room)]
    body = {"model": "smollm2", "messages": [{"role": "user", "content": text}], "max_tokens": 256, "stream": streaming}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def talk(turns: int) -> bytes:
    """A conversation whose last question is new, after `turns - 1` others that were asked and answered before."""
    said = [
        {"role": role, "content": f"{number}: {ENGLISH}"}
        for number in range(1, turns)
        for role in ("user", "assistant")
    ]
    messages = [*said, {"role": "user", "content": f"Dear {NAME}, {ENGLISH * 4}"}]
    return json.dumps({"model": "smollm2", "messages": messages, "max_tokens": 256}, separators=(",", ":")).encode()


def fresh(body: bytes, number: int) -> bytes:
    """The body with a word in it that no other number gives."""
    word = "".join(chr(ord("a") + (number // 26**place) % 26) for place in range(len(NAME)))
    return body.replace(NAME.encode(), word.encode())


async def load(
    url: str,
    caller: Caller,
    body: bytes,
    pid: int | Sequence[int],
    seconds: float,
    connections: int,
    extra: Mapping[str, str] | None = None,
) -> Cost:
    """POST `body`, each time with other words, from `connections` connections for a fixed time; CPU is per request answered 200.

    `pid` is the peer's process, or all of them; `extra` are headers beside, or instead of, the caller's token.
    """
    pids = (pid,) if isinstance(pid, int) else tuple(pid)
    connector = aiohttp.TCPConnector(limit=connections, ssl=caller.context())
    headers = {"content-type": "application/json", "authorization": f"Bearer {caller.token}", **(extra or {})}
    latencies: list[float] = []
    firsts: list[float] = []
    numbers = itertools.count(time.monotonic_ns() % 26**6)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def one() -> None:
            began = time.perf_counter()
            async with session.post(url, data=fresh(body, next(numbers))) as reply:
                if reply.status != 200:
                    raise Unanswered(f"{url} answered {reply.status}: {(await reply.text())[:300]}")
                await reply.content.readany()
                firsts.append(time.perf_counter() - began)
                await reply.read()
            latencies.append(time.perf_counter() - began)

        async def until(end: float) -> None:
            while time.perf_counter() < end:
                await one()

        await asyncio.gather(*(until(time.perf_counter() + 1) for _ in range(connections)))  # warm up
        latencies.clear(), firsts.clear()
        before, began = cpu_seconds(*pids), time.perf_counter()
        await asyncio.gather(*(until(began + seconds) for _ in range(connections)))
        spent, took = cpu_seconds(*pids) - before, time.perf_counter() - began
    ordered = sorted(latencies)
    return Cost(
        len(ordered),
        round(took, 2),
        round(spent / len(ordered) * 1e6, 1),
        round(statistics.median(ordered) * 1e3, 3),
        round(ordered[int(len(ordered) * 0.99)] * 1e3, 3),
        round(statistics.median(firsts) * 1e3, 3),
    )


def machine() -> dict[str, object]:
    """The facts of the machine a figure was taken on."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "?",
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "load": [round(value, 2) for value in os.getloadavg()],
        "python": sys.version.split()[0],
        "taken": time.strftime("%Y-%m-%d", time.gmtime()),
    }
