"""`hangu init DIR`: a ready site. What a site consists of lives in `gateway.site`."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from gateway.cli.words import say
from gateway.core.errors import GatewayError
from gateway.site import DEMO_CALLERS, SERVER_NAMES, Plan, create

NAME = "init"
HELP = {"en": "make a ready site", "zh": "创建一个可直接运行的站点"}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help=say("new or empty directory", "新目录或空目录"))
    parser.add_argument(
        "--server-name",
        action="append",
        metavar="NAME",
        help=say("host name or address callers use (repeatable)", "调用方使用的主机名或地址（可重复）"),
    )


def run(args: argparse.Namespace) -> int:
    names = tuple(dict.fromkeys((*(args.server_name or ()), *SERVER_NAMES)))
    try:
        create(args.directory, datetime.now(UTC), Plan(server_names=names))
    except GatewayError as error:
        print(f"hangu init: {error}", file=sys.stderr)
        return 1
    _tell(args.directory)
    return 0


def _tell(directory: Path) -> None:
    callers = ", ".join(caller.name for caller in DEMO_CALLERS)
    print(say(f"a site is ready in {directory}", f"站点已建好：{directory}"))
    print(say(f"  settings  {directory}/gateway.toml", f"  设置      {directory}/gateway.toml"))
    print(say(f"  policies  {directory}/policies/", f"  策略      {directory}/policies/"))
    print(say(f"  callers   {directory}/clients/: {callers}", f"  调用方    {directory}/clients/：{callers}"))
    print(
        say(
            f"keep {directory}/pki/ca.key and {directory}/keys/ secret, and back them up",
            f"请妥善保密并备份 {directory}/pki/ca.key 和 {directory}/keys/",
        )
    )
    print(
        say(
            f"next: hangu doctor {directory}; hangu serve {directory}",
            f"下一步：hangu doctor {directory}；hangu serve {directory}",
        )
    )
