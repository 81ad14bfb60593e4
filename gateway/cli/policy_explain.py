"""`hangu policy explain DIR FILE`: one request through the gate, told stage by stage, with the rule that decides and its place.

FILE is a text, a request body, `{"route": …, "body": …}`, or a refusal that a caller got. Judges through the same gate
as every exchange; shows no more than it decides.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from gateway import cases
from gateway.cases import Seen
from gateway.cli import policy_candidate, policy_request, policy_verdict
from gateway.cli.policy_candidate import Candidate
from gateway.cli.words import language, say
from gateway.core.exchange import Exchange, Principal
from gateway.core.meanings import meaning
from gateway.core.pipeline import REQUEST_ORDER, RESPONSE_ORDER, Ruling, Step, judge
from gateway.core.verdict import Amend, Code, Finding, Refuse
from policies.cases import Case, Outcome, Side

FINE, FOUND = 0, 1


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help=say("site, or policies", "站点或策略目录"))
    parser.add_argument(
        "file",
        metavar="FILE",
        help=say("text, request body or refusal; - reads it", "文本、请求体或拒绝；- 表示标准输入"),
    )
    parser.add_argument("--caller", default="analyst", help=say("who asks", "谁在请求"))
    parser.add_argument("--tenant", help=say("the caller's tenant", "调用方的租户"))
    parser.add_argument(
        "--role", action="append", help=say("a role of the caller (repeatable)", "调用方的角色（可重复）")
    )
    parser.add_argument("--route", help=say("the route, where the file does not tell", "路由（文件未说明时）"))
    parser.add_argument("--stage", choices=[side.value for side in Side], default=Side.REQUEST.value)
    parser.set_defaults(task=explain)


def explain(args: argparse.Namespace) -> int:
    content = policy_request.read(args.file)
    code = policy_request.refusal_in(content)
    if code is not None:
        return _refusal(args.directory, code, policy_request.reference_in(content))
    lines, outcome = told(policy_candidate.load(args.directory), policy_request.case_of(args, content))
    print("\n".join(lines))
    return FOUND if outcome is Outcome.BLOCK else FINE


def _refusal(directory: Path, code: Code, exchange: str) -> int:
    """What a refusal's code means; and, where it names a recorded exchange, the verdict of the attack stage on it."""
    print(f"{code}: {meaning(code, language())}")
    verdict = _resolved(directory, exchange) if exchange else None
    if verdict is None:
        print(
            say(
                "the record tells why: hangu audit query DIR --exchange ID",
                "原因见审计记录：hangu audit query DIR --exchange ID",
            )
        )
        return FINE
    print(json.dumps(verdict, ensure_ascii=False, indent=1))
    return FINE


def _resolved(directory: Path, exchange: str) -> dict[str, object] | None:
    candidate = policy_candidate.load(directory)
    audit = Path(candidate.site.audit.directory) if candidate.site else None
    return policy_verdict.reference(candidate.bundle, audit, exchange) if audit else None


def told(candidate: Candidate, case: Case) -> tuple[list[str], Outcome]:
    """What becomes of a request or a reply, line by line in the reader's language, and the outcome."""
    if case.stage is Side.REQUEST:
        return _request(candidate, case)
    seen = cases.look(candidate.gate, case, candidate.wire)
    return _reply(candidate, seen), seen.outcome


def _request(candidate: Candidate, case: Case) -> tuple[list[str], Outcome]:
    exchange = cases.exchange_of(case, candidate.wire, 0.0)
    if isinstance(exchange, Refuse):
        return [_refused(exchange)], Outcome.BLOCK
    judged = judge([stage for stage in candidate.gate.stages if stage.name != "identity"], exchange, lambda: 0.0)
    steps = {step.name: step for step in REQUEST_ORDER}
    lines = [_asks(exchange), ""]
    for ruling in judged.rulings:
        lines += _ruling(candidate, steps[ruling.stage], ruling, exchange)
    if judged.refusal is not None:
        return [*lines, "", _refused(judged.refusal)], Outcome.BLOCK
    model, backend = judged.exchange.model, judged.exchange.backend
    return [*lines, "", say(f"goes to {model} on {backend}", f"交由 {backend} 上的 {model} 回答")], Outcome.ALLOW


