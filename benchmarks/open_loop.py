"""How long callers wait, when they come at their own pace: Hangu with one worker and with two, beside a bare relay, in one run.

    python -m benchmarks.open_loop [SECONDS] [TURNS]

Exchanges begin at times drawn beforehand, whether or not others have ended, and each is timed from the moment it was due,
so that a server that falls behind is seen to. Streams are 60 events 20 ms apart. The backend answers at once: what is told is what the
proxies add to it. Writes `benchmarks/results/open_loop.json`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from benchmarks.rig.load import Caller, chat, cpu_seconds, fresh, machine, started
from benchmarks.rig.sites import HANGU, set_key, site_before

EVENTS, INTERVAL_MS = 60, 20.0
WARM_UP_SECONDS = 2.0
RELAY = "bare relay"


@dataclass(frozen=True, slots=True)
class Peer:
    """Something that answers `/v1/chat/completions`."""

    name: str
    url: str
    pid: int
    caller: Caller


@dataclass(frozen=True, slots=True)
class Pace:
    """Exchanges a second, and what they ask."""

    name: str
    rate: float
    body: bytes


PACES = (
    Pace("1 KB, 20 a second", 20, chat(1024)),
    Pace("1 KB, 100 a second", 100, chat(1024)),
    Pace("1 KB streamed, 10 begun a second", 10, chat(1024, True)),
)


@dataclass(slots=True)
class Waits:
    """Seconds: to the first byte, to the end, and between events. `other` counts what was not answered with 200."""

    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    between: list[float] = field(default_factory=list)
    other: int = 0


async def ask(session: aiohttp.ClientSession, url: str, body: bytes, due: float, waits: Waits) -> None:
    async with session.post(url, data=body) as reply:
        before = None
        async for _ in reply.content.iter_any():
            now = time.perf_counter()
            if before is None:
                waits.first.append(now - due)
            else:
                waits.between.append(now - before)
            before = now
        waits.whole.append(time.perf_counter() - due)
        waits.other += reply.status != 200


async def arrive(peer: Peer, pace: Pace, seconds: float, chance: random.Random) -> tuple[Waits, float]:
    """The waits of those who were due after the warm-up, and CPU microseconds an exchange."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {peer.caller.token}"}
    connector = aiohttp.TCPConnector(limit=0, ssl=peer.caller.context())
    url, numbers = f"{peer.url}/v1/chat/completions", itertools.count(time.monotonic_ns() % 26**6)
    warm, waits = Waits(), Waits()
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session, asyncio.TaskGroup() as group:
        due, began, spent = time.perf_counter(), time.perf_counter(), 0.0
        while due < began + WARM_UP_SECONDS + seconds:
            due += chance.expovariate(pace.rate)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            counted = due >= began + WARM_UP_SECONDS
            if counted and not spent:
                spent = cpu_seconds(peer.pid)
            group.create_task(ask(session, url, fresh(pace.body, next(numbers)), due, waits if counted else warm))
    return waits, (cpu_seconds(peer.pid) - spent) / max(1, len(waits.whole)) * 1e6


def at(share: float, values: Sequence[float]) -> float:
    """Milliseconds at a share of the ordered values; 0 where there are none."""
    return round(sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1e3, 2) if values else 0.0


def figures(waits: Waits, cpu_us: float) -> dict[str, float]:
    names = {"first_byte": waits.first, "whole": waits.whole, "between_events": waits.between}
    told = {
        f"{name}_{label}_ms": at(share, values)
        for name, values in names.items()
        for label, share in (("p50", 0.5), ("p99", 0.99))
    }
    return {"exchanges": len(waits.whole), "not_200": waits.other, "cpu_us": round(cpu_us), **told}


def compare(peers: Sequence[Peer], pace: Pace, seconds: float, turns: int) -> dict[str, dict[str, float]]:
    """Each peer's medians over the turns, and what it adds to the relay of the same turn."""
    seen: dict[str, list[dict[str, float]]] = {peer.name: [] for peer in peers}
    for turn in range(turns):
        for peer in peers:
            one = figures(
                *asyncio.run(arrive(peer, pace, seconds, random.Random(turn)))
            )  # all peers meet the same times
            seen[peer.name].append(one)
            print(f"{pace.name} {turn + 1}/{turns}: {peer.name} {one}", flush=True)
    return {name: _added(turns_, seen[RELAY]) for name, turns_ in seen.items()}


def _added(turns: list[dict[str, float]], bare: list[dict[str, float]]) -> dict[str, float]:
    kept = {key: round(statistics.median(turn[key] for turn in turns), 2) for key in turns[0]}
    waits = [key for key in kept if key.endswith("_ms")]
    added = {
        f"added_{key}": round(
            statistics.median(turn[key] - base[key] for turn, base in zip(turns, bare, strict=True)), 2
        )
        for key in waits
    }
    return {**kept, **added}


def ground(folder: Path, stack: ExitStack) -> list[Peer]:
    """The relay, and a gate with one worker and one with two, each before a backend of its own."""
    peers = []
    for workers in (1, 2):
        quiet = {"observe__log_level": '"warning"', "listen__workers": str(workers)}
        site, caller = stack.enter_context(site_before(folder / str(workers), EVENTS, INTERVAL_MS, **quiet))
        set_key(site / "gateway.toml", "listen", "workers", str(workers))
        gate, url = stack.enter_context(started(*HANGU, "serve", str(site)))
        peers.append(Peer(f"hangu, {workers} worker{'s' if workers > 1 else ''}", url, gate.pid, caller))
        if workers == 1:
            line = next(line for line in (site / "gateway.toml").read_text().splitlines() if line.startswith("url = "))
            papers = [str(site / "pki" / name) for name in ("server.pem", "server.key", "ca.pem")]
            command = (sys.executable, "-m", "benchmarks.rig.relay", line.split('"')[1], *papers)
            relay, port = stack.enter_context(started(*command))
            peers.insert(0, Peer(RELAY, f"https://127.0.0.1:{port}", relay.pid, caller))
    return peers


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 15.0
    turns = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for workers in (1, 2):
            (Path(folder) / str(workers)).mkdir()
        peers = ground(Path(folder), stack)
        result = {
            **{pace.name: compare(peers, pace, seconds, turns) for pace in PACES},
            "how": f"arrivals at exponentially distributed distances, the same for all peers; timed from when each was due; "
            f"streams of {EVENTS} events {INTERVAL_MS} ms apart; median of {turns} turns of {seconds} s",
            "machine": machine(),
        }
    path = Path(__file__).parent / "results" / "open_loop.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
