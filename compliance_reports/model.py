"""The nouns of a report: what was measured, what a framework asks, and what came of putting one to the other.

Values only. Measuring lives in `evidence`, comparing in `judging`, showing in `render`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What the evidence says of one clause. Nobody's conformity is declared: that is for people to conclude."""

    SATISFIED = "satisfied"
    NOT_SATISFIED = "not-satisfied"
    NOT_EVALUATED = "not-evaluated"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Words:
    """The same sentence twice."""

    en: str
    zh: str

    def say(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


NOTHING = Words("", "")


@dataclass(frozen=True, slots=True)
class Period:
    """The span a report covers, in Unix milliseconds; `until` is left out."""

    since: int
    until: int

    @property
    def empty(self) -> bool:
        """No period was asked for, and there was no record to take one from."""
        return self.until <= 1

    @property
    def days(self) -> float:
        return (self.until - self.since) / 86_400_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One record as an example: where it stands, its exchange if it has one, and what it shows."""

    origin: str
    seq: int
    exchange: str = ""
    note: str = ""

    @property
    def place(self) -> str:
        return f"{self.origin}:{self.seq}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured. `of` is what it was counted among (-1: nothing); `why` says why there is no value, if there is none.

    `query` asks the record for what was counted, `gap` says what this does not cover. `excuse` says why missing a bound
    would not be a finding yet: a log that began last week cannot be half a year old.
    """

    value: float = 0
    of: int = -1
    samples: tuple[Sample, ...] = ()
    query: str = ""
    gap: Words = NOTHING
    why: Words = NOTHING
    excuse: Words = NOTHING

    @property
    def known(self) -> bool:
        return not self.why.en


@dataclass(frozen=True, slots=True)
class Bound:
    """What a clause wants of a figure. At most one of the two is set."""

    at_most: float | None = None
    at_least: float | None = None

    def holds(self, value: float) -> bool:
        if self.at_most is not None and value > self.at_most:
            return False
        return self.at_least is None or value >= self.at_least

    def __str__(self) -> str:
        if self.at_most is not None:
            return f"≤ {number(self.at_most)}"
        return f"≥ {number(self.at_least)}" if self.at_least is not None else ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A figure by its name, and its bound; an unbounded one only informs."""

    figure: str
    bound: Bound


@dataclass(frozen=True, slots=True)
class Clause:
    """One requirement in our own words, and the figures that speak to it. `manual` is what no record can show."""

    id: str
    title: Words
    asks: Words
    wanted: tuple[Wanted, ...]
    manual: Words
    checked: bool


@dataclass(frozen=True, slots=True)
class Framework:
    """A set of requirements. `source` is where its text is, `checked` who compared ours with it and when, or empty."""

    id: str
    title: Words
    version: str
    source: str
    checked: str
    note: Words
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Test:
    """One figure held against its bound."""

    wanted: Wanted
    figure: Figure
    verdict: Verdict
    why: Words = NOTHING


@dataclass(frozen=True, slots=True)
class Result:
    """A clause and what its figures say of it."""

    clause: Clause
    verdict: Verdict
    why: Words
    tests: tuple[Test, ...]


def number(value: float) -> str:
    """A figure as people write it: whole when whole, else two decimals."""
    return f"{int(value):,}" if value == int(value) else f"{value:,.2f}"
