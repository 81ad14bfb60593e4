"""`hangu trace DIR FILE|-`: whose answer is this? JSON out, and a page for people where asked.

Who may ask, and that it is on record before anybody reads the answer, is decided here by the marks policy. What is known and
how sure it is, is `watermark.tracer`'s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from gateway import keys, settings, tracing
from gateway.audit.disclosure import Person
from gateway.audit.projection import Projection
from gateway.audit.query import Filter
from gateway.audit.record import Event, event
from gateway.cli.marking import identified, recorded
from gateway.cli.words import say
from gateway.core.errors import AuditError, GatewayError
from policies.marks import Tracing, parse
from policies.problem import PolicyInvalid
from watermark.documents import DocumentError, read_text
from watermark.finding import Occasion
from watermark.finding_page import page
from watermark.tracer import Trace

NAME = "trace"
HELP = {"en": "trace a leaked text to its exchange", "zh": "将泄露的文本追溯到其交互"}
KIND = "leak.traced"
POLICY = "watermark.yaml"
HOUR = 3600.0


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
    text = say(
        "token of who traces; twice for four eyes (default: the system's user)",
        "追溯者的令牌；双人时给出两次（默认：系统用户）",
    )
    parser.add_argument("--token", action="append", default=[], type=Path, metavar="FILE", help=text)
    text = say("write the finding, English and Chinese: .md or .html", "写出中英文结论：.md 或 .html")
    parser.add_argument("--finding", type=Path, metavar="FILE", help=text)


def run(args: argparse.Namespace) -> int:
    """0 traced, 1 not traced, 2 could not tell."""
    try:
        text = read_text(args.source)
    except (DocumentError, OSError) as error:
        raise GatewayError(str(error), args.source) from error
    site = settings.load(args.site, complete=False)
    rules = _rules(Path(site.policies.directory))
    people = [identified(args.site, token) for token in args.token] or [identified(args.site, None)]
    _may(people, rules, args, Path(site.audit.directory))
    places = tracing.Places(Path(site.audit.directory), Path(site.watermark.index))
    found = tracing.trace_text(text, keys.marks(site.watermark), places)
    told = found.as_json()
    told["evidence"]["recorded"] = _record(args, people, told, text, rules)
    if args.finding is not None:
        _write(args, people, found, text)
    print(json.dumps(told, ensure_ascii=False, indent=2))
    return 0 if found.traced else 1


def _rules(directory: Path) -> Tracing:
    """What the site's policy says of tracing; the strictness of a site whose policy cannot be read is not guessed."""
    try:
        return parse({POLICY: (directory / POLICY).read_bytes()}).tracing
    except (OSError, PolicyInvalid) as error:
        raise GatewayError(f"who may trace cannot be read: {error}", str(directory / POLICY)) from error


def _may(people: Sequence[Person], rules: Tracing, args: argparse.Namespace, record: Path) -> None:
    """Raises GatewayError naming what is missing."""
    if not args.token and not rules.without_token:
        raise GatewayError("tracing takes a token here", POLICY, f"--token, of one with a role of {_list(rules.roles)}")
    for person in people:
        if args.token and set(rules.roles).isdisjoint(person.roles):
            raise GatewayError(f"{person.name} may not trace", POLICY, f"it takes a role of {_list(rules.roles)}")
    if len({person.name for person in people}) < rules.persons:
        raise GatewayError("tracing takes two people here", POLICY, "give --token twice, of two people")
    if rules.reason and not args.reason.strip():
        raise GatewayError("tracing takes a reason here", POLICY, '--reason "…"')
    if args.token and rules.per_hour:
        _within(people, rules.per_hour, record)


def _within(people: Sequence[Person], per_hour: int, directory: Path) -> None:
    """Asked of the record, so that no process forgets it. Raises GatewayError for one who asked often enough."""
    names = {person.name for person in people}
    with Projection.open(directory) as record:
        lately = record.find(Filter(since=time.time() - HOUR, word=KIND, kinds=("event",)))
        actors = [e.record.actor for e in lately if isinstance(e.record, Event)]
    for name in names:
        if sum(name in actor.split(" + ") for actor in actors) >= per_hour:
            raise GatewayError(f"{name} traced {per_hour} texts in the last hour", POLICY, "come back later")


def _record(
    args: argparse.Namespace, people: Sequence[Person], told: dict[str, Any], text: str, rules: Tracing
) -> bool:
    """That somebody traced a text, and what came of it; never the text."""
    who = " + ".join(person.name for person in people)
    facts = {
        "reason": args.reason,
        "grade": told["grade"],
        "exchange": told["exchange"] or "",
        "convict_grade": str(told["evidence"]["convict_grade"]).lower(),
        "false_attribution_probability": f"{told['false_attribution_probability']}",
        "sha256": _digest(text),
    }
    tenant, user = told["tenant"] or "", told["user"] or ""
    if asyncio.run(recorded(args.site, event(KIND, time.time(), facts, actor=who, tenant=tenant, subject=user))):
        return True
    if not rules.unrecorded:
        raise AuditError(
            "no trace without a record", POLICY, "trace on the gateway's machine, where the signing key is"
        )
    print(say("not recorded: the signing key is not on this machine", "未写入记录：本机没有签名密钥"), file=sys.stderr)
    return False


def _write(args: argparse.Namespace, people: Sequence[Person], found: Trace, text: str) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    occasion = Occasion(now, " + ".join(person.name for person in people), args.reason)
    try:
        args.finding.write_text(
            page(found, text, occasion, html=args.finding.suffix.lower() in (".html", ".htm")), "utf-8"
        )
    except OSError as error:
        raise GatewayError(f"the finding cannot be written ({error.strerror})", str(args.finding)) from error


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _list(words: Sequence[str]) -> str:
    return ", ".join(words) or "nobody"
