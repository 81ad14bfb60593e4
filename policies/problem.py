"""What is wrong with a policy file, and where. The words only; finding the problems is each section's own matter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. `file` is relative to the policies directory; `where` is a key path, a line, or both."""

    file: str
    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}: {self.where}" if self.where else self.file
        hint = f"; hint: {self.hint}" if self.hint else ""
        return f"{place}: {self.what}{hint}"


class PolicyInvalid(Exception):
    """A policy cannot be used. Carries every problem found, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)
