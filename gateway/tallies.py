"""Counting at the price of an addition, to be handed on in bulk. What is counted, and how it is told, is `observe`'s matter.

The metrics library takes a lock and four calls for each value: sixty calls for an exchange, which are of use only when
somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

Name = TypeVar("Name")


class Durations:
    """How many took how long, by upper bounds in seconds; the last count is of those above them all."""

    __slots__ = ("_bounds", "_counts", "_seconds")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts, self._seconds = [0] * (len(bounds) + 1), 0.0

    def add(self, seconds: float) -> None:
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._seconds += seconds

    def __bool__(self) -> bool:
        """Was anything counted since they were last taken?"""
        return any(self._counts)

    def take(self) -> tuple[list[int], float]:
        """The counts and the sum since they were last taken."""
        taken = self._counts, self._seconds
        self._counts, self._seconds = [0] * len(self._counts), 0.0
        return taken


class Counts(Generic[Name]):
    """How often each of a closed set of things was met."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[Name, int] = {}

    def add(self, name: Name, amount: int = 1) -> None:
        self._counts[name] = self._counts.get(name, 0) + amount

    def take(self) -> Iterator[tuple[Name, int]]:
        """What was counted since it was last taken."""
        taken, self._counts = self._counts, {}
        return iter(taken.items())
