"""The law of streams at length: ten thousand drawn cases of the whole response chain. `python -m benchmarks.law [CASES]`.

Runs `tests/laws/test_response_chain.py` with more examples and writes `benchmarks/results/law.json`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.rig.load import machine

ROOT = Path(__file__).parents[1]


def main() -> int:
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/laws/test_response_chain.py", "--hypothesis-show-statistics"],
        cwd=ROOT,
        env={**os.environ, "HANGU_LAW_EXAMPLES": str(cases)},
    )
    result = {
        "cases": {
            "any cut of any channel": cases,
            "any cut of the events' bytes": cases // 5,
            "every single byte": "all",
        },
        "mismatches": 0 if done.returncode == 0 else "see the output",
        "seconds": round(time.monotonic() - began),
        "machine": machine(),
    }
    (ROOT / "benchmarks" / "results" / "law.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
