"""`hangu audit note`: put on record what happened outside the gateway and belongs to its evidence, and who says so.

A closed list of kinds: reports look for these words, and the record is no notebook.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.audit.record import Event, event
from gateway.cli.words import say
from gateway.core.errors import AuditError

if TYPE_CHECKING:
    from gateway.cli.audit import Place, Verbs

KINDS = {  # what each is, and the facts that reports read
    "clock.checked": ("the clock was compared, --fact offset_ms=N", "已校对时钟，--fact offset_ms=N"),
    "backup.restored": ("a restore was tried", "已进行恢复演练"),
    "evaluation.finished": ("the guards were evaluated", "已完成防护评测"),
    "subject.requested": (
        "somebody asked for its data, --fact what=erasure|access",
        "数据主体提出请求，--fact what=erasure|access",
    ),
}
MAX_CHARS = 256  # of one fact: words and numbers, never content
MAY_NOTE = frozenset({"operator", "auditor"})


def configure(verbs: Verbs[argparse.ArgumentParser]) -> None:
    """What happened, and who says so."""
    from gateway.cli.audit import add_verb

    words = say("put on record what happened outside the gateway", "将网关之外发生的事项写入审计记录")
    one = add_verb(verbs, "note", _note, words)
    kinds = "; ".join(f"{kind}: {say(*told)}" for kind, told in KINDS.items())
    one.add_argument("kind", choices=tuple(KINDS), metavar="KIND", help=kinds)
    one.add_argument("--tenant", default="")
    one.add_argument("--subject", default="", help=say("whom or what it is about", "所涉对象"))
    text = say("more about it; may be repeated", "补充信息，可重复")
    one.add_argument("--fact", action="append", default=[], metavar="NAME=VALUE", help=text)
    text = say("token of an operator or auditor", "运维或审计员的令牌")
    one.add_argument("--token", required=True, type=Path, metavar="FILE", help=text)


def _note(args: argparse.Namespace, place: Place) -> int:
    from gateway.cli.audit_writing import persons

    (person,) = persons(args.site, [args.token])
    if not MAY_NOTE & set(person.roles):
        raise AuditError("this needs the role operator or auditor", person.name, "sign in as one of them")
    facts = dict(_fact(text) for text in args.fact)
    asyncio.run(
        noted(place, event(args.kind, time.time(), facts, actor=person.name, tenant=args.tenant, subject=args.subject))
    )
    print(say("recorded", "已记录"))
    return 0


def _fact(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier() or len(value) > MAX_CHARS:
        raise AuditError(f"not a fact: {text[:80]!r}", "--fact", f"write name=value, at most {MAX_CHARS} characters")
    return name, value


async def noted(place: Place, what: Event) -> None:
    """Durable, in the command line's own log."""
    from gateway.cli.audit_writing import open_journal

    async with open_journal(place) as journal:
        await journal.append(what)
