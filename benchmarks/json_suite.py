"""The body reader on another project's JSON files: `python -m benchmarks.json_suite CHECKOUT` (github.com/nst/JSONTestSuite).

Each file is read as a body of its own, and once more as one value within an object, since a body must be one. `n_` must be
refused both ways; `y_` must pass within an object; of `i_`, which parsers may take or leave, it is counted what was taken.
Two of the `y_` hold a key twice: legal JSON that two readers may read differently, and so refused here on purpose.
"""

from __future__ import annotations

import json
import platform
import sys
from collections import Counter
from pathlib import Path

from gateway.core.verdict import Refuse
from tgi.wire.strict import Limits, parse

RESULTS = Path(__file__).parent / "results" / "json_suite.json"


def refused(body: bytes) -> bool:
    return isinstance(parse(body, Limits()), Refuse)


def main() -> None:
    tally: Counter[str] = Counter()
    wrong: list[str] = []
    for file in sorted((Path(sys.argv[1]) / "test_parsing").glob("*.json")):
        body, kind = file.read_bytes(), file.name[0]
        within = b'{"x":' + body + b"}"
        tally[f"{kind} files"] += 1
        tally[f"{kind} refused as a body"] += refused(body)
        tally[f"{kind} refused within an object"] += refused(within)
        if (kind == "n" and not (refused(body) and refused(within))) or (kind == "y" and refused(within)):
            wrong.append(file.name)
    figures = {
        "how": "python -m benchmarks.json_suite CHECKOUT",
        "machine": {"python": platform.python_version(), "machine": platform.machine()},
        "figures": dict(sorted(tally.items())),
        "not as they must be": wrong,
    }
    print(json.dumps(figures, indent=1))
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
