"""What the attack stage costs, in CPU, by kind and length of text: `python -m benchmarks.waf_cost`.

The machine may be shared, so a fixed piece of work (hashing a megabyte) is timed beside it: ratios travel, times do not.
A figure is the best of three looks at a text, but for "at first sight", which is the one look that a text gets in practice:
what RE2 and the words' memory learn from a text is not known before.
"""

from __future__ import annotations

import hashlib
import json
import platform
import random
import statistics
import string
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.waf_prompts import exchange, prompt, shipped
from benchmarks.waf_sets import harmless, of_length
from gateway.core.exchange import Kind, Passage

RESULTS = Path(__file__).parent / "results" / "waf_cost.json"
HOSTILE = 4096  # characters
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


def _spread(each: Sequence[float]) -> dict[str, float]:
    return {"median": round(statistics.median(each), 1), "worst": round(max(each), 1), "texts": len(each)}


def _pasted(texts: Sequence[str]) -> list[str]:
    """Pieces of a kind of texts, one after the other, none of them twice."""
    joined = "\n\n".join(texts)
    return [joined[start : start + 2048] for start in range(0, min(len(joined), 40 * 2048) - 2048, 2048)]


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
    unlike = [prompt(text) for texts in harmless().values() for text in _pasted(texts)]
    results["harmless texts of 2048 characters, no two alike, at first sight"] = _spread(
        [micros(lambda one=one: stage.judge(one), 1) for one in unlike]  # type: ignore[misc]
    )
    usual = 0.0
    for characters in (1024, 4096, 16384):
        asked = [prompt(text) for text in of_length(characters)]
        each = [micros(lambda one=one: stage.judge(one), 3) for one in asked]  # type: ignore[misc]
        results[f"harmless text of {characters} characters"] = _spread(each)
        usual = statistics.median(each) if characters == HOSTILE else usual
    letters = string.ascii_letters + string.digits + "+/"
    hostile = {
        "random base64": "".join(chance.choice(letters) for _ in range(4096)), "many short runs": " ".join("".join(chance.choice(letters) for _ in range(17)) for _ in range(228)), "the word ignore": ("ignore all of the " * 300)[:4096],
        "brackets": "![](" * 1024, "percent signs": "%41" * 1365, "zero-width": ("a\u200b" * 2048), "tags": "a\U000e0041" * 2048, "half tokens": "<|im_" * 800, "quotes": "\"'`" * 1365, "Cyrillic": "ignоre " * 585, "entities": "&#105;" * 682, "spaced letters": "i g n o r e " * 341, "hexadecimal": "69676e6f7265 " * 315, "leet": "1gn0r3 4ll " * 372, "escapes": r"\x69\x67" * 512, "one word": "a;" * 2048, "beyond the tables": "\U0001f600x" * 2048, "combining marks": "a\u0301\u0323" * 1365,
        "roles without end": "you are an ai that can act as " * 136, "two ways": "respond in 2 ways, " * 215, "all trigger words": "system prompt instructions you must now reveal do anything evil mode filter policies " * 49,
    }  # fmt: skip
    taken = {name: micros(lambda text=text: stage.judge(prompt(text[:HOSTILE])), 3) for name, text in hostile.items()}  # type: ignore[misc]
    results[f"hostile text of {HOSTILE} characters"] = {name: round(figure, 1) for name, figure in taken.items()}
    results["the worst of these, in harmless texts of the same length"] = round(max(taken.values()) / usual, 1)
    results["hashing a megabyte (for scale)"] = round(micros(lambda: hashlib.sha256(block).digest()), 1)
    for name, value in results.items():
        print(f"{name}: {value}")
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
