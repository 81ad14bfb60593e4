"""What it costs: CPU time per character to mark, fingerprint and scrub; bytes per character of index; time per trace.

The stored answers of the trace rows are mostly synthetic (random fingerprints and ids, which search as real ones do),
with 2,000 real ones among them that the traced excerpts come from. Writes results/watermark_cost.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import watermark_corpus as corpus
from watermark_survival import KEYS, Store, store

from watermark import Codebook, Embedder, Index, fingerprint, scrub, trace
from watermark.segments import Segment, _sorted

RESULT = Path(__file__).parent / "results" / "watermark_cost.json"
POSTINGS_PER_ANSWER = 200


def per_char(work: Callable[[str], object], texts: list[str]) -> float:
    """Microseconds of CPU per character; the best of five rounds, this being a shared machine."""
    size, best = sum(map(len, texts)), float("inf")
    for _ in range(5):
        began = time.process_time()
        for text in texts:
            work(text)
        best = min(best, time.process_time() - began)
    return round(1e6 * best / size, 3)


def in_fragments(size: int) -> Callable[[str], object]:
    def work(text: str) -> None:
        embedder = Embedder(KEYS, 5)
        for at in range(0, len(text), size):
            embedder.feed(text[at : at + size])
        embedder.finish()

    return work


def crowd(kept: Store, answers: int) -> None:
    """Make the store look as if it had many more answers: random postings in one segment, random codewords."""
    generator = np.random.default_rng(7)
    numbers = np.repeat(np.arange(1_000_000, 1_000_000 + answers, dtype=np.uint32), POSTINGS_PER_ANSWER)
    hashes = generator.integers(0, 1 << 40, len(numbers), dtype=np.uint64)
    kept.index._segments.insert(0, Segment.of(_sorted(hashes, numbers)))
    kept.index._count += answers
    book: Codebook = kept.registry.codebook(KEYS)
    size = book._reserve(1, answers)
    book._ids[1][size : size + answers] = generator.integers(0, 1 << 34, answers, dtype=np.uint64)
    book._columns[1][:, size : size + answers] = generator.integers(0, 128, (18, answers), dtype=np.uint8)
    book._sizes[1] = size + answers


def traces(kept: Store, trials: int, chance: Random) -> dict[str, dict[str, float]]:
    rows = {}
    for name, attack in (("verbatim", None), ("10 % deleted", corpus.delete(0.1)), ("stripped", corpus.strip_marks)):
        spent, named = [], 0
        for _ in range(trials):
            number = chance.randrange(len(kept.marked))
            leak = corpus.excerpt(kept.marked[number], 300, chance)
            leak = attack(leak, chance) if attack else leak
            began = time.perf_counter()
            found = trace(leak, KEYS, kept.registry, kept.index)
            spent.append(1000 * (time.perf_counter() - began))
            named += f"{kept.language}-{number}" in {candidate.issued.exchange for candidate in found.candidates}
        spent.sort()
        rows[name] = {
            "ms_p50": round(spent[trials // 2], 1),
            "ms_p95": round(spent[int(0.95 * trials)], 1),
            "found": round(100 * named / trials, 1),
        }
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    args = parser.parse_args()
    facts: dict[str, object] = {
        "command": "benchmarks/watermark_cost.py",
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }
    for language in ("en", "zh"):
        chance = Random(f"cost-{language}")
        texts = [corpus.answer(language, chance) for _ in range(60)]
        rows = {
            f"embed, fragments of {size or 'any size'}": per_char(in_fragments(size or 10**9), texts)
            for size in (0, 40, 8, 4, 2, 1)
        }
        rows["fingerprint"] = per_char(lambda text: fingerprint(text, KEYS.fingerprint), texts)
        rows["scrub, nothing hidden"] = per_char(scrub, texts)
        index, size = Index(), 0
        for number in range(300):
            text = corpus.answer(language, chance)
            index.add(str(number), fingerprint(text, KEYS.fingerprint))
            size += len(text)
        index.flush()
        rows["index bytes per character"] = round(index.bytes_on_postings / size, 2)
        facts[f"{language}, µs CPU per character"] = rows
        print(language, rows, flush=True)
    for answers in (100_000, 1_000_000):
        for language in ("en", "zh"):
            chance = Random(f"trace-{language}")
            kept = store(language, 2000, True, chance)
            crowd(kept, answers)
            facts[f"trace at {answers} answers, {language}, N=300"] = rows = traces(kept, args.trials, chance)
            print(answers, language, rows, flush=True)
    RESULT.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
