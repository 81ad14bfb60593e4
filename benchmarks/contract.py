"""The running gateway against its published OpenAPI document, by schemathesis, over mutual TLS with a token.

    python -m benchmarks.contract [SECONDS]

Writes `benchmarks/results/contract.json`. `tests/hardening/test_contract.py` runs the same for a shorter time.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rig.attacked import Attacked, attacked
from benchmarks.rig.load import machine

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "reference" / "openapi.json"
RESULT = ROOT / "benchmarks" / "results" / "contract.json"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "missing_required_header",
    "allow_header_conformance",
    "ignored_auth",
)
# Not among them: unsupported_method. It sends bodies along, and a body on anything but POST is malformed (400) before anybody asks
# which methods a path takes; without one it is 405, as `tests/tgi/wire/hostile.py` has it.
# A well-formed request may still be refused: by policy (403, 404, 413, 429), or by a rule across fields, which schemas cannot tell (422).
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "403", "404", "413", "422", "429"]
[checks.negative_data_rejection]
expected-statuses = ["4xx"]
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: schemathesis's exit status, what it said, and the gateway's own account."""

    status: int
    told: str
    requests: int
    unrecorded: int


def run(target: Attacked, seconds: int, seed: int = 1, extra: Sequence[str] = ()) -> Run:
    """Schemathesis over every operation of the document."""
    before = target.recorded()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "schemathesis.toml"
        config.write_text(CONFIG)
        papers = target.caller
        command = [
            str(Path(sys.executable).parent / "schemathesis"),
            "--config-file",
            str(config),
            "--no-color",
            "run",
            str(DOCUMENT),
        ]
        command += ["--url", f"https://localhost:{target.port}", "--tls-verify", str(papers.ca)]
        command += ["--request-cert", str(papers.certificate), "--request-cert-key", str(papers.key)]
        command += [
            "-H",
            f"Authorization: Bearer {papers.token}",
            "--checks",
            ",".join(CHECKS),
            "--max-time",
            str(seconds),
        ]
        command += [
            "--phases",
            "examples,coverage,fuzzing",
            "--seed",
            str(seed),
            "--continue-on-failure",
            "--suppress-health-check",
            "all",
        ]
        command += ["--request-timeout", "20", *extra]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds * 4 + 120)
    after = {id_: kinds for id_, kinds in target.recorded().items() if id_ not in before}
    unrecorded = sum(kinds != {"opened", "closed"} for kinds in after.values())
    return Run(done.returncode, done.stdout + done.stderr, len(after), unrecorded)


def main() -> int:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    with tempfile.TemporaryDirectory() as folder, attacked(Path(folder), permitting=True) as target:
        outcome = run(target, seconds)
        alive = target.alive() and target.answers()
    print(outcome.told[-6000:])
    cases = re.search(r"(\d+) generated", outcome.told)
    result = {
        "failures": 0 if outcome.status == 0 else "see the output",
        "cases": int(cases[1]) if cases else None,
        "exchanges_on_record": outcome.requests,
        "not_wholly_on_record": outcome.unrecorded,
        "alive_and_answering_afterwards": alive,
        "checks": list(CHECKS),
        "how": f"schemathesis, {seconds} s, seed 1, mutual TLS and a bound token, backend that plays back one answer",
        "machine": machine(),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    return outcome.status or int(not alive or outcome.unrecorded > 0)


if __name__ == "__main__":
    sys.exit(main())
