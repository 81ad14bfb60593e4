"""`hangu audit`: verify the record, ask it, prove a part of it, hand it out, erase from it, reveal what is sealed in it.

Arguments, words and exit codes only; what each verb does lives in `gateway.audit`. Verbs that change something are in
`audit_writing`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway import keys
from gateway.audit.canonical import canonical
from gateway.audit.checkpoint import public_keys
from gateway.audit.export import csv_lines, iso, json_lines, tiles
from gateway.audit.projection import Projection
from gateway.audit.proof import check, newest, prove
from gateway.audit.query import Entry, Filter
from gateway.audit.record import Closed, Event, Opened, event
from gateway.audit.seal import Signer
from gateway.audit.verify import Report, verify
from gateway.cli.words import say
from gateway.core.errors import AuditError, GatewayError
from gateway.settings import FILE_NAME, Secret, one
from gateway.settings.inside import Audit

NAME = "audit"
HELP = {"en": "verify and read the record", "zh": "校验与查阅审计记录"}

Verbs = argparse._SubParsersAction  # the type that add_subparsers gives has no public name


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of every sub-verb."""
    verbs: Verbs[argparse.ArgumentParser] = parser.add_subparsers(dest="audit_verb", required=True, metavar="VERB")
    one = _verb(verbs, "verify", _verify, "is it whole and unchanged?", "记录是否完整且未被改动？")
    text = say("a checkpoint kept elsewhere, or a folder of them", "另处保存的检查点文件或目录")
    one.add_argument("--checkpoint", action="append", default=[], type=Path, metavar="PATH", help=text)
    text = say("put what was found on record", "将校验结果写入审计记录")
    one.add_argument("--record", action="store_true", help=text)
    one = _verb(verbs, "query", _query, "find records", "查找记录")
    _filter(one)
    one.add_argument(
        "--format", choices=("json", "lines"), help=say("default: lines on a terminal", "终端上默认为 lines")
    )
    one = _verb(
        verbs, "prove", _prove, "prove that an exchange is in the signed record", "证明某次交互在已签名的记录之中"
    )
    one.add_argument("exchange", metavar="ID")
    one.add_argument("--check", type=Path, metavar="FILE", help=say("check a proof instead", "校验一个已有的证明"))
    one = _verb(verbs, "export", _export, "hand records out", "导出记录")
    _filter(one)
    one.add_argument("--format", choices=("csv", "jsonl", "tiles"), default="jsonl")
    one.add_argument("--out", type=Path, help=say("file, or folder for tiles", "输出文件；tiles 为目录"))
    from gateway.cli import (  # they import this module
        audit_keys,
        audit_noting,
        audit_shipping,
        audit_stamping,
        audit_writing,
    )

    audit_writing.configure(verbs)
    audit_keys.configure(verbs)
    audit_shipping.configure(verbs)
    audit_stamping.configure(verbs)
    audit_noting.configure(verbs)


def run(args: argparse.Namespace) -> int:
    """0 fine, 1 found a problem, 2 could not tell."""
    work: Callable[[argparse.Namespace, Place], int] = args.audit_run
    try:
        return work(args, place_of(args.site, args.key))
    except BrokenPipeError:  # whoever reads has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (GatewayError, OSError) as error:
        print(f"{say('error', '错误')}: {error}", file=sys.stderr)
        return 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a site's record is, what it is checked with, and what its settings say of it."""

    directory: Path
    public_file: Path
    settings: Audit

    @property
    def copies(self) -> tuple[Path, ...]:
        return (Path(self.settings.second_path),) if self.settings.second_path else ()

    @property
    def can_sign(self) -> bool:
        """Is the signing key within reach? It is on the gateway's own machine only."""
        named = self.settings.signing_key
        return not isinstance(named, Secret) or named.file is None or named.file.exists()

    def signer(self) -> Signer:
        """Who signs the record. Raises GatewayError saying why nobody can."""
        return keys.signer(self.settings.signing_key)

    @property
    def public(self) -> bytes:
        """The key in use."""
        return self.publics[0]

    @property
    def publics(self) -> tuple[bytes, ...]:
        """The key in use, and those it took the place of."""
        try:
            return public_keys(self.public_file.read_bytes())
        except OSError as error:
            raise AuditError(
                "the public key cannot be read", str(self.public_file), "name it with --key FILE"
            ) from error


USUAL = {"signing_key": {"file": "keys/audit.key"}, "public_key": "keys/audit.pem"}


def place_of(site: Path, key: Path | None) -> Place:
    """From the site's settings; without any, as in a copy that an auditor was handed, from where things usually are."""
    told = one(site, "audit", USUAL)
    assert isinstance(told, Audit)
    directory = Path(told.directory)
    if not (site / FILE_NAME).exists() and any(site.glob("seg-*.wal")):
        directory = site
    return Place(directory, key or Path(told.public_key or site / "keys" / "audit.pem"), told)


def add_verb(
    verbs: Verbs[argparse.ArgumentParser], name: str, work: Callable[..., int], words: str
) -> argparse.ArgumentParser:
    """A sub-verb with the arguments that all have."""
    parser = verbs.add_parser(name, help=words, description=words)
    text = say("the site, or a copy of its audit directory", "站点目录，或其审计目录的副本")
    parser.add_argument("site", type=Path, metavar="DIR", help=text)
    text = say("the public key (default: the site's)", "公钥文件（默认为站点的公钥）")
    parser.add_argument("--key", type=Path, metavar="FILE", help=text)
    parser.set_defaults(audit_run=work)
    return parser


