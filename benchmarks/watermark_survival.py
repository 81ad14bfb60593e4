"""What survives: leaked excerpts of marked answers, by channel, length and language; who is named, and who wrongly.

Each trial takes a fresh random excerpt of a stored answer, sends it through one channel and traces it with all layers
(or, for rows marked L1, with the marks alone). Columns: named alone and rightly; in the set shown; named at a proven
chance of at most 1e-9; wrong names. Writes results/watermark_survival.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import watermark_corpus as corpus
from markdown_it import MarkdownIt

from watermark import Index, Issued, Keys, SqliteRegistry, Trace, embed, fingerprint, trace
from watermark.documents import from_html

RESULT = Path(__file__).parent / "results" / "watermark_survival.json"
KEYS = Keys.from_master(b"a master secret for the benchmark")
Attack = Callable[[str, Random], str]


def render(text: str, chance: Random) -> str:
    return from_html(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))


@dataclass(frozen=True)
class Row:
    name: str
    attack: Attack
    sizes: tuple[int, ...]
    marks_only: bool = False


INTACT = (
    ("verbatim", lambda text, chance: text),
    ("cut 5 % at both ends", corpus.trim),
    ("NFKC", corpus.nfkc),
    ("Cf stripped, white space collapsed", corpus.both(corpus.strip_format, corpus.collapse)),
    ("markdown rendered, HTML read", render),
    ("GB 18030", corpus.gb18030),
)
ROWS = (
    *(Row(name, attack, (100, 150, 200), True) for name, attack in INTACT),
    Row("10 % of words", corpus.reword(0.1), (200, 300), True),
    Row("5 % of code points", corpus.delete(0.05), (200, 300), True),
    Row("20 % of words", corpus.reword(0.2), (200,)),
    Row("10 % of code points", corpus.delete(0.1), (200,)),
    Row("marks stripped", corpus.strip_marks, (100, 200, 400)),
    Row("GBK", corpus.gbk, (200, 400)),
    Row("stripped, 10 % of words", corpus.both(corpus.strip_marks, corpus.reword(0.1)), (200, 400)),
    Row("stripped, 20 % of words", corpus.both(corpus.strip_marks, corpus.reword(0.2)), (200, 400)),
    Row("stripped, 30 % of words", corpus.both(corpus.strip_marks, corpus.reword(0.3)), (400,)),
    Row("OCR-like, 3 % of letters", corpus.misread(0.03), (200, 400)),
)


@dataclass
class Store:
    """Marked answers, as a gateway would keep them."""

    language: str
    registry: SqliteRegistry
    index: Index
    marked: list[str]


def store(language: str, size: int, keep_text: bool, chance: Random) -> Store:
    kept = Store(language, SqliteRegistry(), Index(), [])
    batch = []
    for number in range(size):
        answer = corpus.answer(language, chance)
        mark_id, exchange = chance.getrandbits(34), f"{language}-{number}"
        kept.marked.append(embed(answer, KEYS, mark_id))
        hashes = tuple(fingerprint(answer, KEYS.fingerprint))
        text = answer if keep_text else None
        batch.append(Issued(exchange, "t", f"u{number % 97}", "2026-11-24", mark_id, 1, text, hashes))
        kept.index.add(exchange, hashes)
    kept.registry.add_many(batch)
    kept.index.flush()
    return kept


def outcome(found: Trace, exchange: str) -> str:
    names = [candidate.issued.exchange for candidate in found.candidates] if found.traced else []
    if names == [exchange]:
        proven = found.p is not None and found.p <= 1e-9
        return "proven" if proven else "named"
    if not names:
        return "missed"
    return "set" if exchange in names else "wrong"


def measure(row: Row, size: int, kept: Store, trials: int, chance: Random) -> dict[str, float]:
    counts = dict.fromkeys(("proven", "named", "set", "missed", "wrong"), 0)
    spent = []
    for _ in range(trials):
        number = chance.randrange(len(kept.marked))
        leak = row.attack(corpus.excerpt(kept.marked[number], size, chance), chance)
        began = time.perf_counter()
        found = trace(leak, KEYS, kept.registry, None if row.marks_only else kept.index)
        spent.append(time.perf_counter() - began)
        counts[outcome(found, f"{kept.language}-{number}")] += 1
    alone = counts["proven"] + counts["named"]
    return {
        "named": round(100 * alone / trials, 2),
        "in_set": round(100 * (alone + counts["set"]) / trials, 2),
        "proven": round(100 * counts["proven"] / trials, 2),
        "missed": counts["missed"],
        "wrong": counts["wrong"],
        "ms_p95": round(1000 * sorted(spent)[int(0.95 * trials)], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--answers", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--languages", default="en,zh")
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args()
    began, rows, traces = time.time(), {}, 0
    for language in args.languages.split(","):
        chance = Random(f"{args.seed}-{language}")
        kept = store(language, args.answers, True, chance)
        for row in ROWS:
            for size in row.sizes:
                name = f"{language} {row.name}{', L1 alone' * row.marks_only}, N={size}"
                rows[name] = measure(row, size, kept, args.trials, chance)
                traces += args.trials
                print(f"{name:60} {rows[name]}", flush=True)
    facts = {
        "command": f"benchmarks/watermark_survival.py --trials {args.trials} --answers {args.answers} --seed {args.seed}",
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "traces": traces,
        "wrong": sum(int(row["wrong"]) for row in rows.values()),
        "seconds": round(time.time() - began),
        "rows": rows,
    }
    args.out.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    print({key: value for key, value in facts.items() if key != "rows"})


if __name__ == "__main__":
    main()
