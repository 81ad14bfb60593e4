"""Fuzzing for a given time, every target in turn, guided by coverage where that is to be had.

    python -m benchmarks.fuzz [SECONDS] [TARGET …]

SECONDS are shared among the targets by weight (default 3600). Each runs in a process of its own under `nice`; one that an
input breaks keeps that input in `tests/fuzz/found/` and stops. Adds to `benchmarks/results/fuzz.json`, run by run; the exit
status is 1 when anything was found.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from benchmarks.rig.load import machine
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "fuzz.json"
FOUND = ROOT / "tests" / "fuzz" / "found"
NICE = 19
GRACE_SECONDS = 120  # to load the corpus and the policies before the time begins to count


def fuzz(name: str, seconds: int) -> dict[str, object]:
    """One target for some seconds: what was run, and what was found."""
    before = set(FOUND.glob(f"{name}-*"))
    began = time.monotonic()
    done = subprocess.run(
        ["nice", "-n", str(NICE), sys.executable, "-m", "tests.fuzz.engine", name, str(seconds)],
        cwd=ROOT,
        capture_output=True,
        timeout=seconds + GRACE_SECONDS * 3,
    )
    told = (done.stdout + done.stderr).decode("utf-8", "replace")
    kept = sorted(path.name for path in set(FOUND.glob(f"{name}-*")) - before)
    spent = re.findall(r"Done \d+ runs in (\d+) second", told)
    coverage = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", told)
    result: dict[str, object] = {
        "executions": _executions(told),
        "seconds": int(spent[-1]) if spent else min(seconds, round(time.monotonic() - began)),  # loading not counted
        "edges": int(coverage[-1][0]) if coverage else None,
        "inputs_of_interest": int(coverage[-1][2]) if coverage else None,
        "crashes": sum("-crash-" in each or "-timeout-" not in each for each in kept),
        "hangs": sum("-timeout-" in each for each in kept),
    }
    if done.returncode:
        result["crashes"] = max(1, int(str(result["crashes"])))  # one that could not even begin is no clean run
        result["told"] = _error(told)
    return result


def _executions(told: str) -> int:
    found = re.findall(r'(?:number_of_executed_units:\s+|"executions": )(\d+)', told)
    return int(found[-1]) if found else 0


def _error(told: str) -> str:
    """The last line of a traceback: its type, and no more than fits a line."""
    lines = [line for line in told.splitlines() if re.match(r"[\w.]*(Error|Exception|Failure|ALARM|Damage)\b", line)]
    return lines[-1][:200] if lines else told.strip()[-200:]


def main(arguments: list[str]) -> int:
    budget = int(arguments[0]) if arguments else 3600
    chosen = arguments[1:] or list(TARGETS)
    weights = sum(TARGETS[name].weight for name in chosen)
    targets = {}
    for name in chosen:
        targets[name] = fuzz(name, max(1, budget * TARGETS[name].weight // weights))
        print(f"{name}: {json.dumps(targets[name])}", flush=True)
    before = json.loads(RESULT.read_text()) if RESULT.exists() else {"runs": []}
    runs = before["runs"]
    found = sum(int(str(each["crashes"])) + int(str(each["hangs"])) for each in targets.values())
    runs.append(
        {
            "engine": "atheris (libFuzzer)" if find_spec("atheris") else "plain mutation",
            "executions": sum(int(str(each["executions"])) for each in targets.values()),
            "seconds": sum(int(str(each["seconds"])) for each in targets.values()),
            "found": found,
            "targets": targets,
            "commit": _commit(),
            "machine": machine(),
        }
    )
    RESULT.write_text(
        json.dumps({**before, "how": (__doc__ or "").strip().split("\n\n")[-1], "runs": runs}, indent=1) + "\n"
    )
    return 1 if found else 0


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or os.environ.get("GIT_COMMIT", "unknown")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
