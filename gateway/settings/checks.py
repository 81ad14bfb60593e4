"""What no single value shows: keys that belong together or exclude each other, and files that must be there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from yarl import URL

from gateway.core.errors import SettingsError
from gateway.settings.inside import Audit, Backend, Elasticsearch
from gateway.settings.outside import Admin, Identity, Listen
from gateway.settings.problems import Problem
from gateway.settings.rules import Classifier
from gateway.settings.secret import Secret, TokenKey
from gateway.settings.section import is_loopback
from gateway.settings.shared import Pseudonyms

_OPERATIONS = frozenset({"operator", "auditor"})  # whom the operations port takes by certificate in any case
_DIRECTORIES = {
    "audit.directory",
    "audit.second_path",
    "audit.subject_keys",
    "watermark.index",
    "watermark.epochs",
    "policies.cache",
}  # made when first used


def relations(file: str, found: Mapping[str, Any]) -> list[Problem]:
    """Problems between values, in the sections that are right by themselves."""
    problems: list[Problem] = []
    for section in found.values():
        match section:
            case Identity():
                problems += _identity(file, section)
            case Backend():
                problems += _backend(file, section)
            case Elasticsearch():
                problems += _elasticsearch(file, section)
            case Audit():
                problems += _audit(file, section)
            case Pseudonyms():
                problems += _pseudonyms(file, section)
            case Classifier():
                problems += _classifier(file, section)
    match found.get("listen"), found.get("admin"):
        case Listen(port=data), Admin(port=admin) if data == admin != 0:
            problems.append(
                Problem(file, "admin.port", "both ports are the same", "give the admin port its own number")
            )
    return problems


def reachable(file: str, found: Mapping[str, Any]) -> list[Problem]:
    """Files and secrets that the settings name and that cannot be read."""
    return [
        Problem(file, key, *trouble)
        for name, section in found.items()
        for key, value in _leaves(name, section)
        if (trouble := _trouble(key, value))
    ]


def _identity(file: str, identity: Identity) -> Iterator[Problem]:
    if identity.keys and identity.jwks_url:
        yield Problem(file, "identity.jwks_url", "keys and jwks_url exclude each other", "remove one of them")
    if not identity.keys and not identity.jwks_url and not identity.certificates_alone:
        hint = "name public keys in keys, or the issuer's jwks_url"
        yield Problem(file, "identity.keys", "no key verifies tokens", hint)
    if identity.jwks_url and not _is_safe(identity.jwks_url):
        yield Problem(file, "identity.jwks_url", "keys are fetched over https only", "write https://…")
    idle = [caller.name for caller in identity.certificates if _OPERATIONS.isdisjoint(caller.roles)]
    if idle and not identity.certificates_alone:
        hint = "set certificates_alone = true, or remove those without the role operator or auditor"
        yield Problem(file, "identity.certificates", "certificates do not identify alone here", hint)
    names = [caller.name for caller in identity.certificates]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(file, "identity.certificates", f'"{name}" is there twice', "keep one of them")


def _backend(file: str, backend: Backend) -> Iterator[Problem]:
    if (backend.certificate is None) != (backend.key is None):
        yield Problem(file, "backend.certificate", "certificate and key come together", "name both, or neither")
    if (backend.ca or backend.certificate) and backend.url.startswith("http:"):
        yield Problem(file, "backend.url", "there are TLS files for a plain http address", "write https://…")
    if backend.api_key and not _is_safe(backend.url):
        hint = "write https://…, or reach the backend over loopback"
        yield Problem(file, "backend.url", "the api_key would travel in clear text", hint)


def _elasticsearch(file: str, elastic: Elasticsearch) -> Iterator[Problem]:
    if elastic.api_key and (elastic.username or elastic.password):
        yield Problem(file, "elasticsearch.api_key", "api_key and username exclude each other", "keep the api_key")
    if bool(elastic.username) != (elastic.password is not None):
        yield Problem(file, "elasticsearch.password", "username and password come together", "name both, or neither")
    if (elastic.certificate is None) != (elastic.key is None):
        yield Problem(file, "elasticsearch.certificate", "certificate and key come together", "name both, or neither")
    if elastic.api_key and elastic.kind == "opensearch":
        yield Problem(file, "elasticsearch.api_key", "OpenSearch has no API keys", "name username and password")
    if (elastic.api_key or elastic.password) and not _is_safe(elastic.url):
        yield Problem(file, "elasticsearch.url", "credentials would travel in clear text", "write https://…")


def _audit(file: str, audit: Audit) -> Iterator[Problem]:
    if audit.second_path == audit.directory:
        hint = "name a directory on another disk or machine"
        yield Problem(file, "audit.second_path", "the second path is the first one", hint)
    if audit.sealing_key_next and not audit.sealing_key:
        hint = "name the key in use as sealing_key; with none in use, there is nothing to move"
        yield Problem(file, "audit.sealing_key_next", "there is no sealing_key to move from", hint)


def _pseudonyms(file: str, shared: Pseudonyms) -> Iterator[Problem]:
    if (shared.certificate is None) != (shared.key is None):
        yield Problem(file, "pseudonyms.certificate", "certificate and key come together", "name both, or neither")
    if (shared.ca or shared.certificate) and shared.url.startswith("redis:"):
        yield Problem(file, "pseudonyms.url", "there are TLS files for an address without TLS", "write rediss://…")
    if shared.username and shared.password is None:
        yield Problem(file, "pseudonyms.password", "a username comes with a password", "name both, or neither")
    if shared.password and not _is_safe(shared.url):
        hint = "write rediss://…, or reach it over loopback"
        yield Problem(file, "pseudonyms.url", "the password would travel in clear text", hint)


def _classifier(file: str, guard: Classifier) -> Iterator[Problem]:
    if not _is_safe(guard.url) and guard.api_key:
        hint = "write https://…, or reach it over loopback"
        yield Problem(file, "classifier.url", "the key would travel in clear text", hint)
    if guard.ca and not guard.url.startswith("https:"):
        yield Problem(file, "classifier.url", "there is an authority for an address without TLS", "write https://…")


def _is_safe(url: str) -> bool:
    return url.startswith(("https:", "rediss:")) or is_loopback(URL(url).host or "")


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    match value:
        case BaseModel():
            for name in type(value).model_fields:
                yield from _leaves(f"{key}.{name}", getattr(value, name))
        case tuple():
            for place, item in enumerate(value, start=1):
                yield from _leaves(f"{key}[{place}]", item)
        case _:
            yield key, value


def _trouble(key: str, value: Any) -> tuple[str, str] | None:
    """What is wrong with the thing named, and what to do; None when it can be used."""
    match value:
        case Secret():
            try:
                value.reveal()
            except SettingsError as error:
                return f"{error.where}: {error.what}", error.hint or "make the file, and readable by the gateway"
        case TokenKey():
            if not _is_readable(value.module):
                return f"{value.module}: the token's library cannot be read", "install it, or mend the path of module"
            return _trouble(f"{key}.pkcs11.pin", value.pin)
        case Path() if key == "policies.directory":
            return (
                None if value.is_dir() else (f"{value}: there is no such directory", "name the directory of policies")
            )
        case Path() if key == "crs.directory":
            hint = "install modsecurity-crs, or name a checkout of the OWASP core rule set"
            return None if value.is_dir() else (f"{value}: there is no such directory", hint)
        case Path() if key not in _DIRECTORIES:
            return (
                None
                if _is_readable(value)
                else (f"{value}: cannot be read", "make the file, and readable by the gateway")
            )
    return None


def _is_readable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.R_OK)
