"""A whole report as one value: what it is about, what came out, and what a reader needs to check it. Showing it is `render`'s matter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from compliance_reports import judging, privilege
from compliance_reports.evidence import catalogue
from compliance_reports.facts import Facts
from compliance_reports.model import Figure, Framework, Result, Sample, Verdict
from compliance_reports.privilege import Usage

Drifted = tuple[str, Verdict | None, Verdict | None]
"""A clause, its verdict in the earlier report and in this one; None where it was not there."""


@dataclass(frozen=True, slots=True)
class Report:
    """One framework, one period, one record."""

    framework: Framework
    results: tuple[Result, ...]
    figures: Mapping[str, Figure]
    facts: Facts
    usage: Usage
    generator: str
    proofs: Mapping[str, str]  # place → proof
    drift: tuple[Drifted, ...] | None = None  # None: there was nothing to compare with

    @property
    def counts(self) -> dict[Verdict, int]:
        return judging.counts(self.results)

    @property
    def trusted(self) -> bool:
        return self.facts.around.verification.trusted and not self.facts.fault

    @property
    def used(self) -> tuple[str, ...]:
        """The figures that some clause wants, in the catalogue's order."""
        wanted = {one.figure for clause in self.framework.clauses for one in clause.wanted}
        return tuple(name for name in catalogue.MEASURES if name in wanted)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Every record shown as an example, once, in the order of the log."""
        return _once(self.figures[name] for name in self.used)


def compared(made: Report, before: Mapping[str, Verdict]) -> Report:
    """The report with what changed since an earlier one, whose verdicts are given by clause."""
    now = {result.clause.id: result.verdict for result in made.results}
    ids = [*now, *sorted(before.keys() - now.keys())]
    changed = tuple((id_, before.get(id_), now.get(id_)) for id_ in ids if before.get(id_) is not now.get(id_))
    return replace(made, drift=changed)


@dataclass(frozen=True, slots=True)
class Measured:
    """Facts and every figure of them: computed once, however many frameworks are reported on."""

    facts: Facts
    figures: Mapping[str, Figure]
    usage: Usage

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Every record that any report may show as an example."""
        return _once(self.figures.values())


def measured(facts: Facts) -> Measured:
    return Measured(facts, catalogue.measure(facts), privilege.usage(facts))


def report(
    framework: Framework, found: Measured, generator: str, proofs: Mapping[str, str] = MappingProxyType({})
) -> Report:
    """The report on one framework. `proofs` are inclusion proofs as JSON text, by place, of the records that have one."""
    results = judging.judged(framework, found.figures, found.facts)
    made = Report(framework, results, found.figures, found.facts, found.usage, generator, {})
    return replace(made, proofs={one.place: proofs[one.place] for one in made.samples if one.place in proofs})


def _once(figures: Iterable[Figure]) -> tuple[Sample, ...]:
    found = {one.place: one for figure in figures for one in figure.samples if one.seq >= 0}
    return tuple(sorted(found.values(), key=lambda one: (one.origin, one.seq)))
