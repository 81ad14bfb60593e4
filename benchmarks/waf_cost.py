"""What the attack stage costs, in CPU, by kind and length of text: `python -m benchmarks.waf_cost`.

The machine may be shared, so a fixed piece of work (hashing a megabyte) is timed beside it: ratios travel, times do not.
"""

from __future__ import annotations

import hashlib
import json
import platform
import random
import statistics
import string
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.waf_prompts import exchange, prompt, shipped
from benchmarks.waf_sets import of_length
from gateway.core.exchange import Kind, Passage

RESULTS = Path(__file__).parent / "results" / "waf_cost.json"
CHAT = (
    Passage("model", "parameter", "smollm2", Kind.IDENTIFIER), Passage("user", "parameter", "ana@example.com", Kind.IDENTIFIER), Passage("stop[0]", "parameter", "\n\nHuman:", Kind.IDENTIFIER),
    Passage("tools[0].function.name", "tool_definition", "get_weather", Kind.IDENTIFIER),
)  # fmt: skip


def micros(work: Callable[[], object], rounds: int = 5) -> float:
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best * 1e6


def main() -> None:
    stage, chance = shipped(), random.Random("cost")
    block = bytes(1 << 20)
    results: dict[str, object] = {
        "how": "python -m benchmarks.waf_cost",
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
    }
    structure = exchange(*CHAT)
    results["proved structure, 4 names"] = round(micros(lambda: [stage.judge(structure) for _ in range(200)]) / 200, 1)
    for characters in (1024, 4096, 16384):
        asked = [prompt(text) for text in of_length(characters)]
        each = [micros(lambda one=one: stage.judge(one), 3) for one in asked]  # type: ignore[misc]
        results[f"harmless text of {characters} characters"] = {
            "median": round(statistics.median(each), 1),
            "worst": round(max(each), 1),
            "texts": len(each),
        }
    letters = string.ascii_letters + string.digits + "+/"
    hostile = {
        "random base64": "".join(chance.choice(letters) for _ in range(4096)), "many short runs": " ".join("".join(chance.choice(letters) for _ in range(17)) for _ in range(228)), "the word ignore": ("ignore all of the " * 300)[:4096],
        "brackets": "![](" * 1024, "percent signs": "%41" * 1365, "zero-width": ("a\u200b" * 2048), "tags": "a\U000e0041" * 2048, "half tokens": "<|im_" * 800, "quotes": "\"'`" * 1365, "Cyrillic": "ignоre " * 585, "entities": "&#105;" * 682, "all trigger words": "system prompt instructions you must now reveal do anything evil mode filter policies " * 49,
    }  # fmt: skip
    results["hostile text of 4096 characters"] = {
        name: round(micros(lambda text=text: stage.judge(prompt(text)), 3), 1) for name, text in hostile.items()
    }  # type: ignore[misc]
    results["hashing a megabyte (for scale)"] = round(micros(lambda: hashlib.sha256(block).digest()), 1)
    for name, value in results.items():
        print(f"{name}: {value}")
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
