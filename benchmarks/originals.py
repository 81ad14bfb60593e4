"""What it costs to keep originals: CPU microseconds for each exchange and each token, and nothing where none are kept.

    python -m benchmarks.originals

In one process, without sockets or disks but for the key files. A figure is the best of many rounds of CPU time. "off" is
what the gate asks of itself where policy keeps nobody's originals. Writes `benchmarks/results/originals.json`.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.rig.load import machine
from gateway.audit import canonical, record
from gateway.audit.originals import Originals
from gateway.audit.vault import Key, Vault
from gateway.core.exchange import Action, Exchange, Passage, Peer, Principal
from gateway.core.pipeline import Judgement
from gateway.core.reply import Channel
from gateway.core.stream import Chain
from gateway.http.originals import Ear, Original

ROUNDS, CALLS, TOKENS = 40, 200, 200
SALT = "0" * 64
OUT = Path(__file__).parent / "results" / "originals.json"
WHO = Principal("ana", "acme", ("analyst",))


def exchange(size: int) -> Exchange:
    passage = Passage("messages[0].content", "user", "x" * size)
    return Exchange("hx-1", 1.0, Peer(""), "/v1/chat/completions", Action.CHAT, "m", (passage,), principal=WHO)


def best(step: Callable[[], object], calls: int = CALLS) -> float:
    """CPU microseconds of one call."""
    step()
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(calls):
            step()
        rounds.append((time.process_time() - began) / calls * 1e6)
    return round(min(rounds), 2)


def whole(vault: Vault, asked: Exchange, answer: str) -> tuple[str, str]:
    """Everything that one exchange costs more: its key, its request and its answer."""
    original = Original(vault.begin(asked.id, "acme", "ana"))
    sealed = original.request(asked.passages)
    original.hear(Channel(0)).feed(answer)
    return sealed, original.answer()


def recorded(asked: Exchange, sealed: str) -> bytes:
    """What the record's own encoding costs with what was sealed in it."""
    opened = record.opened(asked, Judgement(asked), "d", 1.0, redacted=asked.passages, sealed=sealed)
    return canonical.encode(opened, SALT)[2]


def measure(folder: Path) -> dict[str, float]:
    vault = Vault(folder / "keys", Key(b"k" * 32))
    table: dict[str, float] = {}
    gate_keeps = None
    table["off: one look"] = best(lambda: gate_keeps is not None, 10_000)
    for kib in (1, 10, 100):
        asked = exchange(kib * 1024)
        table[f"on: {kib} KiB asked, 1 KiB answered"] = best(partial(whole, vault, asked, "y" * 1024))
        sealed, _ = whole(vault, asked, "y")
        more = best(partial(recorded, asked, sealed)) - best(partial(recorded, asked, ""))
        table[f"on: {kib} KiB more to encode in the record"] = round(more, 2)
    table["on: each token of a stream"] = token(with_ear=True) - token(with_ear=False)
    table["on: a caller's first exchange (key files, synced)"] = first(folder)
    return {name: round(value, 3) for name, value in table.items()}


def token(*, with_ear: bool) -> float:
    """Of a chain that does nothing else."""

    def stream() -> None:
        chain = Chain([Ear([])] if with_ear else [])
        for _ in range(TOKENS):
            chain.feed("word ")

    return best(stream, 50) / TOKENS


def first(folder: Path) -> float:
    """Wall clock in microseconds, the median of fifty: it waits for the disk, in a thread of its own."""
    originals = Originals(Vault(folder / "first", Key(b"k" * 32)))
    took = []
    for n in range(50):
        asked = exchange(1)
        who = Principal(f"user-{n}", "acme", ())
        began = time.perf_counter()
        asyncio.run(originals.begin(asked.identified_as(who)))
        took.append((time.perf_counter() - began) * 1e6)
    return sorted(took)[25]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = measure(Path(folder))
    for name, value in table.items():
        print(f"{name:<52} {value:>10.3f} µs")
    how = "CPU µs, best of 40 rounds; the first exchange of a caller is wall clock, median of 50"
    OUT.write_text(json.dumps({"microseconds": table, "how": how, "machine": machine()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
