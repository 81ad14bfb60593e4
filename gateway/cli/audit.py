"""`hangu audit`: verify the record, ask it, prove a part of it, hand it out, erase from it, reveal what is sealed in it.

The words and the exit codes only; what each does lives in `gateway.audit`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from gateway.audit.checkpoint import public_key
from gateway.audit.verify import Report, verify
from gateway.cli.words import say
from gateway.core.errors import GatewayError

NAME = "audit"
HELP = {
    "en": "verify the record, query it, prove, export, erase or reveal what it holds",
    "zh": "审计记录：校验、查询、证明、导出、删除或查看原文",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of every sub-verb."""
    verbs = parser.add_subparsers(dest="audit_verb", required=True, metavar="VERB")
    one = verbs.add_parser("verify", help=say("is it whole and unchanged?", "记录是否完整且未被改动？"))
    _site(one)
    _key(one)
    one.add_argument(
        "--checkpoint",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help=say("a checkpoint kept elsewhere, or a folder of them", "另处保存的检查点文件或目录"),
    )
    one.set_defaults(audit_run=_verify)


def run(args: argparse.Namespace) -> int:
    """0 fine, 1 found a problem, 2 could not tell."""
    work: Callable[[argparse.Namespace], int] = args.audit_run
    try:
        return work(args)
    except (GatewayError, OSError) as error:
        print(f"hangu audit: {error}", file=sys.stderr)
        return 2


def journal_directory(site: Path) -> Path:
    """`DIR/audit`, or DIR itself where that is the audit directory, as in a copy handed to an auditor."""
    return site if any(site.glob("seg-*.wal")) else site / "audit"


def _site(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "site", type=Path, metavar="DIR", help=say("the site, or its audit directory", "站点目录或其审计目录")
    )


def _key(parser: argparse.ArgumentParser) -> None:
    text = say("the public key (default: DIR/pki/audit.pub)", "公钥文件（默认：DIR/pki/audit.pub）")
    parser.add_argument("--key", type=Path, metavar="FILE", help=text)


def _public(args: argparse.Namespace) -> bytes:
    path: Path = args.key or args.site / "pki" / "audit.pub"
    return public_key(path.read_bytes())


def _verify(args: argparse.Namespace) -> int:
    report = verify(journal_directory(args.site), _public(args), args.checkpoint)
    _tell(report)
    return 0 if report.ok else 1


def _tell(report: Report) -> None:
    for log in report.logs:
        state = say(
            f"{log.origin}: {log.records} records, {log.sealed} sealed, {log.checkpoints} checkpoints, {log.erased} erased",
            f"{log.origin}：{log.records} 条记录，已封存 {log.sealed} 条，检查点 {log.checkpoints} 个，已删除正文 {log.erased} 条",
        )
        print(state)
    for note in report.notes:
        print(say(f"note: {note}", f"提示：{note}"))
    for problem in report.problems:
        print(say(f"problem: {problem}", f"问题：{problem}"))
    if report.ok:
        print(say("the record is whole and unchanged", "记录完整，未被改动"))
    else:
        print(say("the record is NOT what was written", "记录与写入时不一致"))
