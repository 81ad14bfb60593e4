"""Certificates, revocation lists and key files: valid, long enough, belonging together, private. Who may ask is not looked at."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from pydantic import BaseModel

from gateway import keys
from gateway.audit.checkpoint import public_keys
from gateway.audit.vault import Vault
from gateway.core.errors import AuditError, GatewayError, SettingsError
from gateway.doctor.check import Check, State
from gateway.http import tls
from gateway.settings import Secret, Settings, TokenKey

CERTIFICATE_WARNING = timedelta(days=21)  # time to get a new one from a slow authority
CRL_WARNING = timedelta(days=14)  # or a fifth of a list's life: those of large authorities live for a week

SERVER = ("server certificate", "服务器证书")
CLIENT_CA = ("client authorities", "客户端证书机构")
CRL = ("revocation list", "吊销列表")
AUDIT_KEYS = ("audit keys", "审计密钥")
SEALING_KEY = ("sealing key", "封存密钥")
MARK_KEY = ("key of marks", "水印密钥")
KEYS = ("key files", "密钥文件")


def check_papers(settings: Settings, now: datetime) -> list[Check]:
    """Everything about certificates and keys."""
    files = files_of(settings)
    try:
        tls.read(files)
    except SettingsError as error:
        hint = ("", "")
        if error.hint:
            hint = (error.hint, error.hint)
        return [Check(SERVER, State.PROBLEM, (f"{error.where}: {error.what}",) * 2, hint), *_modes(settings)]
    authorities = x509.load_pem_x509_certificates(files.client_ca.read_bytes())
    return [
        *_server(settings, now),
        *_authorities(authorities, now),
        *_revocation(files.crl, authorities, now),
        *_audit_keys(settings),
        *_sealing_keys(settings),
        *_mark_key(settings),
        *_modes(settings),
    ]


def files_of(settings: Settings) -> tls.Files:
    """The TLS files of a site."""
    key = settings.tls.key.file or Path()
    return tls.Files(settings.tls.certificate, key, settings.tls.client_ca, settings.tls.crl)


def _server(settings: Settings, now: datetime) -> Iterator[Check]:
    chain = x509.load_pem_x509_certificates(settings.tls.certificate.read_bytes())
    yield _validity(SERVER, min(one.not_valid_after_utc for one in chain), now)
    if chain[0].not_valid_before_utc > now:
        said = (f"not valid before {chain[0].not_valid_before_utc:%Y-%m-%d %H:%M} UTC",) * 2
        yield Check(SERVER, State.PROBLEM, said, ("is the clock right?", "系统时间是否正确？"))
    for signed, signer in pairwise(chain):
        if not _is_signed_by(signed, signer):
            said = ("the chain is out of order", "证书链顺序不正确")
            hint = ("the server's certificate first, then who signed it", "先放服务器证书，再依次放签发者证书")
            yield Check(SERVER, State.PROBLEM, said, hint)
    missing = [name for name in settings.listen.bare_names if name not in _names(chain[0])]
    if missing:
        said = (f"does not name {', '.join(missing)}", f"不包含名称 {', '.join(missing)}")
        hint = ("clients that use these names will refuse it", "使用这些名称的客户端会拒绝该证书")
        yield Check(SERVER, State.PROBLEM, said, hint)


def _authorities(authorities: Iterable[x509.Certificate], now: datetime) -> Iterator[Check]:
    for authority in authorities:
        check = _validity(CLIENT_CA, authority.not_valid_after_utc, now)
        name = authority.subject.rfc4514_string()
        yield Check(check.subject, check.state, tuple(f"{name}: {said}" for said in check.said), check.hint)  # type: ignore[arg-type]


def _revocation(path: Path | None, authorities: list[x509.Certificate], now: datetime) -> Iterator[Check]:
    if path is None:
        said = ("none is configured: a stolen certificate stays good", "未配置：被盗的证书将一直有效")
        yield Check(CRL, State.NOTE, said, ("set tls.crl", "设置 tls.crl"))
        return
    lists = list(tls.revocation_lists(path))
    for authority in authorities:
        signed = [crl for crl in lists if _is_list_of(crl, authority)]
        name = authority.subject.rfc4514_string()
        if not signed:
            said = (
                f"{name} has no list, so all its clients are refused",
                f"{name} 没有吊销列表，其所有客户端都会被拒绝",
            )
            yield Check(CRL, State.PROBLEM, said, (f"add its list to {path}", f"将其列表加入 {path}"))
        for crl in signed:
            yield _freshness(name, crl, now)


def _freshness(name: str, crl: x509.CertificateRevocationList, now: datetime) -> Check:
    due = crl.next_update_utc
    if due is None:
        return Check(CRL, State.FINE, (f"{name}: {len(crl)} revoked, no end",) * 2)
    hint = ("publish a new one: hangu pki crl DIR", "重新发布：hangu pki crl DIR")
    if due <= now:
        said = (
            f"{name}: expired on {due:%Y-%m-%d}, all clients are refused",
            f"{name}：已于 {due:%Y-%m-%d} 过期，所有客户端都会被拒绝",
        )
        return Check(CRL, State.PROBLEM, said, hint)
    said = (
        f"{name}: {len(crl)} revoked, good until {due:%Y-%m-%d}",
        f"{name}：已吊销 {len(crl)} 个，有效期至 {due:%Y-%m-%d}",
    )
    warning = min(CRL_WARNING, (due - crl.last_update_utc) / 5)
    return Check(CRL, State.PROBLEM if due - now < warning else State.FINE, said, hint)


def _audit_keys(settings: Settings) -> Iterator[Check]:
    """Whether the record's keys can be used, and auditors were given the one that it is sealed with."""
    try:
        signer = keys.signer(settings.audit.signing_key)
    except GatewayError as error:
        yield Check(AUDIT_KEYS, State.PROBLEM, (str(error),) * 2, ("see audit.signing_key", "参见 audit.signing_key"))
        return
    if isinstance(settings.audit.signing_key, TokenKey):
        yield Check(AUDIT_KEYS, State.FINE, (f"signs with {settings.audit.signing_key.source}",) * 2)
    if settings.audit.public_key is None:
        return
    try:
        current, *retired = public_keys(settings.audit.public_key.read_bytes())
    except (AuditError, OSError):
        said = ("audit.public_key holds no Ed25519 key in PEM", "audit.public_key 中没有 PEM 格式的 Ed25519 公钥")
        yield Check(AUDIT_KEYS, State.PROBLEM, said, ("see audit.public_key", "参见 audit.public_key"))
        return
    if current == signer.public:
        more = (f", and {len(retired)} retired", f"，另有 {len(retired)} 个已停用") if retired else ("", "")
        said = (f"both halves belong together{more[0]}", f"公私钥匹配{more[1]}")
        yield Check(AUDIT_KEYS, State.FINE, said)
    else:
        said = ("audit.public_key does not begin with the other half of audit.signing_key",) * 2
        hint = ("auditors could verify nothing: hangu audit rotate DIR", "审计员将无法校验：hangu audit rotate DIR")
        yield Check(AUDIT_KEYS, State.PROBLEM, said, hint)


