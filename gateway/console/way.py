"""The way of one exchange, stop by stop, from the one ORDER: what each was asked and what it said. Judges nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gateway.audit.record import Closed, Decision, Opened, Outcome
from gateway.core.pipeline import REQUEST_ORDER, RESPONSE_ORDER, Ruling, Step
from gateway.core.verdict import Amend, Code, Finding, Refuse

_STATE = {"allow": "passed", "amend": "changed", "refuse": "refused"}
_MEANT = {"identity": "identified", "routing": "routed"}  # what it is to be amended by those who always amend


@dataclass(frozen=True, slots=True)
class Stop:
    """One step of the way and what came of it: `state` is a word of the console's."""

    step: Step
    state: str
    code: str = ""
    findings: tuple[Finding, ...] = ()
    fault: str = ""
    micros: int | None = None


def asked(decisions: Sequence[Decision], given: Iterable[str] = ()) -> list[Stop]:
    """The stops of a request. Those `given` are taken as passed, since nobody asked them."""
    said = {decision.stage: decision for decision in decisions}
    skipped = frozenset(given)
    return [_asked(step, said.get(step.name), step.name in skipped) for step in REQUEST_ORDER]


def _asked(step: Step, said: Decision | None, given: bool) -> Stop:
    if said is None:
        return Stop(step, "given" if given else "unreached")
    state = "failed" if said.fault else _STATE[said.decision]
    state = _MEANT.get(step.name, state) if state == "changed" else state
    return Stop(step, state, said.code, said.findings, said.fault, said.micros)


def answered(
    findings: Iterable[Finding], code: str, *, reached: bool, marked: bool | None, fault: str = ""
) -> list[Stop]:
    """The stops of an answer, from what was found in it and the code that stopped it. `marked` None: marking was left out."""
    if not reached:
        return [Stop(step, "unreached") for step in RESPONSE_ORDER]
    found = tuple(findings)
    return [
        _marked(step, marked) if step.name == "marking" else _answered(step, found, code, fault)
        for step in RESPONSE_ORDER
    ]


def _marked(step: Step, marked: bool | None) -> Stop:
    return Stop(step, "left_out" if marked is None else "marked" if marked else "unmarked")


def _answered(step: Step, findings: tuple[Finding, ...], code: str, fault: str) -> Stop:
    own = tuple(finding for finding in findings if step_of(finding) == step.name)
    if code and code == _STOPS.get(step.name):
        return Stop(step, "refused", code, own, fault)
    return Stop(step, "found" if own else "passed", findings=own)


_STOPS = {"pii": Code.PERSONAL_DATA_BLOCKED.value, "output": Code.OUTPUT_BLOCKED.value}


def step_of(finding: Finding) -> str:
    """Which of the answer's steps made a finding."""
    return "output" if finding.kind.startswith("output") else "pii"


def of_record(opened: Opened, closed: Closed | None) -> tuple[list[Stop], list[Stop]]:
    """Both halves of the way of a recorded exchange."""
    reached = closed is not None and (closed.outcome is Outcome.ANSWERED or bool(closed.answers or closed.findings))
    if closed is None:
        return asked(opened.rulings), answered((), "", reached=False, marked=False)
    marked = bool(closed.answers) and closed.mark != 0
    back = answered(closed.findings, closed.code, reached=reached, marked=marked, fault=closed.fault)
    return asked(opened.rulings), back


def of_rulings(rulings: Iterable[Ruling]) -> list[Stop]:
    """The request's half for a text that was tried: its caller is taken as identified."""
    return asked(list(_decisions(rulings)), given=("identity",))


def _decisions(rulings: Iterable[Ruling]) -> Iterator[Decision]:
    for ruling in rulings:
        verdict = ruling.verdict
        word = {Refuse: "refuse", Amend: "amend"}.get(type(verdict), "allow")
        code = str(verdict.code) if isinstance(verdict, Refuse) else ""
        yield Decision(ruling.stage, word, code, verdict.findings, ruling.fault, round(ruling.seconds * 1e6))