def _verb(
    verbs: Verbs[argparse.ArgumentParser], name: str, work: Callable[..., int], english: str, chinese: str
) -> argparse.ArgumentParser:
    return add_verb(verbs, name, work, say(english, chinese))


def _filter(parser: argparse.ArgumentParser) -> None:
    text = say(
        "date or time, e.g. 2026-01-31 or 2026-01-31T08:00+08:00", "日期或时间，如 2026-01-31 或 2026-01-31T08:00+08:00"
    )
    parser.add_argument("--from", dest="since", type=_time, metavar="TIME", help=text)
    parser.add_argument("--to", dest="until", type=_time, metavar="TIME", help=text)
    for name in ("tenant", "user", "exchange", "code", "model", "text"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--outcome", default="", help=say("outcome, or kind of event", "结果，或事件类别"))
    parser.add_argument("--kind", action="append", default=[], choices=("opened", "closed", "event", "part"))
    parser.add_argument("--limit", type=int)


def _wanted(args: argparse.Namespace) -> Filter:
    names = ("since", "until", "tenant", "user", "exchange", "code", "model", "text", "limit")
    return Filter(**{name: getattr(args, name) for name in names}, word=args.outcome, kinds=tuple(args.kind))


def _time(text: str) -> float:
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(say(f"{text!r} is no date", f"{text!r} 不是日期")) from None
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()


def _verify(args: argparse.Namespace, place: Place) -> int:
    kept = [path for path in place.copies if path.exists()] + args.checkpoint
    report = verify(place.directory, place.publics, kept)
    _tell(report)
    if args.record:
        _on_record(report, place)
    return 0 if report.ok else 1


def _on_record(report: Report, place: Place) -> None:
    """That somebody looked, and what was found: an alert rule wakes people by it."""
    from gateway.cli.audit_noting import noted

    kind = "integrity.checked" if report.ok else "integrity.failed"
    facts = {"records": sum(log.records for log in report.logs), "problems": len(report.problems)}
    asyncio.run(noted(place, event(kind, time.time(), facts, actor="hangu")))


def _tell(report: Report) -> None:
    for log in report.logs:
        english = f"{log.origin}: {log.records} records, {log.sealed} sealed, {log.checkpoints} checkpoints, {log.erased} erased"
        print(
            say(
                english,
                f"{log.origin}：记录 {log.records} 条，已封存 {log.sealed} 条，检查点 {log.checkpoints} 个，已删除正文 {log.erased} 条",
            )
        )
    for note in report.notes:
        print(say(f"note: {note}", f"提示：{note}"))
    for problem in report.problems:
        print(say(f"problem: {problem}", f"问题：{problem}"))
    if report.ok:
        print(say("the record is whole and unchanged", "记录完整，未被改动"))
    else:
        print(say("the record is NOT what was written", "记录与写入时不一致"))


def _query(args: argparse.Namespace, place: Place) -> int:
    as_lines = args.format == "lines" or (args.format is None and sys.stdout.isatty())
    with Projection.open(place.directory) as record:
        found = record.find(_wanted(args))
        lines = _lines(found) if as_lines else (line.decode().rstrip("\n") for line in json_lines(found))
        count = 0
        for line in lines:
            print(line)
            count += 1
    if not count:
        print(say("nothing found", "未找到记录"), file=sys.stderr)
    return 0 if count else 1


def _lines(entries: Iterator[Entry]) -> Iterator[str]:
    for entry in entries:
        record = entry.record
        match record:
            case Opened(code=code, model=model, route=route):
                told = f"{route} {model} {code or ''}".rstrip()
            case Closed(outcome=outcome, code=code):
                told = f"{outcome} {code}".rstrip()
            case Event(kind=kind, subject=subject):
                told = f"{kind} {subject}".rstrip()
            case _:
                told = ""
        who = f"{record.tenant}/{getattr(record, 'user', '') or getattr(record, 'actor', '')}"
        kind = type(record).__name__.lower()
        print_id = getattr(record, "id", "-")
        yield f"{iso(record.at)}  {entry.origin}:{entry.seq:<7} {kind:<7} {print_id:<26} {who:<24} {told}"


def _prove(args: argparse.Namespace, place: Place) -> int:
    if args.check is not None:
        problems = check(json.loads(args.check.read_text()), place.publics)
        print("\n".join(problems) or say("the proof holds", "证明成立"))
        return 1 if problems else 0
    with Projection.open(place.directory) as record:
        places = record.places(args.exchange)
    if not places:
        print(say(f"no record of {args.exchange}", f"没有 {args.exchange} 的记录"), file=sys.stderr)
        return 1
    print(canonical(prove(place.directory, places, place.publics)).decode())
    return 0


def _export(args: argparse.Namespace, place: Place) -> int:
    if args.format == "tiles":
        return _export_tiles(args, place)
    with Projection.open(place.directory) as record:
        lines = (csv_lines if args.format == "csv" else json_lines)(record.find(_wanted(args)))
        if args.out is None:
            sys.stdout.buffer.writelines(lines)
        else:
            with args.out.open("wb") as file:
                file.writelines(lines)
    return 0


def _export_tiles(args: argparse.Namespace, place: Place) -> int:
    if args.out is None:
        raise AuditError("tiles need a folder", hint="name one with --out")
    with Projection.open(place.directory) as record:
        origins = [head.origin for head in record.heads()]
    for origin in origins:
        head = newest(place.directory, origin)
        count = tiles(place.directory, origin, head.size, head.note, args.out / origin)
        print(say(f"{args.out / origin}: {count} files", f"{args.out / origin}：{count} 个文件"), file=sys.stderr)
    return 0
