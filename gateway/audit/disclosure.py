"""Erasing what is kept of a subject, and revealing what is sealed: who may, on what ground, and that it is on the record first.

Erasing blanks the texts where they lie and destroys the subject's key; heads stay, so every proof still holds. That who
asked what when is kept is the duty that a record exists for. Nothing here deletes a record.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.audit.journal import Journal, Receipt
from gateway.audit.projection import Projection
from gateway.audit.query import Entry, Filter
from gateway.audit.record import Closed, Event, Opened, Part, event
from gateway.audit.vault import Vault, Words
from gateway.core.errors import AuditError

ROLE = "auditor"  # the role that reveals and erases
HELD, RELEASED, ERASED, REVEALED = "record.held", "record.released", "record.erased", "record.revealed"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody identified, and what they may do."""

    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure came to."""

    receipt: Receipt
    records: int
    key_destroyed: bool


@dataclass(frozen=True, slots=True)
class Revealed:
    """Original texts and their places: as they came, and as the model wrote them."""

    request: Words
    answer: Words


Needed = int | Callable[[str, tuple[str, ...]], int]


async def hold(journal: Journal, person: Person, tenant: str, user: str, reason: str, at: float) -> Receipt:
    """Forbid erasing a subject's data until released: somebody needs it as evidence."""
    _may((person,), 1, reason)
    return await journal.append(event(HELD, at, {"reason": reason}, actor=person.name, tenant=tenant, subject=user))


async def release(journal: Journal, person: Person, tenant: str, user: str, reason: str, at: float) -> Receipt:
    """Let a subject's data be erased again."""
    _may((person,), 1, reason)
    return await journal.append(event(RELEASED, at, {"reason": reason}, actor=person.name, tenant=tenant, subject=user))


async def erase(
    directory: Path,
    journal: Journal,
    vault: Vault | None,
    person: Person,
    whose: tuple[str, str],
    reason: str,
    at: float,
) -> Erased:
    """Erase every text of one subject (tenant, user) up to now. Recorded before anything is touched; may be repeated."""
    tenant, user = whose
    _may((person,), 1, reason)
    with Projection.open(directory) as record:
        if is_held(record, tenant, user):
            raise AuditError(
                f"the data of {tenant}/{user} is under a legal hold", hint="release it first, if the law lets you"
            )
        told = event(ERASED, at, {"reason": reason}, actor=person.name, tenant=tenant, subject=user)
        receipt = await journal.append(told)
        record.refresh()
        count = _blank(directory, record, tenant, user, told.at)
    gone = vault.destroy(tenant, user) if vault is not None else False
    for torn in directory.glob("torn-*.bin"):  # what a crash cut off may be anybody's: nothing of it was acknowledged
        torn.unlink()
    return Erased(receipt, count, gone)


async def reveal(
    journal: Journal, vault: Vault, record: Projection, persons: Sequence[Person], exchange: str, reason: str, at: float,
    *, needed: Needed = 1,
) -> Revealed:  # fmt: skip
    """The original texts of an exchange, once it is on the record who wanted them and why.

    `needed` is how many auditors that takes, or a function of the exchange's tenant and roles that says so.
    """
    opened = [e.record for e in record.of(exchange) if isinstance(e.record, Opened) and e.record.sealed]
    one = opened[-1] if opened else None
    _may(persons, needed(one.tenant, one.roles) if one and callable(needed) else needed, reason)
    if one is None:
        raise AuditError(
            "nothing is sealed for this exchange", exchange, "originals are kept where policy says so, until erased"
        )
    names = ",".join(person.name for person in persons)
    facts = {"reason": reason, "exchange": exchange}
    await journal.append(event(REVEALED, at, facts, actor=names, tenant=one.tenant, subject=one.user))
    request = vault.open(one.sealed, one.id, one.tenant, one.user, "request")
    return Revealed(request, _answered(record.of(exchange), vault))


def _answered(entries: Sequence[Entry], vault: Vault) -> Words:
    """What the model wrote: from the exchange's end, or from the parts of a stream that never came to one."""
    for entry in entries:
        if isinstance(entry.record, Closed) and entry.record.sealed:
            return _opened(vault, entry.record, "answer")
    said: dict[str, str] = {}
    for entry in entries:
        if isinstance(entry.record, Part) and entry.record.sealed:
            for channel, text in _opened(vault, entry.record, "part"):
                said[channel] = said.get(channel, "") + text
    return tuple(said.items())


def _opened(vault: Vault, one: Closed | Part, what: str) -> Words:
    return vault.open(one.sealed, one.id, one.tenant, one.user, what)


def is_held(record: Projection, tenant: str, user: str) -> bool:
    """Is the last word on this subject that it is held?"""
    told = [entry.record for word in (HELD, RELEASED) for entry in record.find(Filter(word=word, tenant=tenant))]
    last = max((e for e in told if isinstance(e, Event) and e.subject == user), key=lambda e: e.at, default=None)
    return last is not None and last.kind == HELD


def _may(persons: Sequence[Person], needed: Needed, reason: str) -> None:
    fit = {person.name for person in persons if ROLE in person.roles}
    needed = 1 if callable(needed) else needed  # of nothing that is sealed, one auditor may hear so
    if len(fit) < needed:
        raise AuditError(f"this needs {needed} with the role {ROLE}, and has {len(fit)}", hint="sign in as an auditor")
    if not reason.strip():
        raise AuditError("this needs a reason", hint="say why: it goes on the record")


def _blank(directory: Path, record: Projection, tenant: str, user: str, until: int) -> int:
    """Zeros over the bodies, in place. A writer at the end of the same file is not in the way."""
    count = 0
    touched: set[Path] = set()
    for path, frame in record.frames_of(tenant, user, until):
        if frame.body:
            with path.open("r+b") as file:
                os.pwrite(file.fileno(), bytes(len(frame.body)), frame.body_offset)
            touched.add(path)
            count += 1
    for path in touched:
        with path.open("r+b") as file:
            os.fsync(file.fileno())
    record.forget(tenant, user)
    return count
