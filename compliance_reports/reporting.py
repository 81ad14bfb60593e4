"""A whole report as one value: what it is about, what came out, and what a reader needs to check it. Showing it is `render`'s matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from compliance_reports import judging, privilege
from compliance_reports.evidence import catalogue
from compliance_reports.facts import Facts
from compliance_reports.model import Figure, Framework, Result, Sample, Verdict
from compliance_reports.privilege import Usage

Prove = Callable[[Sequence[Sample]], Mapping[str, str]]
"""Samples → an inclusion proof as JSON text by place, for those that can be proven."""


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
        found = {one.place: one for name in self.used for one in self.figures[name].samples if one.seq >= 0}
        return tuple(sorted(found.values(), key=lambda one: (one.origin, one.seq)))


@dataclass(frozen=True, slots=True)
class Measured:
    """Facts and every figure of them: computed once, however many frameworks are reported on."""

    facts: Facts
    figures: Mapping[str, Figure]
    usage: Usage


def measured(facts: Facts) -> Measured:
    return Measured(facts, catalogue.measure(facts), privilege.usage(facts))


def report(framework: Framework, found: Measured, generator: str, prove: Prove | None = None) -> Report:
    """The report on one framework. `prove` is asked once, for every sample record."""
    results = judging.judged(framework, found.figures, found.facts)
    bare = Report(framework, results, found.figures, found.facts, found.usage, generator, {})
    if prove is None:
        return bare
    return replace(bare, proofs=prove(bare.samples))
