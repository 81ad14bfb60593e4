"""How well personal data is found: recall, precision, false finds in harmless text. One table; results/pii_quality.json.

    python -m benchmarks.pii_quality [--each 60] [--seed 7]

A value counts as found when every one of its letters and digits is covered, whatever the entity is called; the typed
column asks for the right name too. Precision is of finds that touch a labelled value.
"""

from __future__ import annotations

import argparse
import random
import re
import sysconfig
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from benchmarks import pii_cases
from benchmarks.pii_cases import Case
from benchmarks.pii_report import machine, save, table
from gateway.detect.patterns import Patterns
from gateway.detect.span import Span

THRESHOLD = 0.5
SAME = {
    "CREDIT_CARD": "CARD",
    "CN_BANK_CARD": "CARD",
    "CN_LANDLINE": "PHONE",
    "PHONE_NUMBER": "PHONE",
    "CN_MOBILE": "PHONE",
}


def covered(text: str, span: tuple[int, int, str], found: Iterable[Span]) -> bool:
    marks = set()
    for one in found:
        marks.update(range(one.start, one.end))
    return all(at in marks for at in range(span[0], span[1]) if text[at].isalnum())


def typed(span: tuple[int, int, str], found: Iterable[Span]) -> bool:
    wanted = SAME.get(span[2], span[2])
    return any(
        SAME.get(one.entity, one.entity) == wanted and one.start < span[1] and span[0] < one.end for one in found
    )


def measure(patterns: Patterns, cases: Iterable[Case], misses: list[str] | None = None) -> list[dict[str, object]]:
    """One row for each group and entity."""
    rows: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for case in cases:
        found = [one for one in patterns.find(case.text) if one.score >= THRESHOLD]
        entity = case.spans[0][2] if case.spans else "none"
        row = rows[case.group, entity]
        row["cases"] += 1
        for span in case.spans:
            hit = covered(case.text, span, found)
            row["covered"] += hit
            row["typed"] += hit and typed(span, found)
            if not hit and misses is not None:
                misses.append(
                    f"MISS {case.group} {entity} {case.text!r} {[(f.entity, case.text[f.start : f.end]) for f in found]}"
                )
        wrong = [one for one in found if not any(one.start < high and low < one.end for low, high, _ in case.spans)]
        row["finds"] += len(found)
        row["false"] += len(wrong)
        if wrong and misses is not None:
            misses.append(
                f"FALSE {case.group} {case.text!r} {[(f.entity, case.text[f.start : f.end], f.rule) for f in wrong]}"
            )
    return [_shown(group, entity, row) for (group, entity), row in rows.items()]


def _shown(group: str, entity: str, row: dict[str, int]) -> dict[str, object]:
    labelled = row["cases"] if entity != "none" else 0
    return {
        "group": group,
        "entity": entity,
        "cases": row["cases"],
        "recall": round(row["covered"] / labelled, 4) if labelled else None,
        "typed": round(row["typed"] / labelled, 4) if labelled else None,
        "precision": round(1 - row["false"] / row["finds"], 4) if row["finds"] else None,
        "false": row["false"],
    }


def harmless(r: random.Random) -> dict[str, str]:
    """Prose, code and logs that hold no personal data: docstrings, sources of the standard library, drawn log lines."""
    library = Path(sysconfig.get_paths()["stdlib"])
    names = (
        "argparse",
        "ast",
        "asyncio/base_events",
        "bisect",
        "calendar",
        "collections/__init__",
        "csv",
        "datetime",
        "decimal",
        "difflib",
        "enum",
        "functools",
        "heapq",
        "inspect",
        "statistics",
        "textwrap",
        "threading",
        "typing",
        "unittest/mock",
        "zipfile",
    )
    sources = {
        name: (library / f"{name}.py").read_text(errors="replace")
        for name in names
        if (library / f"{name}.py").exists()
    }
    licence = next(iter(sorted(library.glob("LICENSE*"))), None)
    prose = "\n".join(_docstrings(source) for source in sources.values()) + (licence.read_text() if licence else "")
    prose, code = (
        re.sub(r"\S+@\S+", "", text) for text in (prose, "\n".join(sources.values()))
    )  # authors have addresses
    return {"prose": prose[:600_000], "code": code[:900_000], "logs": logs(r, 6_000)}


