"""One thing found in a text, and how overlapping finds are settled. Finds nothing itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """`start` and `end` are code points of the text that was read; `score` is 0..1; `kind` is "pii" or "secret"."""

    start: int
    end: int
    entity: str
    score: float
    rule: str
    kind: str = "pii"


def resolve(spans: Iterable[Span]) -> list[Span]:
    """The leftmost first, then the longest, the surest, the name: depends on each overlapping cluster alone."""
    kept: list[Span] = []
    end = -1
    for span in sorted(spans, key=_rank):
        if span.start >= end:
            kept.append(span)
            end = span.end
        elif span.end > end:  # a tail that sticks out must not stay readable
            kept[-1] = kept[-1]._replace(end=span.end)
            end = span.end
    return kept


def _rank(span: Span) -> tuple[int, int, float, str]:
    return (span.start, -span.end, -span.score, span.entity)
