"""What is recorded of an exchange: the shapes and how they are made from the core's values. Bytes are `canonical`'s matter.

Two records an exchange: `Opened` before the model is asked, `Closed` before the last byte leaves. `Part` keeps what a
stream had shown so far, `Event` is everything else that must be known later: a start, a recovery, an erasure, an alarm.
No token, no text that redaction took out, and no text at all that redaction did not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import TypeAlias

from gateway.core.exchange import Certificate, Exchange, Parameters, Passage, Principal
from gateway.core.facts import fact
from gateway.core.pipeline import Judgement, Ruling
from gateway.core.reply import Channel, Usage
from gateway.core.verdict import Allow, Amend, Code, Finding, Refuse, Verdict

SCHEMA = 1  # of every record; a reader refuses a number it does not know


class Outcome(StrEnum):
    """How an exchange ended. `UNKNOWN` is written after a crash, for an exchange that never said."""

    ANSWERED = "answered"
    REFUSED = "refused"
    FAILED = "failed"
    ABORTED = "aborted"
    UNKNOWN = "unknown"


@fact(frozen=True, slots=True)
class Text:
    """One passage as inspected. `length` counts code points; `text` is empty once withheld or erased."""

    where: str
    role: str
    kind: str
    length: int
    text: str = ""


@fact(frozen=True, slots=True)
class Decision:
    """What one stage said: "allow", "amend" or "refuse", why, and how long it took in microseconds."""

    stage: str
    decision: str
    code: str = ""
    findings: tuple[Finding, ...] = ()
    fault: str = ""
    micros: int = 0


@fact(frozen=True, slots=True)
class Answer:
    """Text of one reply channel as it was released to the client. `length` counts code points."""

    channel: str
    length: int
    text: str = ""


@fact(frozen=True, slots=True)
class Opened:
    """A request, its caller and what was decided. `at` is Unix milliseconds; `code` is empty unless refused.

    `withheld` says that the texts were not kept because redaction never saw them. `sealed` holds the original texts
    under a key of their own, where policy keeps those (see `vault`).
    """

    id: str
    at: int
    tenant: str
    user: str
    roles: tuple[str, ...]
    method: str
    certificate: str
    thumbprint: str
    address: str
    tls: tuple[tuple[str, str], ...]
    route: str
    action: str
    model: str
    backend: str
    streaming: bool
    passages: tuple[Text, ...]
    withheld: bool
    parameters: Parameters
    rulings: tuple[Decision, ...]
    code: str
    detail: str
    policy: str
    mark: int
    notes: tuple[str, ...]
    sealed: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple([finding for ruling in self.rulings for finding in ruling.findings])


@fact(frozen=True, slots=True)
class Closed:
    """How it ended and what the caller got. `timings` are named microseconds; `mark` is 0 when nothing was marked.

    `sealed` holds the answer as the model wrote it, where policy keeps originals.
    """

    id: str
    at: int
    tenant: str
    user: str
    outcome: Outcome
    code: str
    answers: tuple[Answer, ...]
    findings: tuple[Finding, ...]
    usage: Usage | None
    timings: tuple[tuple[str, int], ...]
    mark: int
    fault: str = ""
    sealed: str = ""


@fact(frozen=True, slots=True)
class Part:
    """What a stream released since its last `Part`, so that a crash leaves what the caller had seen."""

    id: str
    at: int
    tenant: str
    user: str
    answers: tuple[Answer, ...]
    sealed: str = ""


@fact(frozen=True, slots=True)
class Event:
    """Something that is not an exchange. `kind` is a dotted word, `actor` who did it, `subject` to whom or to what."""

    kind: str
    at: int
    actor: str = ""
    tenant: str = ""
    subject: str = ""
    facts: tuple[tuple[str, str], ...] = ()


_OUTCOMES: dict[str, Outcome] = {outcome: outcome for outcome in Outcome}
_WORDS: dict[type[Verdict], str] = {Allow: "allow", Amend: "amend", Refuse: "refuse"}
_NOBODY = Principal("", "", (), "", "")
_NO_CERTIFICATE = Certificate("")

Record: TypeAlias = Opened | Closed | Part | Event


def opened(
    exchange: Exchange,
    judgement: Judgement,
    digest: str,
    at: float,
    *,
    tls: Mapping[str, str] | None = None,
    redacted: Iterable[Passage] | None = None,
    sealed: str = "",
) -> Opened:
    """The record of a judged request. `at` is Unix seconds, `digest` the policy's.

    Texts are those of `judgement.exchange`, and are kept only where the redacting stage ruled and let them pass.
    A caller that redacted the passages of a refused exchange itself hands them in as `redacted`.
    """
    judged, refusal = judgement.exchange, judgement.refusal
    who, certificate = judged.principal or _NOBODY, exchange.peer.certificate or _NO_CERTIFICATE
    kept = redacted is not None or _was_redacted(judgement)
    return Opened(
        id=exchange.id,
        at=millis(at),
        tenant=who.tenant,
        user=who.name,
        roles=who.roles,
        method=who.method,
        certificate=who.certificate or certificate.common_name,
        thumbprint=certificate.thumbprint,
        address=exchange.peer.address,
        tls=tuple(sorted(tls.items())) if tls else exchange.peer.tls,
        route=judged.route,
        action=str(judged.action),
        model=judged.model,
        backend=judged.backend,
        streaming=judged.streaming,
        passages=_texts(judged.passages if redacted is None else redacted, kept),
        withheld=not kept,
        parameters=judged.parameters,
        rulings=_decisions(judgement.rulings),
        code=str(refusal.code) if refusal else "",
        detail=refusal.detail if refusal else "",
        policy=digest,
        mark=judged.mark,
        notes=judged.notes,
        sealed=sealed,
    )


def closed(
    exchange: Exchange,
    at: float,
    outcome: Outcome | str,
    code: Code | str | None = None,
    answers: Mapping[Channel, str] | Mapping[str, str] | None = None,
    findings: Iterable[Finding] = (),
    usage: Usage | None = None,
    timings: Mapping[str, float] | None = None,
    mark: int | None = None,
    fault: str = "",
    sealed: str = "",
) -> Closed:
    """The end of an exchange. `answers` are the released texts (`Inspection.released`); `timings` are in seconds.

    `mark` defaults to the exchange's own; hand in 0 when nothing was marked.
    """
    who = exchange.principal
    return Closed(
        id=exchange.id,
        at=millis(at),
        tenant=who.tenant if who else "",
        user=who.name if who else "",
        outcome=_OUTCOMES[outcome],
        code=str(code or ""),
        answers=_answers(answers),
        findings=tuple(map(in_thousandths, findings)),
        usage=usage,
        timings=tuple(sorted([(name, round(seconds * 1e6)) for name, seconds in timings.items()])) if timings else (),
        mark=exchange.mark if mark is None else mark,
        fault=fault,
        sealed=sealed,
    )


def part(exchange: Exchange, at: float, answers: Mapping[Channel, str] | Mapping[str, str]) -> Part:
    """More of a stream's released text. `at` is Unix seconds."""
    who = exchange.principal
    return Part(exchange.id, millis(at), who.tenant if who else "", who.name if who else "", _answers(answers))


