"""`hangu policy replay DIR --against NEW`: recorded exchanges judged by other policies, and what would have been different.

The record keeps texts as redaction left them, so what it took out is not judged again; and texts that were withheld
cannot be. Both are counted and said. Replays nothing to a model.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from gateway import settings
from gateway.audit.query import Entry, Filter, open_query
from gateway.audit.record import Opened
from gateway.cli import policy_candidate
from gateway.cli.words import say
from gateway.core.exchange import Action, Exchange, Kind, Passage, Peer, Principal
from gateway.core.pipeline import Gate, judge

FINE, FOUND = 0, 1
SHOWN = 20  # differences listed one by one; the rest is counted
TOLD_EVERY = 100  # exchanges between two signs of progress: some tenths of a second
NOT_POLICY = frozenset({"identity"})  # papers cannot be shown again


class Recorded(Protocol):
    """All that replay asks of the record."""

    def find(self, wanted: Filter) -> Iterator[Entry]: ...


@dataclass(frozen=True, slots=True)
class _Told:
    """A record that says on a terminal how far it has been read: judging thousands again takes minutes."""

    record: Recorded

    def find(self, wanted: Filter) -> Iterator[Entry]:
        told = sys.stderr.isatty()
        number = 0
        for number, entry in enumerate(self.record.find(wanted), 1):
            yield entry
            if told and number % TOLD_EVERY == 0:
                print(f"\r{number}", end="", file=sys.stderr, flush=True)
        if told and number >= TOLD_EVERY:
            print(f"\r{number}", file=sys.stderr)


@dataclass(frozen=True, slots=True)
class Difference:
    """One exchange that would have been decided otherwise: "allowed" or a code, then and now."""

    id: str
    who: str
    then: str
    now: str
    rule: str


@dataclass(frozen=True, slots=True)
class Replay:
    """What was judged again, what could not be, and what differs."""

    judged: int
    without_text: int
    not_identified: int
    differences: tuple[Difference, ...]


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "directory", metavar="DIR", type=Path, help=say("the site whose record it is", "记录所属的站点")
    )
    parser.add_argument("--against", metavar="NEW", type=Path, required=True, help=say("other policies", "另一套策略"))
    parser.add_argument(
        "--since", metavar="TIME", type=_time, help=say("ISO date or time, UTC", "ISO 日期或时间（UTC）")
    )
    parser.add_argument(
        "--until", metavar="TIME", type=_time, help=say("ISO date or time, UTC", "ISO 日期或时间（UTC）")
    )
    parser.add_argument("--limit", type=int, default=100_000, help=say("most exchanges", "最多交互数"))
    parser.add_argument(
        "--exit-code", action="store_true", help=say("exit 1 when something differs", "有差异时以 1 退出")
    )
    parser.set_defaults(task=run)


def run(args: argparse.Namespace) -> int:
    site = settings.load(args.directory, complete=False)
    candidate = policy_candidate.load(args.against)
    wanted = Filter(since=args.since, until=args.until, kinds=("opened",), limit=args.limit)
    with open_query(Path(site.audit.directory)) as record:
        found = replay(_Told(record), wanted, candidate.gate)
    _tell(found)
    return FOUND if args.exit_code and found.differences else FINE


def replay(record: Recorded, wanted: Filter, gate: Gate) -> Replay:
    """Every recorded request through another gate, in the order and at the times it came."""
    judged = without_text = not_identified = 0
    differences: list[Difference] = []
    for entry in record.find(wanted):
        opened = entry.record
        if not isinstance(opened, Opened):
            continue
        if not opened.user or opened.action == Action.UNKNOWN:
            not_identified += 1
            continue
        judged += 1
        without_text += opened.withheld
        differences += _difference(opened, gate)
    return Replay(judged, without_text, not_identified, tuple(differences))


def _difference(opened: Opened, gate: Gate) -> Iterable[Difference]:
    stages = [stage for stage in gate.stages if stage.name not in NOT_POLICY]
    found = judge(stages, exchange_of(opened), lambda: 0.0)
    then, now = opened.code or "allowed", found.refusal.code.value if found.refusal else "allowed"
    if then == now or (opened.withheld and now == "allowed"):  # without its text, nothing says it would be allowed
        return
    last = found.rulings[-1].findings if found.refusal else ()
    who = f"{opened.user} ({opened.tenant}: {', '.join(opened.roles) or '-'})"
    yield Difference(opened.id, who, then, now, last[0].rule if last else "")


def exchange_of(opened: Opened) -> Exchange:
    """The exchange as far as the record has it."""
    return Exchange(
        id=opened.id,
        received_at=opened.at / 1000,
        peer=Peer(opened.address),
        route=opened.route,
        action=Action(opened.action),
        model=opened.model,
        passages=tuple(Passage(text.where, text.role, text.text, Kind(text.kind)) for text in opened.passages),
        parameters=opened.parameters,
        streaming=opened.streaming,
        principal=Principal(opened.user, opened.tenant, opened.roles, opened.certificate, opened.method),
    )


def _tell(found: Replay) -> None:
    print(say(f"{found.judged} recorded exchanges judged again", f"重新判定 {found.judged} 个已记录的交互"))
    if found.without_text:
        print(
            say(
                f"  {found.without_text} of them without their texts, which were not kept: who and what, not content",
                f"  其中 {found.without_text} 个未保留文本：只判定主体与操作，不判定内容",
            )
        )
    if found.not_identified:
        print(
            say(
                f"  {found.not_identified} left out: nobody was identified",
                f"  略去 {found.not_identified} 个：未识别主体",
            )
        )
    counted = Counter((one.then, one.now) for one in found.differences)
    for (then, now), count in counted.most_common():
        print(f"{count:7}  {then} → {now}")
    for one in found.differences[:SHOWN]:
        print(f"         {one.id}  {one.who}  {one.then} → {one.now}  {one.rule}")
    if not found.differences:
        print(say("nothing would have been decided otherwise", "判定结果不会有任何不同"))


def _time(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time: write 2026-11-24 or 2026-11-24T08:00:00") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
