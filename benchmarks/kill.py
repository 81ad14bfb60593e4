"""kill -9 under load, round after round: is every exchange that was answered on the record?

`python -m benchmarks.kill [ROUNDS]` writes `benchmarks/results/kill.json`. The backend is the instant stand-in: what is
measured is the gateway's promise, not the model. The segments are read here with no code of the gateway.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp

from benchmarks.rig.load import Caller, chat, machine, started
from benchmarks.rig.segments import records
from benchmarks.rig.sites import HANGU, site_before

CONNECTIONS = 16
SECONDS = (0.4, 1.6)  # how long a round's load runs before the kill


@dataclass(frozen=True, slots=True)
class Round:
    """One kill: exchanges that a client had read to the end, and those of them without both records."""

    answered: int
    streamed: int
    missing: int
    unknown: int


async def shoot(url: str, caller: Caller, answered: set[str], streamed: set[str], die: asyncio.Event) -> None:
    """Ask until the server dies; note the id of every reply that was read to its last byte."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=caller.context())
    headers = {"content-type": "application/json", "authorization": f"Bearer {caller.token}"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def ask(streaming: bool) -> None:
            body = chat(400, streaming)
            while not die.is_set():
                try:
                    async with session.post(f"{url}/v1/chat/completions", data=body) as reply:
                        text = await reply.read()
                except (aiohttp.ClientError, OSError):
                    return
                if reply.status == 200 and (not streaming or text.endswith(b"data: [DONE]\n\n")):
                    (streamed if streaming else answered).add(reply.headers["x-request-id"])

        await asyncio.gather(*(ask(index % 4 == 0) for index in range(CONNECTIONS)))


def one_round(site: Path, caller: Caller, chance: random.Random) -> Round:
    answered: set[str] = set()
    streamed: set[str] = set()
    with started(*HANGU, "serve", str(site)) as (process, url):

        async def run() -> None:
            die = asyncio.Event()
            loop = asyncio.get_running_loop()
            loop.call_later(chance.uniform(*SECONDS), lambda: (process.send_signal(signal.SIGKILL), die.set()))
            await shoot(url, caller, answered, streamed, die)

        asyncio.run(run())
    opened, closed, unknown = _recorded(site)
    missing = [each for each in answered | streamed if each not in opened or each not in closed]
    return Round(len(answered), len(streamed), len(missing), unknown)


def _recorded(site: Path) -> tuple[set[str], set[str], int]:
    opened: set[str] = set()
    closed: set[str] = set()
    unknown = 0
    for record in records(site / "audit"):
        match record.get("type"):
            case "opened":
                opened.add(record["id"])
            case "closed" if record["outcome"] == "unknown":
                unknown += 1
            case "closed":
                closed.add(record["id"])
    return opened, closed, unknown


def rounds(count: int, seed: int = 1) -> Iterator[Round]:
    """Each round starts the gateway on the same site, so that recovery is part of it."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, site_before(Path(folder), tokens=20, interval_ms=2) as (site, caller):
        for _ in range(count):
            yield one_round(site, caller, chance)


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    done = []
    for number, each in enumerate(rounds(count), 1):
        done.append(each)
        print(
            f"round {number:2}: {each.answered} answered, {each.streamed} streamed, {each.missing} missing", flush=True
        )
    missing = sum(each.missing for each in done)
    total = sum(each.answered + each.streamed for each in done)
    result = {"rounds": [asdict(each) for each in done], "answered": total, "missing": missing, "machine": machine()}
    path = Path(__file__).parent / "results" / "kill.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"{total} answered exchanges, {missing} without their record")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
