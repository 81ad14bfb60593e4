"""Hangu beside its named peers, in one run: what a request and a streamed token cost, and how long they take.

    LITELLM=…/bin/litellm PORTKEY=…/build/start-server.js python -m benchmarks.peers [SECONDS] [TURNS]

Every peer stands in front of the same instant stand-in for a model and is asked by the same load generator, in turn, over
several turns; CPU is that of all its processes, from /proc. The relay, nginx and Hangu speak mutual TLS 1.3, the others
none. Peers that are not installed are left out, and the result says so. Writes `benchmarks/results/peers.json`.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.rig.load import Cost, Unanswered, chat, load, machine, talk
from benchmarks.rig.peers import PEERS, TOKENS, Peer, ground

CONNECTIONS, STREAMS = 8, 20
RELAY = "bare aiohttp relay"


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of request; a figure is `per` of what one answer holds."""

    name: str
    body: bytes
    connections: int = CONNECTIONS
    per: int = 1


WORKS = (
    Work("1 KB request", chat(1024)),
    Work("1 KB Chinese request", chat(1024, chinese=True)),
    Work("10 KB request", chat(10_240)),
    Work("100 KB request", chat(102_400)),
    Work("40-turn chat", talk(40)),
    Work("1-turn chat", talk(1)),
    Work("streamed token", chat(400, True), STREAMS, TOKENS),
)


def measure(peer: Peer, work: Work, seconds: float) -> Cost:
    url = f"{peer.url}/v1/chat/completions"
    return asyncio.run(load(url, peer.caller, work.body, peer.pids, seconds, work.connections, peer.headers))


def compare(peers: Sequence[Peer], work: Work, seconds: float, turns: int) -> dict[str, object]:
    """Each peer's medians over the turns; the ratio is that to the relay of the same turn. A peer that cannot says why."""
    seen: dict[str, list[Cost]] = {peer.name: [] for peer in peers}
    cannot: dict[str, str] = {}
    for turn in range(turns):
        for peer in peers:
            if peer.name in cannot:
                continue
            try:
                cost = measure(peer, work, seconds)
            except Unanswered as answer:
                cannot[peer.name] = str(answer).partition("answered ")[2]
                print(f"{work.name}: {peer.name} cannot: {cannot[peer.name]}", flush=True)
                continue
            seen[peer.name].append(cost)
            print(f"{work.name} {turn + 1}/{turns}: {peer.name} {cost.cpu_us / work.per:.0f} µs", flush=True)
    figures = {name: _figures(costs, seen[RELAY], work.per) for name, costs in seen.items() if name not in cannot}
    return {**figures, **{name: {"cannot": why} for name, why in cannot.items()}}


def _figures(costs: list[Cost], relay: list[Cost], per: int) -> dict[str, object]:
    def median(values: Sequence[float], digits: int = 3) -> float:
        return round(statistics.median(values), digits)

    pairs = list(zip(costs, relay, strict=True))
    return {
        "cpu_us": median([cost.cpu_us / per for cost in costs], 1),
        "ratio": median([cost.cpu_us / bare.cpu_us for cost, bare in pairs], 2),
        "added_p50_ms": median([cost.p50_ms - bare.p50_ms for cost, bare in pairs]),
        "added_p99_ms": median([cost.p99_ms - bare.p99_ms for cost, bare in pairs]),
        "added_first_byte_p50_ms": median([cost.first_byte_p50_ms - bare.first_byte_p50_ms for cost, bare in pairs]),
        "turns": [asdict(cost) for cost in costs],
    }


def resident_mb(peer: Peer) -> float:
    """Memory of all its processes, in MB."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in peer.pids)
    return round(pages * 4096 / 1e6, 1)


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    turns = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack, ground(Path(folder), stack) as at:
        found = {name: start(at, stack) for name, start in PEERS.items()}
        peers = [peer for peer in found.values() if peer is not None]
        idle = {peer.name: resident_mb(peer) for peer in peers}
        result = {
            "absent": [name for name, peer in found.items() if peer is None],
            "works": {work.name: compare(peers, work, seconds, turns) for work in WORKS},
            "resident_mb": {peer.name: {"idle": idle[peer.name], "after": resident_mb(peer)} for peer in peers},
            "how": f"{CONNECTIONS} keep-alive connections; {STREAMS} streams of {TOKENS} events; median of {turns} turns of "
            f"{seconds} s each, the peers taking turns; CPU of all processes of a peer",
            "machine": machine(),
        }
    path = Path(__file__).parent / "results" / "peers.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
