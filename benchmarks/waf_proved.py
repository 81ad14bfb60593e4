"""What the structure checks cost a request that is proved: `python -m benchmarks.waf_proved`. CPU of one thread, best of five rounds.

The headers are those of the openai package. "fresh": a name never seen before, so that nothing is remembered. With --crs
RULES also what the core rules cost, in CPU of their worker and in time the asker waits.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.waf_lists import stage
from benchmarks.waf_prompts import exchange
from gateway.core.exchange import Kind, Passage
from gateway.detect.crs.engine import library
from gateway.detect.crs.residue import Crs, Unproved
from gateway.detect.crs.ruleset import Options
from gateway.detect.crs.workers import Workers
from gateway.http import values

RESULTS = Path(__file__).parent / "results" / "waf_proved.json"
ROUNDS, TIMES = 5, 5000
HEADERS = [
    (b"Host", b"localhost:8443"), (b"User-Agent", b"OpenAI/Python 1.99.1"), (b"Accept", b"application/json"), (b"Accept-Encoding", b"gzip, deflate"), (b"Connection", b"keep-alive"),
    (b"Content-Type", b"application/json"), (b"Content-Length", b"1024"), (b"Authorization", b"Bearer " + b"t" * 400), (b"X-Stainless-Lang", b"python"),
    (b"X-Stainless-Package-Version", b"1.99.1"), (b"X-Stainless-OS", b"Linux"), (b"X-Stainless-Arch", b"x64"), (b"X-Stainless-Runtime", b"CPython"),
    (b"X-Stainless-Runtime-Version", b"3.11.7"), (b"X-Stainless-Async", b"async:asyncio"), (b"X-Stainless-Retry-Count", b"0"),
]  # fmt: skip


def micros(what: Callable[[], object], tick: Callable[[], float] = time.process_time, times: int = TIMES) -> float:
    """The cost of one call in microseconds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = tick()
        for _ in range(times):
            what()
        best = min(best, (tick() - began) / times)
    return round(best * 1e6, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crs", type=Path)
    args = parser.parse_args()
    judged, count = stage(None), itertools.count()
    names = exchange(Passage("user", "parameter", "jane.doe", Kind.IDENTIFIER))
    whole = replace(names, headers=values.of(HEADERS))
    figures: dict[str, object] = {
        "finding the headers to look at, us": micros(lambda: values.of(HEADERS)),
        "judging model and user, us": micros(lambda: judged.judge(names)),
        "judging model, user and headers, us": micros(lambda: judged.judge(whole)),
        "judging a fresh user, us": micros(
            lambda: judged.judge(exchange(Passage("user", "parameter", f"jane{next(count)}", Kind.IDENTIFIER)))
        ),
    }
    if args.crs:
        crs = Crs(args.crs, "", Workers(library(), 1), 5.0)
        rules = crs.loaded((), Options())
        fresh = lambda: rules.matches([Unproved(f"Two Words {next(count)}")])  # noqa: E731
        figures["core rules, a fresh name: wall, us"] = micros(fresh, time.perf_counter, 200)
        figures["core rules, a fresh name: CPU of the asker, us"] = micros(fresh, time.process_time, 200)
        crs.close()
    told = {"how": "python -m benchmarks.waf_proved --crs RULES", "machine": platform.machine(), "figures": figures}
    print(json.dumps(told, indent=1))
    RESULTS.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
