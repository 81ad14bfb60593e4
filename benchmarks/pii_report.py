"""What the personal-data benchmarks share: the machine's facts, a table, a results file. Measures nothing."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, object]:
    """What a figure was measured on. Times are CPU time of this process, smallest of several runs."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    load = round(os.getloadavg()[0], 1)
    return {"processor": model, "cores": os.cpu_count(), "python": platform.python_version(), "load average": load}


def table(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows of the same keys, aligned."""
    if not rows:
        return ""
    names = list(rows[0])
    cells = [[str(row[name]) if row[name] is not None else "–" for name in names] for row in rows]
    widths = [max(len(name), *(len(line[at]) for line in cells)) for at, name in enumerate(names)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in [names, *cells]]
    return "\n".join(lines) + "\n"


def save(name: str, results: Mapping[str, object]) -> None:
    """benchmarks/results/<name>.json, replaced."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n")
