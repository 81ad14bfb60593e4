"""`hangu audit erase` and `reveal`: the verbs that touch what is kept. Who asks is known by a token of the site, as at its door.

Each writes to the record before it does anything, in a log of its own beside the gateway's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt

from gateway import keys
from gateway.audit import disclosure
from gateway.audit.disclosure import Person, Revealed
from gateway.audit.journal import Journal
from gateway.audit.projection import Projection
from gateway.cli.words import say
from gateway.core.errors import AuditError
from policies import originals
from policies.problem import PolicyInvalid

if TYPE_CHECKING:
    from gateway.cli.audit import Place, Verbs

ORIGIN = "cli"  # a log of its own: the gateway's may be being written
ALGORITHMS = ["EdDSA", "ES256", "RS256"]


def configure(verbs: Verbs[argparse.ArgumentParser]) -> None:
    """Arguments of both."""
    from gateway.cli.audit import add_verb

    one = add_verb(verbs, "erase", _erase, say("erase one caller's texts", "删除某个调用者的正文"))
    one.add_argument("--tenant", required=True)
    one.add_argument("--user", required=True)
    asked_by(one)
    either = one.add_mutually_exclusive_group()
    either.add_argument("--hold", action="store_true", help=say("forbid erasing instead", "改为禁止删除（诉讼保全）"))
    either.add_argument("--release", action="store_true", help=say("allow erasing again", "解除禁止"))
    one = add_verb(verbs, "reveal", _reveal, say("show the original texts of an exchange", "显示某次交互的原文"))
    one.add_argument("exchange", metavar="ID")
    one.add_argument("--format", choices=("text", "json"), default="text")
    asked_by(one)


def asked_by(parser: argparse.ArgumentParser) -> None:
    """Who asks, and why."""
    parser.add_argument("--reason", required=True, help=say("goes on the record", "将写入审计记录"))
    text = say("token of an auditor; twice where two are needed", "审计员的令牌；需要双人时给出两次")
    parser.add_argument("--token", action="append", required=True, type=Path, metavar="FILE", help=text)


def _erase(args: argparse.Namespace, place: Place) -> int:
    return asyncio.run(_erasing(args, place))


async def _erasing(args: argparse.Namespace, place: Place) -> int:
    person, whose, now = identified(args)[0], (args.tenant, args.user), time.time()
    async with open_journal(place) as journal:
        if args.hold or args.release:
            act = disclosure.hold if args.hold else disclosure.release
            await act(journal, person, *whose, args.reason, now)
            print(say("recorded", "已记录"))
            return 0
        vault = keys.subjects(place.settings)
        done = await disclosure.erase(place.directory, journal, vault, person, whose, args.reason, now)
    words = say(f"erased the texts of {done.records} records", f"已删除 {done.records} 条记录的正文")
    print(words + (say(", and the key of what was sealed", "，并销毁了封存原文的密钥") if done.key_destroyed else ""))
    return 0


def _reveal(args: argparse.Namespace, place: Place) -> int:
    return asyncio.run(_revealing(args, place))


async def _revealing(args: argparse.Namespace, place: Place) -> int:
    vault = keys.vault(place.settings)
    if vault is None:
        hint = "originals are kept where policies/originals.yaml says so"
        raise AuditError("nothing is sealed at this site", "[audit] sealing_key", hint)
    needed = _needed(args.site, place)
    async with open_journal(place) as journal:
        with Projection.open(place.directory) as record:
            shown = await disclosure.reveal(
                journal, vault, record, identified(args), args.exchange, args.reason, time.time(), needed=needed
            )
    print(_as_json(shown) if args.format == "json" else _as_text(shown))
    return 0


def _as_text(shown: Revealed) -> str:
    """Each text under the place it was in."""
    return "\n\n".join(f"[{where}]\n{text}" for where, text in (*shown.request, *shown.answer))


def _as_json(shown: Revealed) -> str:
    told = {"request": shown.request, "answer": shown.answer}
    plain = {name: [{"where": where, "text": text} for where, text in words] for name, words in told.items()}
    return json.dumps(plain, ensure_ascii=False, indent=2)


def identified(args: argparse.Namespace) -> list[Person]:
    """Who asks, by the tokens that were given."""
    return persons(args.site, args.token)


def persons(site: Path, tokens: Sequence[Path]) -> list[Person]:
    """Whom the tokens speak for, checked with the site's own keys. Raises AuditError for a token that is not good here."""
    identity = _settings(site).get("identity", {})
    keys = [(site / name).read_bytes() for name in identity.get("keys", ["keys/tokens.pem"])]
    return [_person(path, keys, identity) for path in tokens]


def _person(path: Path, keys: Sequence[bytes], identity: dict[str, Any]) -> Person:
    token, problem = path.read_text().strip(), "no key to check it with"
    for key in keys:
        try:
            told = jwt.decode(
                token, key, algorithms=ALGORITHMS, audience=identity.get("audience"), issuer=identity.get("issuer"),
                options={"require": ["exp", "sub"]},
            )  # fmt: skip
        except jwt.InvalidTokenError as error:
            problem = str(error).lower()
        else:
            return Person(f"{told.get('tenant', '')}/{told['sub']}", tuple(told.get("roles", ())))
    raise AuditError(f"the token is not good here: {problem}", str(path))


def open_journal(place: Place) -> Journal:
    """The command line's own log at a site, sealed like the gateway's."""
    signer = place.signer()
    return Journal.open(
        place.directory,
        ORIGIN,
        signer=signer,
        copies=place.copies,
        retired=keys.retired(place.public_file, signer),
        heads_kept=place.settings.checkpoints_kept,
    )


def _needed(site: Path, place: Place) -> disclosure.Needed:
    """How many auditors it takes: two where the settings say so for all, else as many as policy says for this caller."""
    if place.settings.reveal_by_two:
        return 2
    folder = site / _settings(site).get("policies", {}).get("directory", "policies")
    file = folder / originals.FILES[0]
    try:
        return originals.parse({file.name: file.read_bytes()} if file.exists() else {}).needed
    except PolicyInvalid as invalid:
        raise AuditError(f"whose originals are kept cannot be told: {invalid}", str(file), "mend it first") from invalid


def _settings(site: Path) -> dict[str, Any]:
    path = site / "gateway.toml"
    return tomllib.loads(path.read_text()) if path.exists() else {}
