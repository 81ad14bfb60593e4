"""What a check says. Which checks there are lives beside this."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """FINE and NOTE need no action; a NOTE says something worth knowing."""

    FINE = "fine"
    NOTE = "note"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `said` and `hint` are in English and Chinese."""

    subject: tuple[str, str]
    state: State
    said: tuple[str, str]
    hint: tuple[str, str] = ("", "")


def exit_code(checks: list[Check]) -> int:
    """0 fine, 1 found a problem, 2 could not tell."""
    states = {check.state for check in checks}
    if State.PROBLEM in states:
        return 1
    return 2 if State.UNKNOWN in states else 0
