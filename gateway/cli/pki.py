"""`hangu pki`: certificates and tokens of a small site. Signing lives in `gateway.pki`; larger firms use their own authority."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from gateway.cli.words import say
from gateway.core.errors import GatewayError
from gateway.pki import files, store
from gateway.pki.tokens import Caller, Issuer, issue_token, new_signing_key
from gateway.settings import load
from gateway.site import SERVER_NAMES, add_caller, write_papers

NAME = "pki"
HELP = {"en": "certificates for small sites", "zh": "小型站点的证书管理"}


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _verb(verbs, "init", _init, say("make an authority, where a site has none", "为没有证书机构的站点创建一个"))
    issue = _verb(
        verbs, "issue", _issue, say("certificate, key and token for a caller", "为调用方签发证书、密钥和令牌")
    )
    issue.add_argument("name", metavar="NAME", help=say("small letters, digits, hyphens", "小写字母、数字和连字符"))
    issue.add_argument("--tenant", default="demo", help=say("its tenant", "所属租户"))
    issue.add_argument("--role", action="append", required=True, help=say("a role (repeatable)", "角色（可重复）"))
    renew = _verb(verbs, "renew", _renew, say("new certificate, key and token", "更新证书、密钥和令牌"))
    renew.add_argument("name", metavar="NAME", help=say('a caller, or "server"', "调用方名称，或 “server”"))
    renew.add_argument(
        "--revoke-old", action="store_true", help=say("also revoke the caller's older ones", "同时吊销其旧证书")
    )
    revoke = _verb(verbs, "revoke", _revoke, say("revoke a caller's certificates", "吊销调用方的证书"))
    revoke.add_argument("name", metavar="NAME")
    _verb(verbs, "crl", _crl, say("publish the revocation list anew, before it expires", "在过期前重新发布吊销列表"))
    _verb(verbs, "list", _list, say("what was issued", "列出已签发的证书"))


def run(args: argparse.Namespace) -> int:
    try:
        act: Callable[[argparse.Namespace, datetime], None] = args.act
        act(args, datetime.now(UTC))
    except GatewayError as error:
        print(f"hangu pki: {error}", file=sys.stderr)
        return 1
    return 0


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    act: Callable[[argparse.Namespace, datetime], None],
    help_: str,
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=help_, description=help_)
    parser.add_argument("directory", metavar="DIR", type=Path, help=say("the site", "站点目录"))
    parser.set_defaults(act=act)
    return parser


def _init(args: argparse.Namespace, now: datetime) -> None:
    store.found(args.directory / "pki", f"Hangu site authority {now:%Y-%m-%d}", SERVER_NAMES, now)
    private, public = new_signing_key()
    files.private_directory(args.directory / "keys")
    files.write_new(args.directory / "keys" / "tokens.key", private, files.PRIVATE)
    files.write_new(args.directory / "keys" / "tokens.pem", public)
    _tell(f"an authority is ready in {args.directory / 'pki'}", f"证书机构已建好：{args.directory / 'pki'}")


def _issue(args: argparse.Namespace, now: datetime) -> None:
    if args.name == store.SERVER:
        raise GatewayError(f'"{store.SERVER}" is the name of the gateway itself', hint="choose another name")
    caller = Caller(args.name, args.tenant, tuple(args.role))
    folder = add_caller(args.directory, caller, _issuer(args.directory), now)
    _tell(f"issued: {folder}", f"已签发：{folder}")


def _renew(args: argparse.Namespace, now: datetime) -> None:
    if args.name == store.SERVER:
        names = load(args.directory, complete=False).listen.bare_names
        store.renew_server(args.directory / "pki", names, now)
        _tell("the server has a new certificate; take it up with SIGHUP", "服务器证书已更新；发送 SIGHUP 使其生效")
        return
    issuer = _issuer(args.directory)  # first: a certificate without its token is of no use
    issued, entry = store.renew_client(args.directory / "pki", args.name, now)
    token = issue_token(issuer, Caller(entry.name, entry.tenant, entry.roles), issued.certificate, now)
    write_papers(files.private_directory(args.directory / "clients" / args.name), issued, token)
    if args.revoke_old:
        store.revoke(args.directory / "pki", args.name, now, keep_newest=True)
    _tell(f"renewed: {args.directory / 'clients' / args.name}", f"已更新：{args.directory / 'clients' / args.name}")


def _revoke(args: argparse.Namespace, now: datetime) -> None:
    gone = store.revoke(args.directory / "pki", args.name, now)
    serials = ", ".join(entry.serial for entry in gone)
    _tell(
        f"revoked: {serials}; take the list up with SIGHUP",
        f"已吊销：{serials}；发送 SIGHUP 使吊销列表生效",
    )
    _warn_if_another_list_is_used(args.directory)


def _crl(args: argparse.Namespace, now: datetime) -> None:
    store.publish(args.directory / "pki", now)
    _tell("a new revocation list is published; take it up with SIGHUP", "新的吊销列表已发布；发送 SIGHUP 使其生效")
    _warn_if_another_list_is_used(args.directory)


def _list(args: argparse.Namespace, now: datetime) -> None:
    for entry in store.load_ledger(args.directory / "pki").entries:
        expired = datetime.fromisoformat(entry.expires) <= now
        state = (
            say("revoked", "已吊销") if entry.revoked else say("expired", "已过期") if expired else say("valid", "有效")
        )
        print(f"{entry.name}\t{entry.kind}\t{state}\t{entry.expires}\t{entry.serial}\t{' '.join(entry.roles)}")


def _issuer(directory: Path) -> Issuer:
    """Who signs tokens here. A site whose tokens come from an identity provider has no such key."""
    key = directory / "keys" / "tokens.key"
    identity = load(directory, complete=False).identity
    try:
        return Issuer(identity.issuer, identity.audience, key.read_bytes())
    except OSError as error:
        hint = "tokens of this site come from its identity provider"
        raise GatewayError(f"cannot be read ({error.strerror})", str(key), hint) from error


def _warn_if_another_list_is_used(directory: Path) -> None:
    if not (directory / "gateway.toml").exists():
        return
    used = load(directory, complete=False).tls.crl
    if used is None or used.resolve() != (directory / "pki" / "crl.pem").resolve():
        print(
            say(
                "warning: tls.crl in gateway.toml names another list, or none: the gateway does not see this one",
                "警告：gateway.toml 中的 tls.crl 指向另一个列表或未设置：网关看不到此列表",
            ),
            file=sys.stderr,
        )


def _tell(english: str, chinese: str) -> None:
    print(say(english, chinese))
