"""Has the gate become dearer? Measures again what `benchmarks.gateway` measured, and compares the ratios to the relay.

    python -m benchmarks.regress [SECONDS]

Exit 1 when a ratio is more than 15 % above the committed one, 2 when there is none to compare with. Ratios to a peer
measured in the same run are what can be compared between machines; absolute figures are not.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.gateway import CONNECTIONS, STREAMS, TOKENS, compare, peers
from benchmarks.rig.load import chat

ALLOWED = 1.15
RESULTS = Path(__file__).parent / "results" / "gateway.json"
WORKS = {
    "request_1kb": (chat(1024), CONNECTIONS, 1),
    "request_10kb": (chat(10_240), CONNECTIONS, 1),
    "streamed_token": (chat(400, True), STREAMS, TOKENS),
}


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
    if not RESULTS.exists():
        print(f"error: {RESULTS} is missing; hint: run `python -m benchmarks.gateway` and commit what it writes")
        return 2
    before = json.loads(RESULTS.read_text())
    dearer = []
    with tempfile.TemporaryDirectory() as folder, peers(Path(folder)) as (bare, gate, caller):
        for name, (body, connections, per) in WORKS.items():
            ratio = compare(name, (bare, gate), caller, body, seconds, connections, per)["ratio"]
            change = ratio / before[name]["ratio"]
            print(f"{name}: {before[name]['ratio']} → {ratio} times the relay ({change - 1:+.0%})")
            if change > ALLOWED:
                dearer.append(name)
    for name in dearer:
        print(
            f"error: {name} costs over {ALLOWED - 1:.0%} more than the committed figure; hint: profile, or say why in costs.md"
        )
    return 1 if dearer else 0


if __name__ == "__main__":
    sys.exit(main())
