"""What a panel shows, in our own words: a measure, what it is split by, and the form. How Kibana says it is `objects`' matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple


class Words(NamedTuple):
    """The same in both languages."""

    en: str
    zh: str

    def in_(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Measure:
    """A number: how it is counted, of which field, over which documents (KQL). `percentile` is for that operation."""

    name: Words
    operation: Literal["count", "unique_count", "sum", "average", "max", "percentile"] = "count"
    field: str = ""
    where: str = ""
    percentile: int = 95


@dataclass(frozen=True, slots=True)
class Split:
    """By the values of a field, the most frequent first."""

    name: Words
    field: str
    size: int = 10


Form = Literal["number", "over_time", "share", "table", "bars"]


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `over_time` splits by time first; a table may have several measures. Sizes are in Kibana's 48 columns."""

    title: Words
    form: Form
    measures: tuple[Measure, ...]
    splits: tuple[Split, ...] = ()
    where: str = ""
    width: int = 24
    height: int = 12


@dataclass(frozen=True, slots=True)
class Listing:
    """A saved search: which documents, which columns."""

    id: str
    title: Words
    where: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard. `listing` is shown at its foot."""

    id: str
    title: Words
    about: Words
    panels: tuple[Panel, ...]
    listing: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A threshold rule: so many documents of a kind by one value of `by` within `minutes`."""

    id: str
    name: Words
    about: Words
    where: str
    by: tuple[str, ...]
    threshold: int
    minutes: int
    severity: Literal["low", "medium", "high", "critical"]
