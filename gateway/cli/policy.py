"""`hangu policy check|test|explain|diff|replay`: what security people do with policies before and after they are in force.

DIR is a site, or a directory of policies by itself. No server is needed and no key is read.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gateway import app, cases, smoke
from gateway.cases import CaseResult
from gateway.cli import policy_candidate, policy_diff, policy_explain, policy_replay
from gateway.cli.policy_advice import advice
from gateway.cli.policy_candidate import Candidate
from gateway.cli.words import say
from gateway.core.errors import PolicyError

NAME = "policy"
HELP = {"en": "check, test, explain, compare policies", "zh": "校验、测试、解释、比较策略"}

FINE, FOUND = 0, 1


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="task_name", metavar="TASK", required=True)
    check = verbs.add_parser("check", help=say("are the policies well-formed?", "策略格式是否正确？"))
    check.set_defaults(task=_check)
    test = verbs.add_parser("test", help=say("do the policies do what their cases say?", "策略是否符合其用例？"))
    test.add_argument(
        "-v", "--verbose", action="store_true", help=say("list the cases that pass too", "同时列出通过的用例")
    )
    test.set_defaults(task=_test)
    for one in (check, test):
        one.add_argument("directory", metavar="DIR", type=Path, help=say("site, or policies", "站点或策略目录"))
    explain = verbs.add_parser("explain", help=say("which rule decides, and why?", "由哪条规则决定，为什么？"))
    policy_explain.configure(explain)
    diff = verbs.add_parser("diff", help=say("what changes, and for whom?", "有哪些变化，影响谁？"))
    policy_diff.configure(diff)
    replay = verbs.add_parser(
        "replay", help=say("what would others have decided on recorded exchanges?", "另一策略会如何判定已记录的交互？")
    )
    policy_replay.configure(replay)


def run(args: argparse.Namespace) -> int:
    try:
        return int(args.task(args))
    except PolicyError as error:
        print(f"{error}", file=sys.stderr)
        count = len(str(error).splitlines())
        print(
            say(f"{count} problem(s): these policies cannot be used", f"{count} 个问题：这些策略无法使用"),
            file=sys.stderr,
        )
        return FOUND


def _check(args: argparse.Namespace) -> int:
    read = policy_candidate.load(args.directory).bundle
    for line in advice(read):
        print(f"{say('note', '提示')}: {line}")
    rules, members, tried = len(read.access.rules), len(read.access.memberships), len(read.cases)
    print(
        say(
            f"these policies can be used: {len(read.files)} files, {rules} access rules, {members} memberships, {tried} cases",
            f"策略可用：{len(read.files)} 个文件，{rules} 条访问规则，{members} 条成员关系，{tried} 个用例",
        )
    )
    print(f"{say('digest', '摘要')} {read.digest}")
    return FINE


def _test(args: argparse.Namespace) -> int:
    candidate = policy_candidate.load(args.directory)
    results = cases.run(candidate.gate, candidate.bundle.cases, candidate.wire)
    for result in results:
        if args.verbose or not result.passed:
            print(_told(result))
    failed = sum(not result.passed for result in results)
    print(
        say(
            f"{len(results) - failed} of {len(results)} cases hold",
            f"{len(results)} 个用例中 {len(results) - failed} 个成立",
        )
    )
    return FOUND if _smoke(candidate) or failed else FINE


def _smoke(candidate: Candidate) -> bool:
    """Tells of the harmless texts that would be refused; whether they are more than the policy says they may be."""
    refused, tried = smoke.refused(candidate.gate), len(smoke.texts())
    for line in refused:
        print(f"{say('REFUSED', '误拒'):5} {line}")
    print(say(f"{len(refused)} of {tried} harmless texts refused", f"{tried} 段无害文本中误拒 {len(refused)} 段"))
    return bool(app.smoked(candidate.bundle, candidate.gate))


def _told(result: CaseResult) -> str:
    word = say("ok", "成立") if result.passed else say("FAILS", "不成立")
    lines = [f"{word:5} {result.file}: {result.case.name}", *(f"        {wrong}" for wrong in result.wrong)]
    return "\n".join(lines)
