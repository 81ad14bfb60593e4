"""What was seen in one channel: findings with places in the text that came, and whether the answer must be refused."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.core.verdict import Finding
from gateway.stages.output.lexer import End, Match
from policies.output import Effect, OutputRule, matches


def canary(word: str, effect: Effect) -> OutputRule:
    """A rule for a word that nobody says by chance."""
    pattern = "".join(re.escape(letter) for letter in word)
    return OutputRule.model_construct(
        id="OUT-903", family="canary", any=(pattern,), case=False, effect=effect, entropy=0.0, placeholders=(),
        replacement="", except_roles=(),
    )  # fmt: skip


class Watch:
    """One channel's findings. `rules` are those of the grammar's patterns, None where the caller may see the match."""

    __slots__ = ("_moved", "_rules", "_shadow", "_where", "findings", "refused")

    def __init__(self, rules: Sequence[OutputRule | None], where: str, *, shadow: bool) -> None:
        self._rules, self._where, self._shadow = rules, where, shadow
        self.findings: list[Finding] = []
        self._moved: list[tuple[int, int]] = []  # from this place of the rewritten text on, so far from the original
        self.refused = False

    def found(self, match: Match) -> str | type[End] | None:
        """A pattern's match, and what stands in its place."""
        rule = self._rules[match.number]
        if rule is None or not matches(rule, match.text):
            return None
        self._tell(rule.id, rule.family, match.start, match.start + len(match.text))
        if rule.effect is Effect.NOTE or self._shadow:
            return match.text
        if rule.effect is Effect.REDACT:
            self._move(match, rule.replacement)
            return rule.replacement
        self.refused = rule.effect is Effect.BLOCK
        return End

    def later(self, rule: str, family: str, start: int, end: int) -> None:
        """Something seen in the text as the words left it."""
        self._tell(rule, family, self._original(start), self._original(end))

    def _original(self, place: int) -> int:
        """A place of the rewritten text, in the text that came."""
        return place + next((moved for since, moved in reversed(self._moved) if since <= place), 0)

    def recited(self, effect: Effect) -> None:
        self._tell("OUT-904", "system-prompt", 0, 0)
        self.refused = self.refused or (effect is Effect.BLOCK and not self._shadow)

    def mistyped(self, wrong: str, length: int) -> None:
        self._tell("OUT-905", f"tool-{wrong}", 0, length)
        self.refused = not self._shadow

    def take(self) -> tuple[Finding, ...]:
        findings, self.findings = tuple(self.findings), []
        return findings

    def _tell(self, rule: str, family: str, start: int, end: int) -> None:
        kind = "output.shadow" if self._shadow else "output"
        self.findings.append(Finding(kind, rule, self._where, start, end, 1.0, family))

    def _move(self, match: Match, replacement: str) -> None:
        before = self._moved[-1][1] if self._moved else 0
        by = before + len(match.text) - len(replacement)
        self._moved.append((match.start + len(match.text) - by, by))
