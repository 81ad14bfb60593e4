"""What the gate costs: Hangu with all controls of its default policies against a bare aiohttp relay, in one run.

CPU time of the proxy's process, from /proc, per request and per streamed token; both peers speak mutual TLS 1.3 on
loopback in front of the same instant backend, take turns, and are asked by the same load generator.
`python -m benchmarks.gateway [SECONDS]` writes `benchmarks/results/gateway.json`.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.rig.load import Caller, Cost, chat, load, machine, started, talk
from benchmarks.rig.sites import HANGU, site_before

CONNECTIONS = 12
TOKENS, INTERVAL_MS, STREAMS = 200, 4.0, 20
TURNS = 5  # A B A B …: the machine's mood meets both


@dataclass(frozen=True, slots=True)
class Peer:
    """Something that answers `/v1/chat/completions`."""

    name: str
    url: str
    pid: int


@contextmanager
def peers(folder: Path) -> Iterator[tuple[Peer, Peer, Caller]]:
    with ExitStack() as stack:
        site, caller = stack.enter_context(site_before(folder, TOKENS, INTERVAL_MS, observe__log_level='"warning"'))
        gate, url = stack.enter_context(started(*HANGU, "serve", str(site)))
        pki = site / "pki"
        backend = next(line for line in (site / "gateway.toml").read_text().splitlines() if line.startswith("url = "))
        papers = [str(pki / name) for name in ("server.pem", "server.key", "ca.pem")]
        command = (sys.executable, "-m", "benchmarks.rig.relay", backend.split('"')[1], *papers)
        relay, port = stack.enter_context(started(*command))
        yield Peer("bare relay", f"https://127.0.0.1:{port}", relay.pid), Peer("hangu", url, gate.pid), caller


def measure(peer: Peer, caller: Caller, body: bytes, seconds: float, connections: int) -> Cost:
    return asyncio.run(load(f"{peer.url}/v1/chat/completions", caller, body, peer.pid, seconds, connections))


def compare(
    name: str, pair: tuple[Peer, Peer], caller: Caller, body: bytes, seconds: float, connections: int, per: int
):  # type: ignore[no-untyped-def]
    """Both in turn; the ratio of each turn, and the median of both."""
    turns = []
    for turn in range(TURNS):
        bare, gate = (measure(peer, caller, body, seconds, connections) for peer in pair)
        turns.append({"bare": asdict(bare), "hangu": asdict(gate), "ratio": round(gate.cpu_us / bare.cpu_us, 3)})
        print(
            f"{name} {turn + 1}/{TURNS}: {bare.cpu_us / per:.0f} → {gate.cpu_us / per:.0f} µs, ×{turns[-1]['ratio']}",
            flush=True,
        )
    return {
        "bare_us": round(statistics.median(turn["bare"]["cpu_us"] for turn in turns) / per, 1),
        "hangu_us": round(statistics.median(turn["hangu"]["cpu_us"] for turn in turns) / per, 1),
        "ratio": statistics.median(turn["ratio"] for turn in turns),
        "added_p50_ms": round(statistics.median(t["hangu"]["p50_ms"] - t["bare"]["p50_ms"] for t in turns), 3),
        "added_first_byte_p50_ms": round(
            statistics.median(t["hangu"]["first_byte_p50_ms"] - t["bare"]["first_byte_p50_ms"] for t in turns), 3
        ),
        "turns": turns,
    }


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
    with tempfile.TemporaryDirectory() as folder, peers(Path(folder)) as (bare, gate, caller):
        pair = (bare, gate)
        result = {
            "request_1kb": compare("1 KB request", pair, caller, chat(1024), seconds, CONNECTIONS, 1),
            "request_10kb": compare("10 KB request", pair, caller, chat(10_240), seconds, CONNECTIONS, 1),
            "chat_of_1_turn": compare("1-turn chat", pair, caller, talk(1), seconds, CONNECTIONS, 1),
            "chat_of_40_turns": compare("40-turn chat", pair, caller, talk(40), seconds, CONNECTIONS, 1),
            "streamed_token": compare("token", pair, caller, chat(400, True), seconds, STREAMS, TOKENS),
            "how": f"{CONNECTIONS} keep-alive connections; {STREAMS} streams of {TOKENS} events {INTERVAL_MS} ms apart; "
            f"median of {TURNS} turns of {seconds} s each; log level warning",
            "machine": machine(),
        }
    path = Path(__file__).parent / "results" / "gateway.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
