"""What is seen of one text, added up by layer and family, against the bands of policy. Looks at nothing itself."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.exchange import Passage
from gateway.core.verdict import Code, Finding
from gateway.stages.waf.seen import Context, Seen, finding
from policies.waf import BUILT_IN
from policies.waf_settings import Layer


class Score:
    """Points by layer and family: the most of each family counts, so that six synonyms in a sentence are one thing seen."""

    def __init__(self, passage: Passage, context: Context, weight: float) -> None:
        self.passage, self.context, self._weight = passage, context, weight
        self.findings: list[Finding] = []
        self.calm = 0.0  # points taken off: the text looks harmless wherever one looks
        self._points: dict[tuple[Layer, str], float] = {}

    def add(
        self,
        rule: str,
        family: str,
        layer: Layer,
        points: float,
        span: tuple[int, int],
        *,
        decides: bool,
        how: str = "",
    ) -> None:
        points *= self._weight
        share = points / self.context.band(layer)
        self.findings.append(finding(rule, family, self.passage, span, share, decides=decides, how=how))
        if decides:
            self._points[layer, family] = max(self._points.get((layer, family), 0.0), points)

    def built_in(self, rule: str, points: float, span: tuple[int, int]) -> None:
        if points > 0:
            decides = not self.context.is_excluded(rule, self.passage.where)
            self.add(rule, BUILT_IN[rule], Layer.LANGUAGE, points, span, decides=decides)

    @property
    def families(self) -> set[str]:
        return {family for _, family in self._points}

    def beside(self, layer: Layer, rule: str, points: float) -> None:
        """A finding that is told already counts in another layer too."""
        if points > 0 and not self.context.is_excluded(rule, self.passage.where):
            self._points[layer, BUILT_IN[rule]] = points * self._weight

    def refused(self) -> str:
        """The family that weighs most in a layer over its band, or nothing."""
        for layer in (Layer.LANGUAGE, Layer.AGENTIC):
            points = {family: points for (one, family), points in self._points.items() if one is layer}
            if points and sum(points.values()) - self.calm >= self.context.band(layer):
                return max(points, key=lambda family: points[family])
        return ""


@dataclass(frozen=True, slots=True)
class Open:
    """A passage that was not refused, with its points so far; and the name it may be remembered by."""

    score: Score
    name: bytes

    def with_points(self, points: float) -> Seen:
        """What the outside classifier's word makes of it."""
        before = len(self.score.findings)
        self.score.built_in("GW-407", points, (0, len(self.score.passage.text)))
        found, refused = tuple(self.score.findings[before:]), self.score.refused()
        return Seen(found, Code.PROMPT_INJECTION, f"looks like {refused}") if refused else Seen(found)
