"""How figures are put together: counts, samples, and the query a reader runs to count again. What is counted is each figure's own."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from compliance_reports.facts import Facts, Passed, Told
from compliance_reports.model import NOTHING, Figure, Sample, Words

# jq: exchanges by id, once by how they began and once by how they ended
BY_ID = (
    '(map(select(.record == "opened") | {(.id): .}) | add // {}) as $o'
    ' | (map(select(.record == "closed") | {(.id): .}) | add // {}) as $c | '
)
BOTH = ("--kind opened", "--kind closed")

SAMPLES = 5  # records shown of each figure: enough to look at, few enough to look at all

ASKED = frozenset({"chat", "complete", "generate"})  # actions in which a model writes


def let_in(facts: Facts) -> list[Passed]:
    """Exchanges that passed every check and went on to a model."""
    return [one for one in facts.passed if one.let_in]


def answered(facts: Facts) -> list[Passed]:
    """Exchanges with text in the answer."""
    return [one for one in facts.passed if one.answered > 0]


def told(facts: Facts, *kinds: str) -> list[Told]:
    """Events of these kinds; one that ends in a dot means all that begin so."""
    return [one for one in facts.events if one.event.kind.startswith(kinds)]


def of(
    found: Sequence[Passed | Told | Sample], among: int, query: str, gap: Words = NOTHING, excuse: Words = NOTHING
) -> Figure:
    """How many were found among how many."""
    return Figure(len(found), among, samples(found), query, gap, excuse=excuse)


def share(
    found: Sequence[Passed | Told | Sample], among: int, query: str, gap: Words = NOTHING, excuse: Words = NOTHING
) -> Figure:
    """As `of`, where nothing can be said when there was nothing to look at."""
    if not among:
        return unknown("nothing of the kind happened in the period", "期间内没有此类情形", query, gap)
    return of(found, among, query, gap, excuse)


def unknown(en: str, zh: str, query: str = "", gap: Words = NOTHING) -> Figure:
    """No figure, and why."""
    return Figure(why=Words(en, zh), query=query, gap=gap)


def samples(found: Iterable[Passed | Told | Sample]) -> tuple[Sample, ...]:
    """The first few, in order of time."""
    shown: list[Sample] = []
    for one in found:
        shown.append(one if isinstance(one, Sample) else one.sample)
        if len(shown) == SAMPLES:
            break
    return tuple(shown)


def ask(facts: Facts, *words: str, select: str = "", join: str = "") -> str:
    """The command that lists what was counted. `select` is a jq condition on each record, `join` a jq program on all of them."""
    since, until = iso(facts.period.since), iso(facts.period.until)
    where = shlex.quote(facts.around.directory)
    command = f"hangu audit query {where} --format json --from {since} --to {until}"
    command = " ".join([command, *words])
    if join:
        return f"{command} | jq -cs {shlex.quote(join)}"
    return f"{command} | jq -c {shlex.quote(f'select({select})')}" if select else command


def iso(at: int) -> str:
    """Unix milliseconds as people write them, in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day(at: int) -> str:
    return iso(at)[:10]
