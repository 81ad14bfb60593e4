"""`hangu doctor DIR`: live checks, one line each. What is looked at, and how, lives in `gateway.doctor`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from gateway.cli.words import language, say
from gateway.core.errors import SettingsError
from gateway.doctor.check import Check, State, exit_code
from gateway.doctor.machine import Kernel, check_clock, check_disk, check_encryption, check_exposure
from gateway.doctor.papers import check_papers
from gateway.doctor.services import check_backend, check_elasticsearch
from gateway.http.listener import require_c_parser
from gateway.settings import FILE_NAME, Settings, SettingsInvalid, load

NAME = "doctor"
HELP = {"en": "live checks of a site", "zh": "对站点进行实时检查"}

SETTINGS = ("settings", "设置")
PARSER = ("HTTP parser", "HTTP 解析器")
_MARKS = {
    State.FINE: ("ok", "正常"),
    State.NOTE: ("note", "提示"),
    State.PROBLEM: ("PROBLEM", "问题"),
    State.UNKNOWN: ("unknown", "未知"),
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help=say("the site", "站点目录"))


def run(args: argparse.Namespace) -> int:
    checks = []
    for check in look(args.directory, Kernel(), datetime.now(UTC)):
        print(line(check, language()), flush=True)
        checks.append(check)
    return exit_code(checks)


def look(directory: Path, kernel: Kernel, now: datetime) -> Iterator[Check]:
    """Every check of a site, as it is made. Settings that cannot be used end it: nothing else can be found then."""
    yield from _parser()
    try:
        settings = load(directory)
    except SettingsInvalid as invalid:
        for problem in invalid.problems:
            yield Check(SETTINGS, State.PROBLEM, (str(problem),) * 2)
        return
    yield Check(SETTINGS, State.FINE, (f"{directory / FILE_NAME}",) * 2)
    yield from check_papers(settings, now)
    yield from _policies(directory)
    yield asyncio.run(check_backend(settings))
    yield from _guard(directory)
    yield check_exposure(settings, kernel)
    yield from asyncio.run(check_elasticsearch(settings))
    yield _pseudonyms(settings)
    yield from _machine(settings, kernel)


def line(check: Check, words: str) -> str:
    """One check for people; `words` is "en" or "zh"."""
    pick = 1 if words == "zh" else 0
    colon, hint = ("：", "；建议：") if pick else (": ", "; hint: ")
    mark = _MARKS[check.state][pick]
    advice = f"{hint}{check.hint[pick]}" if check.hint[pick] and check.state is not State.FINE else ""
    return f"{mark:<8}{check.subject[pick]}{colon}{check.said[pick]}{advice}"


def _machine(settings: Settings, kernel: Kernel) -> Iterator[Check]:
    yield check_clock()
    yield from check_disk(settings.audit.directory, kernel)
    yield check_encryption(settings.audit.directory, kernel)


def _parser() -> Iterator[Check]:
    try:
        require_c_parser()
    except SettingsError as error:
        yield Check(PARSER, State.PROBLEM, (f"{error.where}: {error.what}",) * 2, (error.hint,) * 2)


def _pseudonyms(settings: Settings) -> Check:
    from gateway.doctor.sharing import check_pseudonyms  # here: it loads every engine, as policies do

    return check_pseudonyms(settings)


def _guard(directory: Path) -> list[Check]:
    from gateway.app import open_site
    from gateway.doctor.guard import check_guard

    return check_guard(open_site(directory))


def _policies(directory: Path) -> list[Check]:
    print(say("running the policies' own cases…", "正在运行策略用例……"), file=sys.stderr, flush=True)
    from gateway.app import open_site  # here: it loads every engine, which nothing above needs
    from gateway.doctor.policy import check_policies

    return check_policies(open_site(directory))
