"""`hangu report`: write a compliance report, list the frameworks, verify a report file. Arguments, words and exit codes only."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from compliance_reports import loading, signature
from compliance_reports.gathering import Reading, gather, nothing
from compliance_reports.model import Verdict
from compliance_reports.render import pdf
from compliance_reports.reporting import Measured, Report, measured
from gateway import __version__
from gateway.audit.checkpoint import public_key
from gateway.audit.projection import Projection
from gateway.audit.seal import Signer
from gateway.cli.audit import Place, place_of
from gateway.cli.report_press import Press, Target, last_month, pack
from gateway.cli.report_site import proofs, surroundings
from gateway.cli.words import language, say
from gateway.core.errors import AuditError, GatewayError

NAME = "report"
HELP = {"en": "write or verify a compliance report", "zh": "生成或校验合规报告"}

FINE, FOUND, COULD_NOT_TELL = 0, 1, 2
ALL = "all"  # in place of a framework: every one of them


def configure(parser: argparse.ArgumentParser) -> None:
    text = say("DIR and a framework or all; or: verify FILE", "DIR 与框架（或 all）；或：verify 文件")
    parser.add_argument("words", nargs="*", metavar="DIR FRAMEWORK", help=text)
    parser.add_argument("--list", action="store_true", help=say("the frameworks, one a line", "列出框架，每行一个"))
    when = say("date or time, e.g. 2026-01-31 or 2026-01-31T08:00+08:00", "日期或时间，如 2026-01-31")
    parser.add_argument("--from", dest="since", type=_time, metavar="TIME", help=when)
    parser.add_argument("--to", dest="until", type=_time, metavar="TIME", help=when)
    parser.add_argument("--lang", choices=("zh", "en"), help=say("default: the locale's", "默认取自区域设置"))
    parser.add_argument("--out", type=Path, metavar="FILE", help=say(".html, .pdf, .json (OSCAL) or .csv", "按后缀：.html、.pdf、.json（OSCAL）、.csv"))  # fmt: skip
    parser.add_argument("--since-report", type=Path, metavar="FILE", help=say("an earlier .json report: say what changed", "与较早的 .json 报告比较"))  # fmt: skip
    parser.add_argument("--schedule", action="store_true", help=say("last month's pack of all frameworks, into the folder --out", "上月全部框架的报告包，写入 --out 目录"))  # fmt: skip
    parser.add_argument("--key", type=Path, metavar="FILE", help=say("the public key", "公钥文件"))
    parser.add_argument(
        "--exit-code", action="store_true", help=say("exit 1 when a clause is not satisfied", "有条款不满足时以 1 退出")
    )


def run(args: argparse.Namespace) -> int:
    """0 written, or unchanged; 1 the record or the file is not what it was; 2 could not tell."""
    try:
        return _run(args)
    except (GatewayError, OSError, loading.FrameworkInvalid, pdf.CannotSet) as error:
        print(f"{say('error', '错误')}: {error}", file=sys.stderr)
        return COULD_NOT_TELL


def _run(args: argparse.Namespace) -> int:
    if args.list:
        for one in loading.frameworks().values():
            print(f"{one.id:<16} {one.title.say(args.lang or language())}")
        return FINE
    if len(args.words) == 2 and args.words[0] == "verify":
        return _verify(Path(args.words[1]), args.key)
    if len(args.words) != 2 or args.out is None:
        print(say("say DIR, FRAMEWORK and --out FILE; see --help", "请给出 DIR、框架与 --out 文件；见 --help"), file=sys.stderr)  # fmt: skip
        return COULD_NOT_TELL
    return _write(args, Path(args.words[0]), args.words[1])


def _write(args: argparse.Namespace, site: Path, name: str) -> int:
    """One report, or those of a pack: measured once."""
    known = loading.frameworks()
    if name != ALL and name not in known:
        raise loading.FrameworkInvalid(f"no framework is called {name!r}; hint: one of {', '.join(known)}, or {ALL}")
    if args.schedule:
        args.since, args.until = last_month(datetime.now(UTC))
    place = place_of(site, args.key)
    press = Press(args.lang or language(), f"hangu {__version__}", _signer(place))
    targets = pack(args, list(known.values())) if name == ALL else [Target(known[name], args.out, args.since_report)]
    for target in targets:
        press.check(target)
    found = _measured(site, place, args)
    held = proofs(place, found.samples)
    written = {target.framework.id: press.write(target, found, held) for target in targets}
    made = list(written.values())
    _tell(made, args.out, signed=press.signer is not None)
    if not all(one.trusted for one in made):
        return FOUND
    return FOUND if args.exit_code and any(one.counts[Verdict.NOT_SATISFIED] for one in made) else FINE


def _measured(site: Path, place: Place, args: argparse.Namespace) -> Measured:
    around = surroundings(site, place)
    reading = Reading(args.since, args.until, (AuditError,), _progress())
    try:
        with Projection.open(place.directory) as record:
            facts = gather(record, reading, around)
    except AuditError as error:
        if not place.directory.is_dir():
            raise
        facts = nothing(reading, around, str(error))
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return measured(facts)


def _progress() -> Callable[[int], None] | None:
    if not sys.stderr.isatty():
        return None
    return lambda count: print(f"\r{count}", end="", file=sys.stderr, flush=True)


def _signer(place: Place) -> Signer | None:
    """An auditor's copy has no private key: what is written there is not signed, and says so."""
    return place.signer() if place.can_sign else None


def _verify(file: Path, key: Path | None) -> int:
    public = public_key(key.read_bytes()) if key else None
    found = signature.check(file.read_bytes(), public)
    match found.standing:
        case signature.Standing.GOOD:
            print(say(f"unchanged since it was signed by key {found.key}", f"自密钥 {found.key} 签名后未被改动"))
            if key is None:
                print(say("whose key that is, --key audit.pem tells", "用 --key audit.pem 核对密钥归属"))
            return FINE
        case signature.Standing.CHANGED:
            print(say("CHANGED after it was signed", "签名后已被改动"))
            return FOUND
        case signature.Standing.OTHER_KEY:
            print(say(f"signed by another key: {found.key}", f"由其他密钥签名：{found.key}"))
            return FOUND
        case signature.Standing.UNSIGNED:
            print(say("not signed: nothing can be told", "未签名：无法判断"))
            return COULD_NOT_TELL


def _tell(made: list[Report], out: Path, *, signed: bool) -> None:
    facts = made[0].facts
    if not made[0].trusted:
        print(say("THE RECORD DOES NOT VERIFY: see the first page", "审计记录未通过校验：见首页"))
    if not signed:
        print(say("not signed: the private key is not here", "未签名：此处没有私钥"))
    names = ", ".join(one.framework.id for one in made)
    counts = [sum(one.counts[verdict] for one in made) for verdict in Verdict]
    good, bad, open_, manual = counts
    english = f"{out}: {names}, {facts.records} records: {good} satisfied, {bad} not satisfied, {open_} not evaluated, {manual} manual"
    chinese = f"{out}：{names}，记录 {facts.records} 条：满足 {good}，不满足 {bad}，未评估 {open_}，人工核查 {manual}"
    print(say(english, chinese))


def _time(text: str) -> float:
    try:
        told = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time: write 2026-11-24 or 2026-11-24T08:00") from error
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
