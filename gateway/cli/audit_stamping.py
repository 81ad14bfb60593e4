"""`hangu audit stamp`: have an authority (RFC 3161) confirm what is sealed now, or check what it confirmed. Run it daily."""

from __future__ import annotations

import argparse
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.audit.checkpoint import Checkpoint
from gateway.audit.frames import origins
from gateway.audit.proof import newest
from gateway.cli.words import say
from gateway.core.errors import AuditError

if TYPE_CHECKING:
    from gateway.cli.audit import Place, Verbs

TIMEOUT_SECONDS = 30
MAX_ANSWER_BYTES = 1 << 16  # a stamp with its certificates has some 5 KB


def configure(verbs: Verbs[argparse.ArgumentParser]) -> None:
    """Ask, or check."""
    from gateway.cli.audit import add_verb

    words = say("have a time-stamp authority confirm what is sealed", "由时间戳机构确认已封存的记录")
    one = add_verb(verbs, "stamp", _stamp, words)
    either = one.add_mutually_exclusive_group(required=True)
    either.add_argument("--tsa", metavar="URL", help=say("the authority's address", "时间戳机构地址"))
    text = say("check the stamps with its root certificate", "用其根证书校验已有时间戳")
    either.add_argument("--check", type=Path, metavar="FILE", help=text)


def _stamp(args: argparse.Namespace, place: Place) -> int:
    from gateway.audit import stamp  # an extra: its library is not everybody's

    if args.check is not None:
        for confirmed in stamp.check(place.directory, args.check.read_bytes()):
            size, name = confirmed.checkpoint.size, confirmed.checkpoint.name
            when = confirmed.when.isoformat()
            print(say(f"{name}: {size} records at {when}", f"{name}：{when} 时有 {size} 条记录"))
        return 0
    for origin in origins(place.directory):
        checkpoint = newest(place.directory, origin)
        path = stamp.keep(place.directory, checkpoint, _ask(args.tsa, stamp.question(checkpoint), checkpoint))
        print(say(f"kept {path.name}", f"已保存 {path.name}"))
    return 0


def _ask(url: str, question: bytes, checkpoint: Checkpoint) -> bytes:
    if not url.startswith(("http://", "https://")):
        raise AuditError("not an http address", url)
    headers = {"content-type": "application/timestamp-query", "accept": "application/timestamp-reply"}
    request = urllib.request.Request(url, question, headers)  # noqa: S310 (checked above)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as told:  # noqa: S310
            return bytes(told.read(MAX_ANSWER_BYTES))
    except urllib.error.URLError as error:
        raise AuditError(f"the authority does not answer: {error.reason}", checkpoint.name) from error
