"""Streams: does the joined stream equal the redaction of the joined text, how much is held, what does a token cost?

    python -m benchmarks.pii_stream [--runs 100000] [--seed 1]

Random texts are pieces that are found, torn pieces and what stands between, cut at random. results/pii_stream.json.
"""

from __future__ import annotations

import argparse
import random
import re
import time

from benchmarks import pii_cases
from benchmarks.pii_report import machine, save, table
from benchmarks.pii_speed import text
from gateway.detect.patterns import Patterns
from gateway.detect.span import Span
from gateway.detect.watch import Part, Watch
from tests.detect.strategies import BETWEEN, FOUND


def drawn(r: random.Random) -> str:
    """Pieces whole or torn, and fresh values in sentences."""
    pieces = []
    for _ in range(r.randint(1, 12)):
        kind = r.random()
        if kind < 0.25:
            draw, sentences = r.choice(list((pii_cases.ZH | pii_cases.EN).values()))
            piece = r.choice(sentences).format(draw(r))
        elif kind < 0.6:
            piece = r.choice(FOUND)
        else:
            piece = r.choice(BETWEEN)
        torn = r.random()
        at = r.randint(0, len(piece))
        pieces.append(piece[:at] if torn < 0.15 else piece[at:] if torn < 0.3 else piece)
    return "".join(pieces)


def cut(r: random.Random, whole: str) -> list[str]:
    most = r.choice([1, 4, 12, 80])
    pieces, at = [], 0
    while at < len(whole):
        size = r.randint(1, most)
        pieces.append(whole[at : at + size])
        at += size
    return pieces


def joined(parts: list[Part]) -> tuple[str, list[Span]]:
    out = "".join(part.text if part.span is None else f"<{part.span.entity}>" if part.text else "" for part in parts)
    return out, [part.span for part in parts if part.span is not None and not part.begun]


def batch(patterns: Patterns, whole: str) -> tuple[str, list[Span]]:
    spans, out, at = patterns.find(whole), [], 0
    for span in spans:
        out += [whole[at : span.start], f"<{span.entity}>"]
        at = span.end
    return "".join([*out, whole[at:]]), spans


def mismatches(patterns: Patterns, runs: int, seed: int) -> tuple[int, list[str]]:
    wrong, samples = 0, []
    for run in range(runs):
        r = random.Random(seed * 1_000_003 + run)
        whole = drawn(r)
        watch = Watch(patterns)
        parts = [part for piece in cut(r, whole) for part in watch.feed(piece)] + watch.finish()
        if joined(parts) != batch(patterns, whole):
            wrong += 1
            samples.append(whole[:200])
    return wrong, samples[:5]


def tokens(said: str, language: str) -> list[str]:
    """About what a tokenizer makes of it: words with the space before them, one or two Han characters."""
    if language == "en":
        return re.findall(r" ?[A-Za-z]{1,9}| ?[0-9]{1,3}|\s|[^\sA-Za-z0-9]", said)
    return re.findall(r"[\u3400-\u9fff]{1,2}|[A-Za-z]{1,8}|[0-9]{1,3}|[^\u3400-\u9fffA-Za-z0-9]", said)


def held(patterns: Patterns, language: str, share: float) -> dict[str, object]:
    said = text(random.Random(9), language, 30_000, share)
    pieces = tokens(said, language)
    watch, waiting = Watch(patterns), []
    for piece in pieces:
        watch.feed(piece)
        waiting.append(watch.held)
    best = float("inf")
    for _ in range(5):
        watch, began = Watch(patterns), time.process_time()
        for piece in pieces:
            watch.feed(piece)
        watch.finish()
        best = min(best, (time.process_time() - began) / len(pieces))
    waiting.sort()
    shown = {f"p{p}": waiting[int(len(waiting) * p / 100)] for p in (50, 90, 99)}
    return {
        "text": language,
        "sentences with data": share,
        "tokens": len(pieces),
        **{f"held {name}": size for name, size in shown.items()},
        "held max": waiting[-1],
        "CPU µs a token": round(best * 1e6, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    patterns = Patterns()
    rows = [held(patterns, language, share) for language in ("en", "zh") for share in (0.0, 0.15, 0.3)]
    print(table(rows))
    wrong, samples = mismatches(patterns, args.runs, args.seed)
    print(f"{wrong} mismatches in {args.runs} runs", *map(ascii, samples), sep="\n")
    save("pii_stream", {"runs": args.runs, "seed": args.seed, "mismatches": wrong, "held": rows, "machine": machine()})


if __name__ == "__main__":
    main()
