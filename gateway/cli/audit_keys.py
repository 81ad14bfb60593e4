"""`hangu audit rekey`, `rotate` and `finish`: new keys in the place of old ones, and an end for logs whose worker is gone.

Operators do these, with a reason, and each is on the record. Wrapping is `audit.vault`'s, signing `audit.seal`'s.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gateway import keys
from gateway.audit.adoption import finish, orphans
from gateway.audit.checkpoint import public_pem
from gateway.audit.disk import replace_durably, sync_directory
from gateway.audit.journal import Journal
from gateway.audit.record import event
from gateway.audit.seal import FileSigner, Signer, generate_key
from gateway.audit.vault import KEY_BYTES, Master, Vault
from gateway.cli.audit_writing import ORIGIN, asked_by, identified, open_journal
from gateway.cli.words import say
from gateway.core.errors import AuditError
from gateway.pki import files
from gateway.settings import Secret, TokenKey

if TYPE_CHECKING:
    from gateway.cli.audit import Place, Verbs


def configure(verbs: Verbs[argparse.ArgumentParser]) -> None:
    """Arguments of all three."""
    from gateway.cli.audit import add_verb

    words = say("make the key that originals are sealed with, or replace it", "生成或更换封存原文的主密钥")
    asked_by(add_verb(verbs, "rekey", _rekey, words))
    words = say("replace the key that signs the record", "更换签署审计记录的密钥")
    asked_by(add_verb(verbs, "rotate", _rotate, words))
    words = say("give an end to logs whose worker is gone", "为已不存在的工作进程的日志补写结束记录")
    asked_by(add_verb(verbs, "finish", _finish, words))


# ---- the key that wraps


def _rekey(args: argparse.Namespace, place: Place) -> int:
    return asyncio.run(_rekeying(args, place))


async def _rekeying(args: argparse.Namespace, place: Place) -> int:
    """A new key in a file is kept under another name until every tenant's key is under it: a crash in between loses nothing."""
    person = _operator(args)
    named, coming = place.settings.sealing_key, place.settings.sealing_key_next
    if named is None:
        raise AuditError("this site names no sealing key", "[audit] sealing_key", 'write {file = "keys/sealing.key"}')
    facts = {"key": "sealing", "reason": args.reason}
    async with open_journal(place) as journal:
        await journal.append(event("key.replaced", time.time(), facts, actor=person))
        if coming is not None:
            count = _vault(place, named).rewrap(keys.one_master(coming))
        else:
            count = _in_its_file(place, named)
    print(say(f"wrapped the keys of {count} tenants anew", f"已用新主密钥重新封装 {count} 个租户的密钥"))
    if coming is not None:
        words = "now name sealing_key_next as sealing_key, remove sealing_key_next, and restart"
        print(say(words, "请将 sealing_key_next 改写为 sealing_key，删除 sealing_key_next，然后重启"))
    return 0


def _in_its_file(place: Place, named: Secret | TokenKey) -> int:
    if isinstance(named, TokenKey) or named.file is None:
        hint = "name the one to come as sealing_key_next, restart, and run this again"
        raise AuditError("only a key in a file is replaced in its place", named.source, hint)
    path, fresh = named.file, named.file.with_name(f"{named.file.name}.next")
    if not fresh.exists():
        _write_private(fresh, secrets.token_bytes(KEY_BYTES).hex().encode())
    if not path.exists():
        fresh.replace(path)
        return 0
    return _vault(place, named).rewrap(keys.one_master(Secret(file=fresh)), lambda: fresh.replace(path))


def _vault(place: Place, named: Secret | TokenKey) -> Vault:
    master: Master = keys.one_master(named)
    return Vault(Path(place.settings.subject_keys), master)


# ---- the key that signs


def _rotate(args: argparse.Namespace, place: Place) -> int:
    return asyncio.run(_rotating(args, place))


async def _rotating(args: argparse.Namespace, place: Place) -> int:
    """The public half goes first in its file before anything is signed with the new key. May be run again after a crash."""
    person = _operator(args)
    signer, fresh = _coming(place)
    old = [key for key in place.publics if key != signer.public]
    replace_durably(place.public_file, b"".join(map(public_pem, (signer.public, *old))))
    place.public_file.chmod(0o644)
    facts = {"key": "signing", "public": signer.public.hex(), "reason": args.reason}
    opening = partial(_open, place, signer, old, person)
    async with opening(ORIGIN) as journal:
        await journal.append(event("key.replaced", time.time(), facts, actor=person))
    if fresh is not None:
        fresh.replace(_file(place))
    done = await _finishing(place, signer, opening)
    print(say(f"{place.public_file} begins with the new key", f"{place.public_file} 已以新公钥开头"))
    print(say(f"signed anew: {done}", f"已用新密钥签署：{done}"))
    print(say("send SIGHUP to the gateway now", "请立即向网关发送 SIGHUP"))
    return 0


def _coming(place: Place) -> tuple[Signer, Path | None]:
    """The new key: made beside the old one's file, or what the settings name by now."""
    named = place.settings.signing_key
    if isinstance(named, TokenKey) or named.file is None:
        signer = place.signer()
        if signer.public == place.public:
            hint = "make another key, name it as [audit] signing_key, and run this again"
            raise AuditError("the signing key is the one in use already", named.source, hint)
        return signer, None
    fresh = named.file.with_name(f"{named.file.name}.next")
    if not fresh.exists():
        _write_private(fresh, generate_key()[0])
    return FileSigner.load(fresh), fresh


def _file(place: Place) -> Path:
    named = place.settings.signing_key
    assert isinstance(named, Secret)
    assert named.file is not None
    return named.file


# ---- logs whose worker is gone


def _finish(args: argparse.Namespace, place: Place) -> int:
    return asyncio.run(_finishing_all(args, place))


async def _finishing_all(args: argparse.Namespace, place: Place) -> int:
    person, signer = _operator(args), place.signer()
    opening = partial(_open, place, signer, list(keys.retired(place.public_file, signer)), person)
    async with opening(ORIGIN) as journal:
        await journal.append(event("journal.finishing", time.time(), {"reason": args.reason}, actor=person))
    done = await _finishing(place, signer, opening)
    print(say(f"finished: {done}", f"已补写：{done}"))
    return 0


async def _finishing(place: Place, signer: Signer, opening: partial[Journal]) -> str:
    found = orphans(place.directory, signer.public, {ORIGIN})
    done = [origin for origin in found if await finish(origin, opening)]
    return ", ".join(done) or say("none", "无")


def _open(place: Place, signer: Signer, retired: list[bytes], actor: str, origin: str) -> Journal:
    """Somebody's log, by the hand of who asked."""
    return Journal.open(
        place.directory,
        origin,
        signer=signer,
        copies=place.copies,
        retired=retired,
        heads_kept=place.settings.checkpoints_kept,
        actor=actor,
    )


def _operator(args: argparse.Namespace) -> str:
    person = identified(args)[0]
    if "operator" not in person.roles:
        raise AuditError("this needs the role operator", person.name, "sign in as an operator")
    return person.name


def _write_private(path: Path, data: bytes) -> None:
    """Whole and durably, and nobody else's to read from the first byte on."""
    files.replace(path, data, files.PRIVATE)
    sync_directory(path.parent)
