"""`hangu inspect`: JSON lines in, JSON lines out, through the pipeline that `serve` runs. No server is needed and no key is read.

What a line may hold and what comes back is docs/reference; judging is the gate's own.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO

import orjson
from pydantic import ValidationError

from gateway import cases
from gateway.cli import inspect_jobs, policy_candidate
from gateway.cli.policy_candidate import Candidate
from gateway.cli.words import say
from gateway.core.errors import GatewayError
from gateway.core.verdict import Finding
from policies.cases import Caller, Case, Outcome, Side

NAME = "inspect"
HELP = {"en": "check texts from standard input", "zh": "检查来自标准输入的文本"}

FINE, COULD_NOT_TELL = 0, 2
MAX_LINE = 16 << 20  # bytes: twice the largest body the data port takes
PROGRESS_SECONDS = 2.0  # between two lines about how far it is


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help=say("site, or policies", "站点或策略目录"))
    stage = say("which way the texts go", "文本的方向")
    parser.add_argument("--stage", choices=[side.value for side in Side], default=Side.REQUEST.value, help=stage)
    parser.add_argument("--caller", default="analyst", metavar="NAME", help=say("who asks", "调用者"))
    parser.add_argument("--role", action="append", metavar="ROLE", help=say("a role of the caller", "调用者的角色"))
    parser.add_argument("--tenant", metavar="TENANT", help=say("the caller's tenant", "调用者所属租户"))
    quiet = say("say nothing about progress", "不显示进度")
    parser.add_argument("--quiet", action="store_true", help=quiet)
    jobs = say("processes that share the work; answers keep their order", "并行进程数；输出顺序不变")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", choices=range(1, 65), help=jobs)


def run(args: argparse.Namespace) -> int:
    report = Progress(sys.stderr, time.monotonic) if not args.quiet and sys.stderr.isatty() else None
    unread = 0
    try:
        for written, understood in _answered(args, sys.stdin.buffer):
            sys.stdout.buffer.write(written)
            sys.stdout.buffer.flush()  # whoever asks line by line waits for this one
            unread += not understood
            if report is not None:
                report.count()
    except BrokenPipeError:  # whoever read the answers has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COULD_NOT_TELL
    if report is not None:
        report.tell()
    if unread:
        print(say(f"{unread} line(s) could not be read", f"{unread} 行无法读取"), file=sys.stderr)
    return COULD_NOT_TELL if unread else FINE


def _answered(args: argparse.Namespace, lines: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    who, stage = caller(args), Side(args.stage)
    if args.jobs > 1:
        return inspect_jobs.shared(args.directory, who, stage, lines, args.jobs)
    return answers(lines, inspector(policy_candidate.load(args.directory), who, stage))


def answers(
    lines: Iterable[str | bytes], inspect: Callable[[dict[str, object]], dict[str, object]], first: int = 1
) -> Iterator[tuple[bytes, bool]]:
    """One JSON line for each that comes, and whether it could be read. What cannot be read is blocked, never passed on."""
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        said = _object(line)
        try:
            answer = inspect(said) if said is not None else _unread(None, number)
        except ValidationError:
            said, answer = None, _unread(said.get("id") if said else None, number)
        yield orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE), said is not None


def _object(line: str | bytes) -> dict[str, object] | None:
    if len(line) > MAX_LINE:
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and ("text" in value or "body" in value) else None


def _unread(name: object, number: int) -> dict[str, object]:
    error = f'line {number}: is not an object with "text" or "body"'
    return {"id": name, "action": Outcome.BLOCK, "text": "", "findings": [], "code": "json_malformed", "error": error}


def inspector(candidate: Candidate, who: Caller, stage: Side) -> Callable[[dict[str, object]], dict[str, object]]:
    number = 0

    def inspect(said: dict[str, object]) -> dict[str, object]:
        nonlocal number
        number += 1  # lines come an hour apart, so that reading a file uses up nobody's allowance
        case = _case(said, who, stage)
        seen = cases.look(candidate.gate, case, candidate.wire, at=number * cases.APART_SECONDS)
        answer: dict[str, object] = {"id": said.get("id"), "action": seen.outcome, "text": _whole(seen.text)}
        answer["findings"] = [_shown(finding) for finding in seen.findings if finding.end > finding.start]
        return answer | ({"code": seen.code} if seen.code else {})

    return inspect


def _case(said: dict[str, object], who: Caller, stage: Side) -> Case:
    given = {key: said[key] for key in ("text", "body", "route", "model", "role") if key in said}
    return Case.model_validate({"name": "inspected", "caller": who, "stage": stage, "expect": Outcome.ALLOW, **given})


def _whole(text: str) -> str:
    """Half a surrogate pair is no character: no JSON writer takes it."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _shown(finding: Finding) -> dict[str, object]:
    return {
        "kind": finding.kind,
        "entity": finding.entity,
        "rule": finding.rule,
        "where": finding.where,
        "start": finding.start,
        "end": finding.end,
        "score": finding.score,
    }


def caller(args: argparse.Namespace) -> Caller:
    """As told; else as the caller's own token in the site says; else a role of the caller's name."""
    claims = _claims(args.directory / "clients" / args.caller / "token.jwt")
    said = claims.get("roles")
    roles = args.role or (said if isinstance(said, list) else [args.caller])
    tenant = args.tenant or claims.get("tenant") or "default"
    return Caller(name=args.caller, tenant=str(tenant), roles=tuple(map(str, roles)))


def _claims(file: Path) -> dict[str, object]:
    """What a token of the site's own says, unverified: it only names who is meant."""
    try:
        part = file.read_text("ascii").split(".")[1]
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except FileNotFoundError:
        return {}
    except (OSError, IndexError, ValueError, binascii.Error) as error:
        raise GatewayError("cannot be read as a token", str(file), "give --role, or renew it") from error
    return value if isinstance(value, dict) else {}


class Progress:
    """Tells a person now and then how far it is. `tick` reads a clock in seconds."""

    def __init__(self, out: TextIO, tick: Callable[[], float]) -> None:
        self._out, self._tick = out, tick
        self._began = self._told = tick()
        self._lines = 0

    def count(self) -> None:
        self._lines += 1
        if self._tick() - self._told >= PROGRESS_SECONDS:
            self.tell()

    def tell(self) -> None:
        self._told = self._tick()
        rate = self._lines / max(self._told - self._began, 1e-9)
        print(
            say(f"{self._lines} lines, {rate:.0f} a second", f"已检查 {self._lines} 行，每秒 {rate:.0f} 行"),
            file=self._out,
        )
