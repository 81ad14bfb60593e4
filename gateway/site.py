"""What a new site consists of: settings, policies, an authority, keys and demo callers. Nothing here runs a gateway.

DIR/gateway.toml   DIR/policies/   DIR/pki/   DIR/keys/   DIR/clients/<name>/
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files as package_files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from gateway.core.errors import GatewayError
from gateway.pki import files, store
from gateway.pki.certificates import Issued, spiffe_id
from gateway.pki.tokens import Caller, Issuer, issue_token, new_signing_key
from gateway.settings import FILE_NAME
from gateway.settings.reference import template

KEY_BYTES = 32
OPERATIONS = frozenset({"operator", "auditor"})  # the roles that the operations port answers
SERVER_NAMES = ("localhost", "127.0.0.1", "::1")
_CALLER = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")  # one DNS label: it becomes part of a DNS name

DEMO_CALLERS = (  # the names the contract promises; what each may do is said by the policies
    Caller("analyst", "demo", ("analyst",)),
    Caller("guest", "demo", ("guest",)),
    Caller("reader", "demo", ("reader",)),
    Caller("auditor", "demo", ("auditor",)),
    Caller("operator", "demo", ("operator",)),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What may differ between new sites. `port` and `admin_port` 0 take free ones, for tests."""

    server_names: Sequence[str] = SERVER_NAMES
    callers: Sequence[Caller] = DEMO_CALLERS
    issuer: str = "https://hangu.local"
    audience: str = "hangu"
    settings: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict
    )  # section → key → value, over the plan's own


def create(directory: Path, now: datetime, plan: Plan | None = None) -> None:
    """Make a complete site. Raises GatewayError, and writes nothing, when the directory has anything in it."""
    plan = plan or Plan()
    _must_be_empty(directory)
    authority_name = f"Hangu site authority {now:%Y-%m-%d}"
    store.found(directory / "pki", authority_name, plan.server_names, now)
    issuer = Issuer(plan.issuer, plan.audience, _write_keys(directory / "keys"))
    for caller in plan.callers:
        add_caller(directory, caller, issuer, now)
    _copy(package_files("policies") / "default", directory / "policies")
    values = _merged(_values(plan), plan.settings)
    files.write_new(directory / FILE_NAME, template(values).encode("utf-8"))  # last: a half-made site does not start


def add_caller(directory: Path, caller: Caller, issuer: Issuer, now: datetime) -> Path:
    """Certificate, key and token of one more caller, in `DIR/clients/<name>`."""
    if not _CALLER.fullmatch(caller.name):
        hint = "use small letters, digits and hyphens, at most 63"
        raise GatewayError(f'"{caller.name}" is no name for a caller', hint=hint)
    folder = directory / "clients" / caller.name
    if folder.exists():
        raise GatewayError("is there already", str(folder), "nothing is overwritten: choose another name")
    issued = store.issue_client(directory / "pki", caller.name, caller.tenant, caller.roles, now)
    files.private_directory(folder)
    write_papers(folder, issued, issue_token(issuer, caller, issued.certificate, now))
    return folder


def write_papers(folder: Path, issued: Issued, token: str) -> None:
    """A caller's three files, each replaced in one step."""
    files.replace(folder / "key.pem", issued.key_pem, files.PRIVATE)
    files.replace(folder / "cert.pem", issued.certificate_pem)
    files.replace(folder / "token.jwt", token.encode("ascii"), files.PRIVATE)


def _must_be_empty(directory: Path) -> None:
    if directory.exists() and not directory.is_dir():
        raise GatewayError("is not a directory", str(directory), "name a new or empty directory")
    if directory.is_dir() and any(directory.iterdir()):
        raise GatewayError("is not empty", str(directory), "nothing is overwritten: name a new or empty directory")


def _write_keys(directory: Path) -> bytes:
    """Every key of the site; returns the one that signs tokens."""
    files.private_directory(directory)
    for name in ("tokens", "audit"):
        private, public = new_signing_key()
        files.write_new(directory / f"{name}.key", private, files.PRIVATE)
        files.write_new(directory / f"{name}.pem", public)
    for name in ("marks", "pii", "sealing"):
        files.write_new(directory / f"{name}.key", secrets.token_hex(KEY_BYTES).encode("ascii"), files.PRIVATE)
    return (directory / "tokens.key").read_bytes()


def _values(plan: Plan) -> dict[str, dict[str, Any]]:
    """The settings that a new site states; every other key stays at its default."""
    return {
        "listen": {"server_names": [f"[{name}]" if ":" in name else name for name in plan.server_names]},
        "tls": {
            "certificate": "pki/server.pem",
            "key": {"file": "pki/server.key"},
            "client_ca": "pki/ca.pem",
            "crl": "pki/crl.pem",
        },
        "identity": {
            "issuer": plan.issuer,
            "audience": plan.audience,
            "keys": ["keys/tokens.pem"],
            "certificates": _at_the_console(plan.callers),
        },
        "backend": {"name": "embedded", "kind": "tgi", "url": "http://127.0.0.1:8089"},
        "audit": {
            "directory": "audit",
            "signing_key": {"file": "keys/audit.key"},
            "public_key": "keys/audit.pem",
            "sealing_key": {"file": "keys/sealing.key"},
        },
        "watermark": {"master_key": {"file": "keys/marks.key"}},
        "policies": {"directory": "policies"},
        "pii": {"pseudonym_key": {"file": "keys/pii.key"}},
    }


def _at_the_console(callers: Sequence[Caller]) -> list[dict[str, Any]]:
    """Those who come to the operations port with a browser, which has a certificate and no token."""
    people = [caller for caller in callers if not OPERATIONS.isdisjoint(caller.roles)]
    return [{"name": spiffe_id(one.name), "tenant": one.tenant, "roles": list(one.roles)} for one in people]


def _merged(
    values: Mapping[str, Mapping[str, Any]], over: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    return {name: {**values.get(name, {}), **over.get(name, {})} for name in {**values, **over}}


def _copy(source: Traversable, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for item in sorted(source.iterdir(), key=lambda item: item.name):
        if item.is_dir() and item.name != "__pycache__":
            _copy(item, target / item.name)
        elif item.is_file() and not item.name.endswith((".py", ".pyc")):
            files.write_new(target / item.name, item.read_bytes())
