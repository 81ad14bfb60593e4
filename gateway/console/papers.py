"""Until when the site's certificates and revocation lists are good. Keys are not looked at; more checks are `hangu doctor`'s."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from gateway.core.errors import SettingsError
from gateway.http import tls
from gateway.settings.outside import Tls

SOON = timedelta(days=21)  # time to get a new certificate from a slow authority


@dataclass(frozen=True, slots=True)
class Paper:
    """`what` is "server", "authority" or "revocation"; `state` is "good", "soon", "expired" or "unreadable"."""

    what: str
    name: str
    until: datetime | None
    state: str


def papers(files: Tls, now: datetime) -> list[Paper]:
    """The certificates that the listener uses. One that cannot be read says so."""
    found = [*_certificates("server", files.certificate, now), *_certificates("authority", files.client_ca, now)]
    return found if files.crl is None else [*found, *_lists(files.crl, now)]


def _certificates(what: str, path: Path, now: datetime) -> Iterator[Paper]:
    try:
        loaded = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        yield Paper(what, path.name, None, "unreadable")
        return
    for one in loaded:
        yield Paper(what, one.subject.rfc4514_string(), one.not_valid_after_utc, _state(one.not_valid_after_utc, now))


def _lists(path: Path, now: datetime) -> Iterator[Paper]:
    try:
        loaded = list(tls.revocation_lists(path))
    except SettingsError:
        yield Paper("revocation", path.name, None, "unreadable")
        return
    for one in loaded:
        until = one.next_update_utc
        soon = (until - one.last_update_utc) / 5 if until else SOON  # lists live for weeks: a fifth of it is soon
        state = "good" if until is None else _state(until, now, min(SOON, soon))
        yield Paper("revocation", one.issuer.rfc4514_string(), until, state)


def _state(until: datetime, now: datetime, soon: timedelta = SOON) -> str:
    left = until - now
    if left <= timedelta(0):
        return "expired"
    return "soon" if left < soon else "good"
