"""`hangu trace DIR FILE|-`: whose answer is this? JSON out. What is known and how sure it is, is `watermark.tracer`'s."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from gateway import settings, tracing
from gateway.cli.words import say
from gateway.core.errors import GatewayError
from watermark import Keys
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
        "--reason", default="", help=say("why it is traced, for the record", "追溯原因（写入审计记录）")
    )


def run(args: argparse.Namespace) -> int:
    """0 traced, 1 not traced, 2 could not tell."""
    try:
        text = read_text(args.source)
    except (DocumentError, OSError) as error:
        raise GatewayError(str(error), args.source) from error
    site = settings.load(args.site, complete=False)
    keys = Keys.from_master(site.watermark.master_key.key())
    found = tracing.trace_text(text, keys, tracing.Places(Path(site.audit.directory), Path(site.watermark.index)))
    print(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
    return 0 if found.traced else 1
