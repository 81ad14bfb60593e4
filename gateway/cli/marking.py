"""Who does something with marks at the command line, and that it is on record: what `trace` and `watermark` share. No verb."""

from __future__ import annotations

import getpass
from pathlib import Path

from gateway.audit.disclosure import Person
from gateway.audit.record import Event
from gateway.cli.audit import place_of
from gateway.cli.audit_writing import open_journal, persons


def identified(site: Path, token: Path | None) -> Person:
    """Whom a token of the site speaks for; without one the system's user, who has no role here."""
    return persons(site, [token])[0] if token is not None else Person(f"system/{getpass.getuser()}", ())


async def recorded(site: Path, what: Event) -> bool:
    """Put it on record, sealed; False where the signing key is not on this machine."""
    place = place_of(site, None)
    if not place.can_sign:
        return False
    async with open_journal(place) as journal:
        await journal.append(what)
    return True
