"""Many connections to one process: 2,000 that say nothing, and 500 that stream, with all controls on. Does memory stay flat?

    python -m benchmarks.streams [IDLE] [ACTIVE] [SECONDS]

Idle connections have made their TLS handshake and one exchange, and then wait. The active ones stream answers of 200 events
100 ms apart, one after the other, and every answer is checked to its end. Writes `benchmarks/results/streams.json`.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.rig.load import Caller, chat, cpu_seconds, fresh, machine, started
from benchmarks.rig.sites import HANGU, site_before
from benchmarks.soak import resident_mb, slope

EVENTS, INTERVAL_MS = 200, 100.0
HANDSHAKES = 50  # at once: the machine's cores are shared with the load
SAMPLE_SECONDS = 2.0
ROOM = {
    "limits__connections": "6000",
    "limits__connections_per_client": "6000",
    "limits__connections_per_address": "6000",
    "limits__streams_per_client": "6000",
    "backend__connections": "2000",
    "limits__idle_seconds": "3600",
}

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextmanager
def admitting(site: Path) -> Iterator[Path]:
    """The same site, whose one caller may do what here stands for many callers."""
    limits = site / "policies" / "limits.yaml"
    limits.write_text(re.sub(r"((?:streams|exchanges)_per_client): \d+", r"\1: 6000", limits.read_text()))
    yield site


async def connect(port: int, context: ssl.SSLContext, room: asyncio.Semaphore) -> Connection:
    async with room:
        return await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="127.0.0.1")


async def exchange(connection: Connection, token: str, body: bytes) -> bytes:
    """One request over a connection that stays; the whole answer."""
    reader, writer = connection
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {token}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in answer.lower():
        return answer + await reader.readuntil(b"\r\n0\r\n\r\n")
    length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return answer + await reader.readexactly(int(length.split(b":")[1]))


async def streaming(connection: Connection, token: str, number: int, until: float, ended: list[bool]) -> None:
    while time.monotonic() < until:
        answer = await exchange(connection, token, fresh(chat(300, True), number))
        ended.append(answer.startswith(b"HTTP/1.1 200") and b"data: [DONE]" in answer)
        number += 100_000


async def main_(url: str, caller: Caller, pid: int, idle: int, active: int, seconds: float) -> dict[str, object]:
    port, context, room = int(url.rsplit(":", 1)[1]), caller.context(), asyncio.Semaphore(HANDSHAKES)
    before = resident_mb(pid)
    waiting = await asyncio.gather(*(connect(port, context, room) for _ in range(idle)))
    said = 0
    for number, connection in enumerate(waiting):
        said += (await exchange(connection, caller.token, fresh(chat(200), number))).startswith(b"HTTP/1.1 200")
    with_idle = resident_mb(pid)
    print(f"{idle} idle connections: {before:.0f} → {with_idle:.0f} MB; {said} answered", flush=True)
    speaking = await asyncio.gather(*(connect(port, context, room) for _ in range(active)))
    ended: list[bool] = []
    until, began, cpu = time.monotonic() + seconds, time.monotonic(), cpu_seconds(pid)
    samples: list[tuple[float, float]] = []
    async with asyncio.TaskGroup() as group:
        for at, one in enumerate(speaking):
            group.create_task(streaming(one, caller.token, 1_000_000 + at, until, ended))
        while time.monotonic() < until:
            await asyncio.sleep(SAMPLE_SECONDS)
            samples.append((time.monotonic() - began, resident_mb(pid)))
            print(f"{samples[-1][0]:5.0f} s  {samples[-1][1]:.0f} MB  {len(ended)} answers", flush=True)
    spent, took = cpu_seconds(pid) - cpu, time.monotonic() - began
    still = sum([(await exchange(one, caller.token, chat(200))).startswith(b"HTTP/1.1 200") for one in waiting[:50]])
    warm = samples[len(samples) // 3 :]
    return {
        "idle": idle,
        "active": active,
        "mb_before": round(before, 1),
        "mb_with_idle": round(with_idle, 1),
        "mb_while_streaming": round(statistics.median(size for _, size in warm), 1),
        "mb_a_minute_after_warm_up": round(slope(warm), 2),
        "answers": len(ended),
        "answers_whole": sum(ended),
        "idle_still_answer": f"{still} of {len(waiting[:50])}",
        "events_a_second": round(len(ended) * EVENTS / took),
        "cpu_share": round(spent / took, 2),
    }


def main() -> int:
    idle, active, seconds = (int(word) for word in (*sys.argv[1:4], *("2000", "500", "60")[len(sys.argv[1:4]) :]))
    quiet = {"observe__log_level": '"warning"', **ROOM}
    with (
        tempfile.TemporaryDirectory() as folder,
        site_before(Path(folder), EVENTS, INTERVAL_MS, **quiet) as (site, caller),
        admitting(site) as gated,
        started(*HANGU, "serve", str(gated)) as (gate, url),
    ):
        seen = asyncio.run(main_(url, caller, gate.pid, idle, active, seconds))
    how = f"one process, default policies, {seconds} s of streams of {EVENTS} events {INTERVAL_MS:.0f} ms apart"
    result = {**seen, "how": how, "machine": machine()}
    print(seen)
    (Path(__file__).parent / "results" / "streams.json").write_text(json.dumps(result, indent=1) + "\n")
    return 0 if seen["answers"] == seen["answers_whole"] else 1


if __name__ == "__main__":
    sys.exit(main())
