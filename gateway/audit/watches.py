"""Which anomalies a site watches for, as a file says it. YAML in, watches out; every problem is told at once.

- {kind: refusals, threshold: 20, window: 300, action: throttle, lasting: 600, every: 10}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import yaml

from gateway.audit.anomalies import Action, Kind, Watch
from policies.problem import PolicyInvalid, Problem

KEYS = {"kind", "threshold", "window", "action", "lasting", "every"}
KINDS = tuple(kind.value for kind in Kind)
ACTIONS = get_args(Action)
LONGEST_SECONDS = 7 * 86_400  # a window is kept in memory


def parse(data: bytes, file: str = "anomalies.yaml") -> tuple[Watch, ...]:
    """The watches of a file. Raises PolicyInvalid with everything that is wrong in it."""
    try:
        told = yaml.safe_load(data)
    except yaml.YAMLError as error:
        raise PolicyInvalid([Problem(file, "", f"not YAML: {error}", "")]) from error
    if not isinstance(told, list):
        raise PolicyInvalid([Problem(file, "", "not a list of watches", "begin each with a dash")])
    problems = [problem for n, entry in enumerate(told) for problem in _problems(file, f"[{n}]", entry)]
    if problems:
        raise PolicyInvalid(problems)
    return tuple(Watch(**{**entry, "kind": Kind(entry["kind"])}) for entry in told)


def _problems(file: str, where: str, entry: Any) -> Iterator[Problem]:
    if not isinstance(entry, dict):
        yield Problem(file, where, "not a mapping", "write {kind: …, threshold: …}")
        return
    for name in sorted(set(map(str, entry)) - KEYS):
        yield Problem(file, f"{where}.{name}", "no such key", f"known: {', '.join(sorted(KEYS))}")
    if entry.get("kind") not in KINDS:
        yield Problem(file, f"{where}.kind", f"{entry.get('kind')!r} is no kind", f"one of {', '.join(KINDS)}")
    if entry.get("action", "record") not in ACTIONS:
        yield Problem(file, f"{where}.action", f"{entry['action']!r} is no action", f"one of {', '.join(ACTIONS)}")
    if type(entry.get("threshold")) is not int or entry["threshold"] < 1:
        yield Problem(file, f"{where}.threshold", "must be a whole number above 0", "how much is too much")
    for name in ("window", "lasting", "every"):
        value = entry.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST_SECONDS:
            yield Problem(file, f"{where}.{name}", "must be seconds, more than 0 and at most a week", "")