def event(
    kind: str,
    at: float,
    facts: Mapping[str, object] | None = None,
    *,
    actor: str = "",
    tenant: str = "",
    subject: str = "",
    **more: object,
) -> Event:
    """Anything else worth keeping. Facts are short words and numbers, never content. `at` is Unix seconds."""
    told = tuple(sorted((name, str(value)) for name, value in {**(facts or {}), **more}.items()))
    return Event(kind, millis(at), actor, tenant, subject, told)


def millis(seconds: float) -> int:
    """Unix seconds as whole milliseconds: records hold no floats, whose text differs between writers."""
    return round(seconds * 1000)


def in_thousandths(finding: Finding) -> Finding:
    """The finding with its score in whole thousandths, as the record keeps it."""
    if finding.score == 1.0 or finding.score == 0.0:
        return finding
    return replace(finding, score=round(finding.score * 1000) / 1000)


def _was_redacted(judgement: Judgement) -> bool:
    return any(r.stage == "pii" and not isinstance(r.verdict, Refuse) for r in judgement.rulings)


def _texts(passages: Iterable[Passage], kept: bool) -> tuple[Text, ...]:
    return tuple([Text(p.where, p.role, str(p.kind), len(p.text), p.text if kept else "") for p in passages])


def _answers(answers: Mapping[Channel, str] | Mapping[str, str] | None) -> tuple[Answer, ...]:
    if not answers:
        return ()
    return tuple([Answer(str(channel), len(text), text) for channel, text in answers.items()])


def _decisions(rulings: Iterable[Ruling]) -> tuple[Decision, ...]:
    told: list[Decision] = []
    for ruling in rulings:
        verdict, micros = ruling.verdict, round(ruling.seconds * 1e6)
        code = str(verdict.code) if isinstance(verdict, Refuse) else ""
        findings = tuple(map(in_thousandths, verdict.findings))
        told.append(Decision(ruling.stage, _WORDS[type(verdict)], code, findings, ruling.fault, micros))
    return tuple(told)