def _docstrings(source: str) -> str:
    return "\n".join(source.split('"""')[1::2])


def logs(r: random.Random, lines: int) -> str:
    """Lines as services write them: times, levels, ids, durations; no people."""
    made = []
    for _ in range(lines):
        stamp = f"2026-{r.randint(1, 12):02d}-{r.randint(1, 28):02d}T{r.randint(0, 23):02d}:{r.randint(0, 59):02d}:{r.randint(0, 59):02d}.{r.randint(0, 999):03d}Z"
        hexa = "".join(r.choice("0123456789abcdef") for _ in range(16))
        made.append(
            r.choice(
                [
                    f"{stamp} INFO  pool-{r.randint(1, 16)}-thread-{r.randint(1, 64)} c.e.billing.Worker - batch {r.randint(10**5, 10**7)} done in {r.random() * 900:.3f} ms",
                    f"{stamp} WARN  retry {r.randint(1, 5)}/5 for job {hexa} queue=orders depth={r.randint(0, 90000)}",
                    f"{stamp} DEBUG trace_id={hexa}{hexa} span_id={hexa} parent={r.randint(10**9, 10**12)} sampled=1",
                    f"[{r.randint(10**9, 2 * 10**9)}.{r.randint(0, 999999):06d}] gc pause {r.random() * 40:.2f}ms heap {r.randint(100, 9000)}M->{r.randint(10, 900)}M({r.randint(9000, 16000)}M)",
                    f"{stamp} ERROR order {r.randint(10**15, 10**16)} failed: code={r.randint(100, 599)} shard={r.randint(0, 63)} offset={r.randint(10**8, 10**10)}",
                    f"{stamp} INFO  kafka partition={r.randint(0, 31)} offset={r.randint(10**9, 10**11)} lag={r.randint(0, 10**5)} ts={r.randint(1690000000000, 1790000000000)}",
                    f"{stamp} INFO  GET /api/v{r.randint(1, 3)}/items/{r.randint(10**6, 10**9)}?page={r.randint(1, 99)} 200 {r.randint(100, 99999)} {r.random():.4f}",
                ]
            )
        )
    return "\n".join(made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--misses", type=int, default=0, help="print so many of what went wrong")
    args = parser.parse_args()
    r = random.Random(args.seed)
    patterns, misses = Patterns(), []
    cases = (
        pii_cases.plain(r, args.each)
        + pii_cases.mistyped(r, args.each * 4)
        + pii_cases.obfuscated(r, args.each)
        + pii_cases.traps(r, args.each)
    )
    rows = measure(patterns, cases, misses)
    quiet = []
    for name, text in harmless(r).items():
        found = [one for one in patterns.find(text) if one.score >= THRESHOLD]
        misses += [
            f"FALSE {name} {one.entity} {one.rule} {text[max(0, one.start - 30) : one.end + 20]!r}" for one in found
        ]
        quiet.append(
            {
                "text": name,
                "kilobytes": round(len(text.encode()) / 1000),
                "false finds": len(found),
                "per 100 KB": round(len(found) / len(text.encode()) * 100_000, 2),
            }
        )
    print(table(rows))
    print(table(quiet))
    for line in misses[: args.misses]:
        print(line)
    sums = totals(rows)
    print(table(sums))
    save(
        "pii_quality",
        {
            "seed": args.seed,
            "cases of each": args.each,
            "rows": rows,
            "totals": sums,
            "harmless": quiet,
            "machine": machine(),
        },
    )


def totals(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Plain, obfuscated and mistyped as wholes."""
    found = []
    for name in ("plain", "obfuscated", "wrong check digit", "trap"):
        some = [row for row in rows if str(row["group"]).startswith(name)]
        labelled = [row for row in some if row["recall"] is not None]
        count = sum(int(str(row["cases"])) for row in labelled)
        hits = sum(float(str(row["recall"])) * int(str(row["cases"])) for row in labelled)
        false = sum(int(str(row["false"])) for row in some)
        found.append(
            {
                "group": name,
                "cases": sum(int(str(row["cases"])) for row in some),
                "recall": round(hits / count, 4) if count else None,
                "false finds": false,
                "precision": round(hits / (hits + false), 4) if hits else None,
            }
        )
    return found


if __name__ == "__main__":
    main()
