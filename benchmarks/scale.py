"""How the cost of one request grows: with policy rules, users, turns of a conversation, bytes of a body, records on disk.

    python -m benchmarks.scale

CPU of one process, best of several rounds, every request with words that nobody saw before. Each curve is told with its order:
the slope of log cost over log size between its last two points, 0 for flat, 1 for linear. Writes `benchmarks/results/scale.json`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.rig.load import machine
from benchmarks.steps import Rig, rig
from gateway.audit.journal import Journal
from gateway.stages.access.index import Index
from tests.audit.examples import a_closed, an_opened
from tests.stages.plain_casbin import a_policy, a_question

RESULT = Path(__file__).parent / "results" / "scale.json"
ROUNDS, CALLS = 7, 20
SENTENCE = "Please tell the traveller which papers the keeper of the pass will ask for at the gate. "
RULES, USERS = (10, 100, 1000, 10_000), (100, 1000, 10_000, 100_000)
TURNS = (1, 5, 10, 20, 40, 80)
BYTES = (1024, 4096, 16_384, 65_536, 262_144)
RECORDS = (1000, 10_000, 50_000)
SEED = 20261124

Curve = dict[str, object]
_numbers = itertools.count(random.Random().randrange(26**5))


def fresh() -> str:
    """A word that no request before had."""
    number = next(_numbers)
    return "".join(chr(ord("a") + (number // 26**place) % 26) for place in range(8))


def best(step: Callable[[], object]) -> float:
    """CPU microseconds of one call."""
    step()
    took = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(CALLS):
            step()
        took.append((time.process_time() - began) / CALLS * 1e6)
    return round(min(took), 1)


def curve(sizes: Sequence[int], cost: Callable[[int], float], unit: str) -> Curve:
    """The cost at each size, and the order in which it grows at the large end."""
    costs = [cost(size) for size in sizes]
    order = math.log(costs[-1] / costs[-2]) / math.log(sizes[-1] / sizes[-2])
    told: Curve = {
        "per": unit,
        "cpu_us": dict(zip(map(str, sizes), costs, strict=True)),
        "order_at_the_end": round(order, 2),
    }
    print(f"{unit}: {json.dumps(told)}", flush=True)
    return told


def request(rig: Rig, turns: int, size: int) -> Callable[[], object]:
    """One request, read, judged and written for the model: `turns` messages of which the last is new, `size` bytes long."""
    before = [{"role": ("user", "assistant")[n % 2], "content": f"{n} {SENTENCE * 4}"} for n in range(turns - 1)]
    text = (SENTENCE * (size // len(SENTENCE) + 1))[:size]

    def once() -> object:
        messages = [*before, {"role": "user", "content": f"Dear {fresh()}, {text}"}]
        body = json.dumps({"model": "smollm2", "messages": messages, "max_tokens": 64}).encode()
        ask = rig.asked(body)
        judged = rig.judged(rig.exchange(ask, next(_numbers)))
        return ask.request(judged.exchange)

    return once


def decision(rules: int, users: int) -> float:
    """One access decision that was not asked for before."""
    chance = random.Random(SEED)
    policy = a_policy(chance, rules, users)
    index, asked = Index(policy), [a_question(chance, policy) for _ in range(CALLS)]

    def once() -> None:
        for one in asked:
            index.decide_afresh(one.subject, one.roles, one.tenant, one.model, one.action)

    return round(best(once) / len(asked), 2)


def record(size: int) -> float:
    """One exchange recorded, both records, behind `size` records; this process's CPU, the writing thread's included."""

    async def run() -> float:
        with tempfile.TemporaryDirectory() as folder:
            async with Journal.open(Path(folder) / "audit", "w0") as journal:
                for begin in range(0, size, 500):
                    await asyncio.gather(
                        *(journal.append(an_opened(f"f{n}")) for n in range(begin, min(begin + 500, size)))
                    )
                took = []
                for _ in range(ROUNDS):
                    began = time.process_time()
                    await asyncio.gather(*(_exchange(journal) for _ in range(200)))
                    took.append((time.process_time() - began) / 200 * 1e6)
                return round(min(took), 1)

    return asyncio.run(run())


async def _exchange(journal: Journal) -> None:
    id_ = fresh()
    await journal.append(an_opened(id_))
    await journal.append(a_closed(id_))


def main() -> int:
    with rig() as one:
        curves = {
            "turns_of_a_conversation": curve(
                TURNS, lambda n: best(request(one, n, 300)), "request, earlier turns seen before"
            ),
            "bytes_of_a_new_message": curve(BYTES, lambda n: best(request(one, 1, n)), "request"),
        }
    curves["policy_rules"] = curve(RULES, lambda n: decision(n, 1000), "decision, 1,000 users")
    curves["users"] = curve(USERS, lambda n: decision(100, n), "decision, 100 rules")
    curves["records_on_disk"] = curve(RECORDS, record, "exchange recorded")
    RESULT.write_text(
        json.dumps({"curves": curves, "how": (__doc__ or "").split("\n\n")[2], "machine": machine()}, indent=1) + "\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
