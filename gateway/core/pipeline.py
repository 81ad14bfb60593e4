"""The one order of stages, and how a request is judged. `serve`, `inspect`, `policy explain` and the docs all read it here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import assert_never

from gateway.core.exchange import Exchange, Passage
from gateway.core.facts import fact
from gateway.core.reply import Label
from gateway.core.stage import Rewriter, Stage
from gateway.core.verdict import Allow, Amend, Code, Finding, Refuse, Verdict


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way, and the question it answers."""

    name: str
    question: str
    question_zh: str


REQUEST_ORDER: tuple[Step, ...] = (  # cheap before dear: strangers never reach the language models
    Step("identity", "who is it?", "来者是谁？"),
    Step("access", "may they?", "是否允许？"),
    Step("limits", "is it within bounds?", "是否在限额之内？"),
    Step("waf", "is it an attack?", "是否为攻击？"),
    Step("pii", "does it carry personal data?", "是否含个人信息？"),
    Step("routing", "which model answers?", "由哪个模型回答？"),
)

RESPONSE_ORDER: tuple[Step, ...] = (
    Step("pii", "does the answer carry personal data?", "回答是否含个人信息？"),
    Step("output", "must something not leave?", "是否有不可外泄的内容？"),
    Step("marking", "how will a leak be traced?", "泄露后如何溯源？"),
)

ORDER: tuple[Step, ...] = (*REQUEST_ORDER, *RESPONSE_ORDER)


@fact(frozen=True, slots=True)
class Ruling:
    """What one stage said. `seconds` is how long it took; `fault` names the error of a stage that failed."""

    stage: str
    verdict: Verdict
    seconds: float = 0.0
    fault: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.verdict.findings


@fact(frozen=True, slots=True)
class Judgement:
    """The exchange as the stages left it, what each of them said, and the refusal if there was one."""

    exchange: Exchange
    rulings: tuple[Ruling, ...] = ()
    refusal: Refuse | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple([finding for ruling in self.rulings for finding in ruling.verdict.findings])


@dataclass(frozen=True, slots=True)
class Gate:
    """One policy, ready to use: request stages and reply rewriters in order, and the digest of what they enforce."""

    stages: tuple[Stage, ...]
    rewriters: tuple[Rewriter, ...]
    digest: str
    label: Callable[[Exchange], Label | None] | None = None  # what an answer is labelled with; None: nothing, nobody's
    slow: bool = False  # some stage may take longer than an event loop should wait: judge in a thread, with a deadline
    waits: Callable[[Exchange], bool] | None = None  # as `slow`, for this exchange; None: for none
    slow_replies: bool = False  # some rewriter may: inspect replies in a thread, with a deadline
    keeps: Callable[[str, tuple[str, ...]], bool] | None = (
        None  # whose originals are kept (tenant, roles); None: nobody's
    )

    def __post_init__(self) -> None:
        _must_follow(REQUEST_ORDER, [stage.name for stage in self.stages])
        _must_follow(RESPONSE_ORDER, [rewriter.name for rewriter in self.rewriters])


def judge(stages: Iterable[Stage], exchange: Exchange, tick: Callable[[], float]) -> Judgement:
    """Ask each stage in turn until one refuses. `tick` reads a clock in seconds."""
    rulings: list[Ruling] = []
    began = tick()
    for stage in stages:
        verdict, fault = _ask(stage, exchange)
        ended = tick()
        rulings.append(Ruling(stage.name, verdict, ended - began, fault))
        began = ended
        match verdict:
            case Refuse():
                return Judgement(exchange, tuple(rulings), verdict)
            case Amend(exchange=amended):
                exchange = amended
            case Allow():
                pass
            case _:
                assert_never(verdict)
    return Judgement(exchange, tuple(rulings))


def redacted(gate: Gate, judgement: Judgement, tick: Callable[[], float]) -> tuple[Passage, ...] | None:
    """The passages as the record may keep them, or None where nobody could redact them.

    A refusal may come before the personal-data stage; its text is redacted for the record alone. Strangers' texts
    are not kept, and neither is what the stage itself refused or failed on.
    """
    exchange, refusal = judgement.exchange, judgement.refusal
    if _passed(judgement, "pii"):
        return exchange.passages
    if exchange.principal is None or refusal is None or refusal.code in _UNREADABLE:
        return None
    redaction = judge([stage for stage in gate.stages if stage.name == "pii"], exchange, tick)
    return None if redaction.refusal is not None else redaction.exchange.passages


_VERDICTS = (Allow, Amend, Refuse)
_UNREADABLE = frozenset({Code.STAGE_FAILED, Code.STAGE_TIMEOUT})


def _passed(judgement: Judgement, name: str) -> bool:
    for ruling in judgement.rulings:
        if ruling.stage == name:
            return not isinstance(ruling.verdict, Refuse)
    return False


def _ask(stage: Stage, exchange: Exchange) -> tuple[Verdict, str]:
    """Fail shut, in one place: a stage that raises, or answers with anything but a verdict, refuses."""
    try:
        verdict: object = stage.judge(exchange)
    except Exception as error:
        return Refuse(Code.STAGE_FAILED), fault_of(error)
    if not isinstance(verdict, _VERDICTS):
        return Refuse(Code.STAGE_FAILED), f"{type(verdict).__name__} is not a verdict"
    return verdict, ""


def fault_of(error: BaseException) -> str:
    """The error's type and where it was raised: enough to find it, without the message, which may quote content."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{place}"


def _must_follow(order: tuple[Step, ...], names: list[str]) -> None:
    wanted = [step.name for step in order]
    if names != wanted:
        raise ValueError(f"stages must be {wanted}, not {names}")
