"""`hangu audit erase`, `reveal` and `rekey`: the verbs that touch what is kept. Who asks is known by a token of the site, as at its door.

Each writes to the record before it does anything, in a log of its own beside the gateway's.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt

from gateway.audit import disclosure
from gateway.audit.disclosure import Person
from gateway.audit.disk import replace_durably
from gateway.audit.journal import Journal
from gateway.audit.projection import Projection
from gateway.audit.record import event
from gateway.audit.seal import FileSigner
from gateway.audit.vault import KEY_BYTES, Key, Vault
from gateway.cli.words import say
from gateway.core.errors import AuditError

if TYPE_CHECKING:
    from gateway.cli.audit import Place, Verbs

ORIGIN = "cli"  # a log of its own: the gateway's may be being written
ALGORITHMS = ["EdDSA", "ES256", "RS256"]


def configure(verbs: Verbs[argparse.ArgumentParser]) -> None:
    """Arguments of all three."""
    from gateway.cli.audit import add_verb

    one = add_verb(verbs, "erase", _erase, say("erase one caller's texts", "删除某个调用者的正文"))
    one.add_argument("--tenant", required=True)
    one.add_argument("--user", required=True)
    _who(one)
    either = one.add_mutually_exclusive_group()
    either.add_argument("--hold", action="store_true", help=say("forbid erasing instead", "改为禁止删除（诉讼保全）"))
    either.add_argument("--release", action="store_true", help=say("allow erasing again", "解除禁止"))
    one = add_verb(verbs, "reveal", _reveal, say("show the original texts of an exchange", "显示某次交互的原文"))
    one.add_argument("exchange", metavar="ID")
    _who(one)
    words = say("make the key that originals are sealed with, or replace it", "生成或更换封存原文的主密钥")
    _who(add_verb(verbs, "rekey", _rekey, words))


def _who(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", required=True, help=say("goes on the record", "将写入审计记录"))
    text = say("token of an auditor; twice where two are needed", "审计员的令牌；需要双人时给出两次")
    parser.add_argument("--token", action="append", required=True, type=Path, metavar="FILE", help=text)


def _erase(args: argparse.Namespace, place: Place) -> int:
    return asyncio.run(_erasing(args, place))


async def _erasing(args: argparse.Namespace, place: Place) -> int:
    person, whose, now = persons(args.site, args.token)[0], (args.tenant, args.user), time.time()
    async with open_journal(place) as journal:
        if args.hold or args.release:
            act = disclosure.hold if args.hold else disclosure.release
            await act(journal, person, *whose, args.reason, now)
            print(say("recorded", "已记录"))
            return 0
        done = await disclosure.erase(place.directory, journal, _vault(args.site), person, whose, args.reason, now)
    words = say(f"erased the texts of {done.records} records", f"已删除 {done.records} 条记录的正文")
    print(words + (say(", and the key of what was sealed", "，并销毁了封存原文的密钥") if done.key_destroyed else ""))
    return 0


def _reveal(args: argparse.Namespace, place: Place) -> int:
    return asyncio.run(_revealing(args, place))


async def _revealing(args: argparse.Namespace, place: Place) -> int:
    vault = _vault(args.site)
    if vault is None:
        raise AuditError(
            "nothing is sealed at this site", str(_sealing_key(args.site)), "originals are kept where policy says so"
        )
    needed = 2 if _settings(args.site).get("audit", {}).get("reveal_by_two") else 1
    async with open_journal(place) as journal:
        with Projection.open(place.directory) as record:
            who = persons(args.site, args.token)
            texts = await disclosure.reveal(
                journal, vault, record, who, args.exchange, args.reason, time.time(), needed=needed
            )
    print("\n\n".join(texts))
    return 0


def _rekey(args: argparse.Namespace, place: Place) -> int:
    return asyncio.run(_rekeying(args, place))


async def _rekeying(args: argparse.Namespace, place: Place) -> int:
    """The new key is kept under another name until every tenant's key is under it: a crash in between loses nothing."""
    person = persons(args.site, args.token)[0]
    if "operator" not in person.roles:
        raise AuditError("this needs the role operator", person.name, "sign in as an operator")
    path = _sealing_key(args.site)
    coming = path.with_name("sealing.key.next")
    if not coming.exists():
        replace_durably(coming, secrets.token_bytes(KEY_BYTES).hex().encode())
        coming.chmod(0o600)
    vault = _vault(args.site)
    async with open_journal(place) as journal:
        await journal.append(event("key.replaced", time.time(), {"reason": args.reason}, actor=person.name))
        count = vault.rewrap(Key(bytes.fromhex(coming.read_text()))) if vault else 0
    coming.replace(path)
    print(say(f"wrapped the keys of {count} tenants anew", f"已用新主密钥重新封装 {count} 个租户的密钥"))
    return 0


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
    return Journal.open(place.directory, ORIGIN, signer=FileSigner.load(place.signing_key), copies=place.copies)


def _vault(site: Path) -> Vault | None:
    path = _sealing_key(site)
    return Vault(path.parent / "subjects", Key(bytes.fromhex(path.read_text().strip()))) if path.exists() else None


def _sealing_key(site: Path) -> Path:
    return site / "keys" / "sealing.key"


def _settings(site: Path) -> dict[str, Any]:
    path = site / "gateway.toml"
    return tomllib.loads(path.read_text()) if path.exists() else {}
