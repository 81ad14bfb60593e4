"""Known advisories about what is locked: exit 0 none, 1 some, 2 could not tell. Run by `make audit`.

pip-audit calls it success when an index knows no advisories of a package, also where that index has none of any package.
So a package that it skipped, or one that it says nothing of, makes the answer "could not tell" here, and never green.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKS = ("runtime.txt", "test.txt", "model.txt")
SECONDS = 600
FINE, FOUND, UNKNOWN = 0, 1, 2


def locked(text: str) -> set[str]:
    """The names of a lock file's packages, normalised, but for those of other platforms."""
    names = (
        re.match(r"([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==", line)
        for line in text.splitlines()
        if "sys_platform == 'win32'" not in line
    )
    return {re.sub(r"[-_.]+", "-", match[1]).lower() for match in names if match}


def judge(report: str, wanted: set[str]) -> tuple[int, list[str]]:
    """The exit status and what to say, of pip-audit's JSON and the packages that it should have looked at."""
    try:
        told = json.loads(report)["dependencies"]
        known = {re.sub(r"[-_.]+", "-", each["name"]).lower(): each for each in told}
    except (ValueError, KeyError, TypeError):
        return UNKNOWN, ["could not tell: pip-audit gave no report"]
    found = [
        f"{each['name']} {each['version']}: {v['id']}, fixed in {', '.join(v['fix_versions']) or 'no version'}"
        for each in told
        for v in each.get("vulns", ())
    ]
    unseen = sorted((wanted - known.keys()) | {name for name, each in known.items() if "skip_reason" in each})
    if found:
        return FOUND, found
    if unseen:
        return UNKNOWN, [f"could not tell of {len(unseen)} of {len(wanted)} packages: {', '.join(unseen[:8])} …"]
    return FINE, [f"no advisory about {len(wanted)} packages"]


def audit(lock: Path, options: Sequence[str]) -> tuple[int, list[str]]:
    """One lock file, by the advisory service that is configured."""
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--requirement",
        str(lock),
        "--require-hashes",
        "--disable-pip",
        "--no-deps",
    ]
    command += ["--format", "json", "--progress-spinner", "off", *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return UNKNOWN, [f"could not tell: no answer in {SECONDS} s"]
    status, said = judge(done.stdout, locked(lock.read_text()))
    errors = [line for line in done.stderr.splitlines() if "ERROR" in line]
    return status, said if status != UNKNOWN else [*said, *errors[-1:]]


def main() -> int:
    options = os.environ.get("PIP_AUDIT_OPTIONS", "").split()  # e.g. --vulnerability-service osv
    outcomes = {name: audit(ROOT / "requirements" / name, options) for name in LOCKS}
    for name, (_, said) in outcomes.items():
        for line in said:
            print(f"requirements/{name}: {line}")
    statuses = {status for status, _ in outcomes.values()}
    if FOUND in statuses:
        return FOUND
    if UNKNOWN in statuses:
        print(_NOT_GREEN)
        return UNKNOWN
    return FINE


_NOT_GREEN = (
    "NOT GREEN: nobody could say whether these packages have known holes; "
    "hint: run this where an advisory service is reached"
)


if __name__ == "__main__":
    sys.exit(main())
