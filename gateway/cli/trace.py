"""`hangu trace DIR FILE|-`: whose answer is this? JSON out. What is known and how sure it is, is `watermark.tracer`'s."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import sys
import time
from pathlib import Path
from typing import Any

from gateway import keys, settings, tracing
from gateway.audit.record import Event, event
from gateway.cli.audit import Place, place_of
from gateway.cli.audit_writing import open_journal, persons
from gateway.cli.words import say
from gateway.core.errors import GatewayError
from watermark.documents import DocumentError, read_text

NAME = "trace"
HELP = {"en": "trace a leaked text to its exchange", "zh": "将泄露的文本追溯到其交互"}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("site", metavar="DIR", type=Path, help=say("the site", "站点目录"))
    parser.add_argument(
        "source",
        metavar="FILE",
        help=say(
            "the leaked text: .txt .docx .html .pdf, or - for standard input",
            "泄露的文本：.txt .docx .html .pdf，或 - 表示标准输入",
        ),
    )
    parser.add_argument(
        "--reason", default="", help=say("why it is traced: goes on the record", "追溯原因：写入审计记录")
    )
    text = say("token of the person who traces (default: the system's user)", "追溯者的令牌（默认：系统用户）")
    parser.add_argument("--token", type=Path, metavar="FILE", help=text)


def run(args: argparse.Namespace) -> int:
    """0 traced, 1 not traced, 2 could not tell."""
    try:
        text = read_text(args.source)
    except (DocumentError, OSError) as error:
        raise GatewayError(str(error), args.source) from error
    site = settings.load(args.site, complete=False)
    found = tracing.trace_text(text, keys.marks(site.watermark), tracing.Places(Path(site.audit.directory), Path(site.watermark.index)))
    told = found.as_json()
    told["evidence"]["recorded"] = _record(args, told)
    print(json.dumps(told, ensure_ascii=False, indent=2))
    return 0 if found.traced else 1


def _record(args: argparse.Namespace, told: dict[str, Any]) -> bool:
    """That somebody traced a text, and what came of it: on the record, where this machine can write one."""
    place = place_of(args.site, None)
    if not place.can_sign:
        print(
            say("not recorded: the signing key is not on this machine", "未写入记录：本机没有签名密钥"), file=sys.stderr
        )
        return False
    person = persons(args.site, [args.token])[0].name if args.token else f"system/{getpass.getuser()}"
    named = {"reason": args.reason, "grade": told["grade"], "exchange": told["exchange"] or ""}
    tenant, user = told["tenant"] or "", told["user"] or ""
    asyncio.run(_append(place, event("leak.traced", time.time(), named, actor=person, tenant=tenant, subject=user)))
    return True


async def _append(place: Place, what: Event) -> None:
    async with open_journal(place) as journal:
        await journal.append(what)
