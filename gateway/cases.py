"""Runs a policy's own cases through a gate: the same stages and rewriters as every exchange, and nothing else.

The caller of a case is taken as identified, since papers are not policy; marking is left out, since it changes no meaning.
Pure: no clock, no I/O. The gate should have a meter of its own, so that cases use up nobody's allowance.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.core.exchange import Action, Exchange, Parameters, Passage, Peer, Principal
from gateway.core.pipeline import Gate, Ruling, judge
from gateway.core.ports import Route, Wire
from gateway.core.reply import Channel
from gateway.core.stage import Stage
from gateway.core.stream import Chain
from gateway.core.verdict import Code, Finding, Refuse
from policies.cases import Case, Cases, Outcome, Side

APART_SECONDS = 3600.0  # between cases: every allowance has filled up again
PLACES = {Action.CHAT: "messages[0].content", Action.COMPLETE: "prompt"}  # where the text of a case stands


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one exchange: the outcome, the refusal's code, what was found, the text as it went on.

    `rulings` are what the request's stages said, one after the other.
    """

    outcome: Outcome
    code: str
    findings: tuple[Finding, ...]
    text: str
    rulings: tuple[Ruling, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case, what happened, and everything that is not as it says. It passed when nothing is wrong."""

    file: str
    case: Case
    seen: Seen
    wrong: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.wrong


def run(gate: Gate, cases: Cases, wire: Wire) -> list[CaseResult]:
    """Every case, in file order. `wire` knows the routes and reads whole bodies."""
    results = []
    for number, (file, case) in enumerate(cases.entries):
        seen = look(gate, case, wire, at=number * APART_SECONDS)
        results.append(CaseResult(file, case, seen, tuple(_differences(case, seen))))
    return results


def look(gate: Gate, case: Case, wire: Wire, at: float = 0.0) -> Seen:
    """What this gate does with the case, whatever the case expects. `at` is its time, in seconds."""
    exchange = exchange_of(case, wire, at)
    if isinstance(exchange, Refuse):
        return _blocked(exchange.code, exchange.findings)
    if case.stage is Side.RESPONSE:
        return _answered(gate, exchange, case.text or "")
    for _ in range(case.times - 1):
        judge(_counting(gate), exchange, _no_clock)
    return _asked(gate, exchange)


def _counting(gate: Gate) -> Iterator[Stage]:
    """The stages up to the one that counts: the others say the same every time, and may take long over it."""
    for stage in gate.stages:
        if stage.name != "identity":
            yield stage
        if stage.name == "limits":
            return


def _no_clock() -> float:
    return 0.0


def _asked(gate: Gate, exchange: Exchange) -> Seen:
    judged = judge((stage for stage in gate.stages if stage.name != "identity"), exchange, _no_clock)
    if judged.refusal is not None:
        return _blocked(judged.refusal.code, judged.findings, judged.rulings)
    before, after = _text(exchange), _text(judged.exchange)
    return Seen(Outcome.ALLOW if before == after else Outcome.REDACT, "", judged.findings, after, judged.rulings)


def _answered(gate: Gate, exchange: Exchange, text: str) -> Seen:
    rewriters = [rewriter for rewriter in gate.rewriters if rewriter.name != "marking"]
    chain = Chain([rewriter.transform(exchange, Channel()) for rewriter in rewriters])
    pieces = [chain.feed(text)]
    if pieces[0].refusal is None:
        pieces.append(chain.finish())
    findings = tuple(finding for piece in pieces for finding in piece.findings)
    refusal = next((piece.refusal for piece in pieces if piece.refusal is not None), None)
    if refusal is not None:
        return _blocked(refusal, findings)
    released = "".join(piece.text for piece in pieces)
    return Seen(Outcome.ALLOW if released == text else Outcome.REDACT, "", findings, released)


def _blocked(code: Code, findings: Iterable[Finding], rulings: tuple[Ruling, ...] = ()) -> Seen:
    return Seen(Outcome.BLOCK, code.value, tuple(findings), "", rulings)


def _text(exchange: Exchange) -> str:
    return "\n".join(passage.text for passage in exchange.passages)


def exchange_of(case: Case, wire: Wire, at: float) -> Exchange | Refuse:
    """The case as it would have come in; or what the wire refuses in its body."""
    route = next((route for route in wire.routes if route.path == case.route), None)
    if route is None:
        return Refuse(Code.ROUTE_UNKNOWN)
    blank = _blank(case, route, at)
    if case.body is not None:
        return _parsed(blank, wire, route, case.body)
    where = PLACES.get(route.action, "inputs")
    passages = () if case.text is None else (Passage(where, case.role, case.text),)
    return replace(blank, passages=passages, parameters=Parameters(**case.parameters.model_dump()))


def _blank(case: Case, route: Route, at: float) -> Exchange:
    caller = case.caller
    principal = Principal(caller.name, caller.tenant, caller.roles, caller.certificate)
    return Exchange("case", at, Peer(""), route.path, route.action, case.model, principal=principal)


def _parsed(blank: Exchange, wire: Wire, route: Route, body: str | dict[str, object]) -> Exchange | Refuse:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    ask = wire.read(route, text.encode("utf-8", "surrogatepass"))
    if isinstance(ask, Refuse):
        return ask
    return replace(
        blank,
        action=ask.action,
        model=ask.model,
        passages=ask.passages,
        parameters=ask.parameters,
        streaming=ask.streaming,
    )


def _differences(case: Case, seen: Seen) -> Iterator[str]:
    """What is not as the case says, each in words."""
    if seen.outcome is not case.expect:
        why = f" ({seen.code})" if seen.code else ""
        yield f"expected {case.expect}, got {seen.outcome}{why}"
    elif case.code and seen.code != case.code:
        yield f"expected code {case.code}, got {seen.code}"
    if case.becomes is not None and seen.text != case.becomes:
        yield f"expected the text {case.becomes!r}, got {seen.text!r}"
    for pattern in case.rules:
        if not _fired(pattern, seen.findings):
            yield f"{pattern} did not fire"
    for pattern in case.silent:
        if _fired(pattern, seen.findings):
            yield f"{pattern} fired and should not"


def _fired(pattern: str, findings: Sequence[Finding]) -> bool:
    """A rule's name, with its kind before a colon or without; either may hold `*`."""
    names = {name for finding in findings for name in (finding.rule, f"{finding.kind}:{finding.rule}")}
    return any(name == pattern or fnmatch.fnmatchcase(name, pattern) for name in names)