def _reply(candidate: Candidate, seen: Seen) -> list[str]:
    """A model's answer: what was found in it, and what leaves."""
    lines = [step.question if language() == "en" else step.question_zh for step in RESPONSE_ORDER[:-1]]
    lines += [_finding(candidate, finding) for finding in seen.findings]
    if seen.outcome is Outcome.BLOCK:
        return [*lines, "", _refused(Refuse(Code(seen.code)))]
    word = say("leaves changed", "修改后输出") if seen.outcome is Outcome.REDACT else say("leaves as it is", "原样输出")
    return [*lines, "", f"{word}: {seen.text}"]


def _asks(exchange: Exchange) -> str:
    who = exchange.principal
    name = f"{who.name} ({who.tenant}: {', '.join(who.roles) or '-'})" if who else "?"
    model = exchange.model or say("the default model", "默认模型")
    return say(
        f"{name} asks {exchange.action} of {model} by {exchange.route}",
        f"{name} 经 {exchange.route} 向 {model} 请求 {exchange.action}",
    )


def _ruling(candidate: Candidate, step: Step, ruling: Ruling, exchange: Exchange) -> Iterator[str]:
    words = {Refuse: say("refused", "拒绝"), Amend: say("amended", "修改")}
    word = words.get(type(ruling.verdict), say("passes", "通过"))
    question = step.question if language() == "en" else step.question_zh
    yield f"{step.name:9} {question:34} {word}"
    for finding in ruling.findings:
        yield _finding(candidate, finding)
    if ruling.stage == "access" and isinstance(ruling.verdict, Refuse) and exchange.principal is not None:
        yield from _why_not(candidate, exchange, exchange.principal)
    if ruling.fault:
        yield f"          {say('failed', '失败')}: {ruling.fault}"


def _finding(candidate: Candidate, finding: Finding) -> str:
    place = place_of(candidate, finding.rule)
    span = f" {finding.start}–{finding.end}" if finding.end else ""
    return f"          {finding.rule}  [{finding.where}{span}]" + (f"  ← {place}" if place else "")


def _why_not(candidate: Candidate, exchange: Exchange, who: Principal) -> Iterator[str]:
    """The rules that matched, or that none did, for the names under which the caller was looked up."""
    model = candidate.bundle.routing.resolve(exchange.model)
    if model is None:
        yield f"          {say('no model has this name; there are', '没有该名称的模型；现有')}: " + ", ".join(
            one.name for one in candidate.bundle.routing.models
        )
        return
    matched = candidate.access.decide(who, model.name, exchange.action).matched
    names = ", ".join([f"user:{who.name}", *(f"role:{role}" for role in who.roles)])
    if not matched:
        yield "          " + say(
            f"no rule lets {names} in tenant {who.tenant} {exchange.action} with {model.name}",
            f"没有规则允许租户 {who.tenant} 中的 {names} 对 {model.name} 执行 {exchange.action}",
        )
    for rule in matched:
        yield f"          {say('matched', '匹配')}: {rule}  ← {rule.file} line {rule.line}"


def place_of(candidate: Candidate, rule: str) -> str:
    """Where the policy says it: file and line of the rule, as far as its name stands there."""
    for one in candidate.bundle.access.rules:
        if str(one) == rule:
            return f"{one.file} line {one.line}"
    for file, data in sorted(candidate.bundle.files.items()):
        if not file.startswith("cases/") and not file.endswith(".csv"):
            line = _line_of(data.decode("utf-8", "replace").splitlines(), rule)
            if line:
                return f"{file} line {line}"
    return ""


def _line_of(lines: list[str], rule: str) -> int:
    """The line, from 1, on which the rule's name stands as a word; of `a.b`, the first `b` from the first `a` on. 0: none."""
    head, _, word = rule.rpartition(".")
    began = not head
    for number, line in enumerate(lines, 1):
        words = line.replace(":", " ").replace(",", " ").split()
        began = began or head in words
        if began and word in words:
            return number
    return 0


def _refused(refusal: Refuse) -> str:
    detail = f" ({refusal.detail})" if refusal.detail else ""
    return f"{say('refused', '拒绝')}: {refusal.code}: {meaning(refusal.code, language())}{detail}"