def _sealing_keys(settings: Settings) -> Iterator[Check]:
    """Whether the topmost key of originals can be used, and opens what was put under it."""
    audit = settings.audit
    if audit.sealing_key is None:
        return
    hint = ("see audit.sealing_key", "参见 audit.sealing_key")
    try:
        master = keys.master(audit)
        assert master is not None
        master.unwrap(master.wrap(bytes(32), b"doctor"), b"doctor")
        shut = Vault(audit.subject_keys, master).shut_to(master) if audit.subject_keys.exists() else []
    except GatewayError as error:
        yield Check(SEALING_KEY, State.PROBLEM, (str(error),) * 2, hint)
        return
    if shut:
        names = ", ".join(shut[:5])
        said = (f"does not open what was sealed for {names}", f"无法打开为 {names} 封存的原文")
        yield Check(SEALING_KEY, State.PROBLEM, said, hint)
    elif audit.sealing_key_next is not None:
        said = ("another is coming in its place", "正在更换为另一密钥")
        how = ("finish with: hangu audit rekey DIR", "请完成：hangu audit rekey DIR")
        yield Check(SEALING_KEY, State.NOTE, said, how)
    else:
        yield Check(
            SEALING_KEY, State.FINE, (f"works: {audit.sealing_key.source}", f"可用：{audit.sealing_key.source}")
        )


def _mark_key(settings: Settings) -> Iterator[Check]:
    """Whether a key of marks that stays in a token can be used there."""
    named = settings.watermark.master_key
    if not isinstance(named, TokenKey):
        return
    try:
        keys.marks(settings.watermark)
    except GatewayError as error:
        how = ("see watermark.master_key", "参见 watermark.master_key")
        yield Check(MARK_KEY, State.PROBLEM, (str(error),) * 2, how)
        return
    yield Check(MARK_KEY, State.FINE, (f"works: {named.source}", f"可用：{named.source}"))


def _modes(settings: Settings) -> Iterator[Check]:
    open_ones = sorted({path for path in _secret_files(settings) if _is_open(path)})
    for path in open_ones:
        said = (f"{path} can be read by others", f"{path} 可被他人读取")
        yield Check(KEYS, State.PROBLEM, said, (f"chmod 600 {path}", f"chmod 600 {path}"))
    if not open_ones:
        yield Check(KEYS, State.FINE, ("readable by their owner alone", "仅所有者可读"))


def _secret_files(value: object) -> Iterator[Path]:
    match value:
        case Secret(file=Path() as path):
            yield path
        case TokenKey(pin=Secret(file=Path() as path)):
            yield path
        case BaseModel():
            for name in type(value).model_fields:
                yield from _secret_files(getattr(value, name))


def _is_open(path: Path) -> bool:
    """Whether group or others may read it, and may reach it. Mounted secrets often are, in a directory that is not."""
    if not path.exists() or not path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return False
    reachable = all(parent.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH) for parent in path.resolve().parents)
    return reachable and os.name == "posix"


def _validity(subject: tuple[str, str], end: datetime, now: datetime) -> Check:
    left = end - now
    if left <= timedelta(0):
        return Check(subject, State.PROBLEM, (f"expired on {end:%Y-%m-%d}", f"已于 {end:%Y-%m-%d} 过期"), _RENEW)
    said = (f"good until {end:%Y-%m-%d}", f"有效期至 {end:%Y-%m-%d}")
    return Check(subject, State.PROBLEM if left < CERTIFICATE_WARNING else State.FINE, said, _RENEW)


_RENEW = (
    "renew it: hangu pki renew DIR server, or ask its authority",
    "更新：hangu pki renew DIR server，或联系其证书机构",
)


def _is_signed_by(signed: x509.Certificate, signer: x509.Certificate) -> bool:
    try:
        signed.verify_directly_issued_by(signer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_list_of(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    try:
        return crl.issuer == authority.subject and crl.is_signature_valid(authority.public_key())  # type: ignore[arg-type]
    except TypeError:
        return False


def _names(certificate: x509.Certificate) -> set[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    return {name.lower() for name in names.get_values_for_type(x509.DNSName)} | addresses
