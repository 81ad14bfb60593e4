"""A small site's authority on disk: `ca.pem`, `ca.key`, `crl.pem`, and `issued.json`, the list of what it signed.

Tokens, and the layout of a whole site, live elsewhere (`tokens`, `gateway.site`).
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.core.errors import GatewayError
from gateway.pki import files
from gateway.pki.certificates import (
    Issued,
    Revoked,
    client_certificate,
    new_authority,
    revocation_list,
    server_certificate,
)

SERVER = "server"


@dataclass(frozen=True, slots=True)
class Entry:
    """One certificate that was signed. Serials are hexadecimal, times ISO 8601 in UTC; tenant and roles are a client's."""

    serial: str
    name: str
    kind: str  # "server" or "client"
    expires: str
    tenant: str = ""
    roles: tuple[str, ...] = ()
    revoked: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything an authority signed, and the number of its last revocation list."""

    crl_number: int
    entries: tuple[Entry, ...] = ()

    def valid(self, name: str) -> tuple[Entry, ...]:
        """The certificates of `name` that are not revoked."""
        return tuple(entry for entry in self.entries if entry.name == name and not entry.revoked)


def found(directory: Path, name: str, server_names: Sequence[str], now: datetime) -> Issued:
    """A new authority, its first server certificate and its empty revocation list. Overwrites nothing."""
    authority = new_authority(name, now)
    server = server_certificate(authority, server_names, now)
    files.write_new(directory / "ca.key", authority.key_pem, files.PRIVATE)
    files.write_new(directory / "ca.pem", authority.certificate_pem)
    files.write_new(directory / "server.key", server.key_pem, files.PRIVATE)
    files.write_new(directory / "server.pem", server.certificate_pem)
    files.write_new(directory / "crl.pem", revocation_list(authority, (), 1, now))
    _save(directory, Ledger(1, (_entry(server, SERVER, "server"),)))
    return authority


def issue_client(directory: Path, name: str, tenant: str, roles: Sequence[str], now: datetime) -> Issued:
    """A certificate for one more caller, noted in the ledger. Raises GatewayError when the name is taken."""
    with _changing(directory):
        ledger = load_ledger(directory)
        if ledger.valid(name):
            hint = "renew it, or revoke it first"
            raise GatewayError(f'a valid certificate for "{name}" was issued already', str(directory), hint)
        return _add_client(directory, ledger, name, tenant, roles, now)


def renew_client(directory: Path, name: str, now: datetime) -> tuple[Issued, Entry]:
    """A new certificate and key for a caller. The old one stays valid until it expires or is revoked."""
    with _changing(directory):
        ledger = load_ledger(directory)
        clients = [entry for entry in ledger.valid(name) if entry.kind == "client"]
        if not clients:
            hint = "issue one with: hangu pki issue"
            raise GatewayError(f'there is no valid certificate for "{name}"', str(directory), hint)
        last = clients[-1]
        return _add_client(directory, ledger, name, last.tenant, last.roles, now), last


def renew_server(directory: Path, server_names: Sequence[str], now: datetime) -> Issued:
    """A new certificate and key for the server, put in place of the old ones."""
    with _changing(directory):
        server = server_certificate(load_authority(directory), server_names, now)
        ledger = load_ledger(directory)
        files.replace(directory / "server.key", server.key_pem, files.PRIVATE)
        files.replace(directory / "server.pem", server.certificate_pem)
        _save(directory, replace(ledger, entries=(*ledger.entries, _entry(server, SERVER, "server"))))
        return server


def revoke(directory: Path, name: str, now: datetime, *, keep_newest: bool = False) -> tuple[Entry, ...]:
    """Revoke every valid client certificate of `name` (but the newest, if asked) and publish a new list."""
    with _changing(directory):
        ledger = load_ledger(directory)
        gone = [entry for entry in ledger.valid(name) if entry.kind == "client"]
        gone = gone[:-1] if keep_newest else gone
        if not gone:
            raise GatewayError(f'there is no valid certificate to revoke for "{name}"', str(directory))
        at = now.isoformat(timespec="seconds")
        entries = tuple(replace(entry, revoked=at) if entry in gone else entry for entry in ledger.entries)
        _publish(directory, replace(ledger, entries=entries), now)
        return tuple(gone)


def publish(directory: Path, now: datetime) -> None:
    """A fresh revocation list with the same content: a list is only good until its next-update time."""
    with _changing(directory):
        _publish(directory, load_ledger(directory), now)


def load_authority(directory: Path) -> Issued:
    """The authority's certificate and key. Raises GatewayError when they are not there or are no EC key."""
    try:
        certificate = x509.load_pem_x509_certificate((directory / "ca.pem").read_bytes())
        key = serialization.load_pem_private_key((directory / "ca.key").read_bytes(), None)
    except OSError as error:
        hint = "make one with: hangu pki init DIR, or ask your own authority"
        raise GatewayError(f"there is no authority here ({error.strerror})", str(directory), hint) from error
    except (ValueError, TypeError) as error:
        raise GatewayError("ca.pem or ca.key cannot be read", str(directory), "both are PEM, unencrypted") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise GatewayError("the authority's key is not an EC key", str(directory / "ca.key"))
    return Issued(certificate, key)


def load_ledger(directory: Path) -> Ledger:
    """What the authority signed. Raises GatewayError when the list is missing or damaged."""
    path = directory / "issued.json"
    try:
        value = json.loads(path.read_text("utf-8"))
        entries = tuple(Entry(**{**entry, "roles": tuple(entry.get("roles", ()))}) for entry in value["certificates"])
        return Ledger(int(value["crl_number"]), entries)
    except OSError as error:
        raise GatewayError(f"cannot be read ({error.strerror})", str(path)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise GatewayError("is damaged", str(path), "restore it from a backup: revocations are in it") from error


def _add_client(directory: Path, ledger: Ledger, name: str, tenant: str, roles: Sequence[str], now: datetime) -> Issued:
    issued = client_certificate(load_authority(directory), name, now)
    entry = replace(_entry(issued, name, "client"), tenant=tenant, roles=tuple(roles))
    _save(directory, replace(ledger, entries=(*ledger.entries, entry)))
    return issued


def _publish(directory: Path, ledger: Ledger, now: datetime) -> None:
    revoked = [
        Revoked(int(entry.serial, 16), datetime.fromisoformat(entry.revoked))
        for entry in ledger.entries
        if entry.revoked
    ]
    ledger = replace(ledger, crl_number=ledger.crl_number + 1)
    _save(directory, ledger)  # first, so that no number is ever used twice
    crl = revocation_list(load_authority(directory), revoked, ledger.crl_number, now)
    files.replace(directory / "crl.pem", crl)


def _save(directory: Path, ledger: Ledger) -> None:
    value = {"crl_number": ledger.crl_number, "certificates": [asdict(entry) for entry in ledger.entries]}
    text = json.dumps(value, indent=1, ensure_ascii=False)
    files.replace(directory / "issued.json", text.encode("utf-8"), files.PRIVATE)


def _entry(issued: Issued, name: str, kind: str) -> Entry:
    certificate = issued.certificate
    expires = certificate.not_valid_after_utc.isoformat(timespec="seconds")
    return Entry(f"{certificate.serial_number:x}", name, kind, expires)


@contextmanager
def _changing(directory: Path) -> Iterator[None]:
    """One change at a time: two at once would lose a revocation."""
    load_authority(directory)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
