"""From what the settings name to keys in use: who signs the record, what wraps the keys of originals, what marks are made
with. Each may be a file, an environment variable or a PKCS#11 token; what is done with them is the rooms' own matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import watermark
from gateway.audit.checkpoint import public_keys
from gateway.audit.originals import Originals
from gateway.audit.seal import FileSigner, Signer
from gateway.audit.vault import Key, Master, Vault
from gateway.core.errors import AuditError, SettingsError
from gateway.settings import Secret, TokenKey
from gateway.settings.inside import Audit, Watermark
from watermark import epochs
from watermark.keys import KeyFileError

if TYPE_CHECKING:
    from gateway.audit.token import Slot

NAME = "hangu"  # what checkpoints call this site's logs


def signer(named: Secret | TokenKey, name: str = NAME) -> Signer:
    """Who signs the record. Raises GatewayError saying why nobody can."""
    if isinstance(named, TokenKey):
        from gateway.audit.token import TokenSigner

        return TokenSigner(slot(named), name)
    return FileSigner.parse(named.reveal(), name, named.source)


def retired(public: Path | None, current: Signer) -> tuple[bytes, ...]:
    """The keys that signed before this one: they follow it in the file of public keys."""
    if public is None or not public.exists():
        return ()
    return tuple(key for key in public_keys(public.read_bytes()) if key != current.public)


def vault(audit: Audit) -> Vault | None:
    """Where the keys of originals are; None at a site that names no key for them."""
    topmost = master(audit)
    return None if topmost is None else Vault(Path(audit.subject_keys), topmost)


def subjects(audit: Audit) -> Vault:
    """The same directory for whoever only destroys keys: that takes no topmost one."""
    return Vault(Path(audit.subject_keys), Nobody())


def originals(audit: Audit) -> Originals | None:
    """As `vault`, for exchanges under way."""
    found = vault(audit)
    return None if found is None else Originals(found)


def master(audit: Audit) -> Master | None:
    """The topmost key of originals; while one takes another's place, either opens and the coming one wraps."""
    named = [each for each in (audit.sealing_key_next, audit.sealing_key) if each is not None]
    return Either([one_master(each) for each in named]) if named else None


def one_master(named: Secret | TokenKey) -> Master:
    """One topmost key. It is looked at when it is first used."""
    if isinstance(named, TokenKey):
        from gateway.audit.token import TokenMaster

        return TokenMaster(slot(named))
    return StoredMaster(named)


def marks(wanted: Watermark) -> watermark.Keys:
    """What marks are made and found with: every live epoch, those of a master that was replaced among them."""
    try:
        known = epochs.load(wanted.epochs)
    except KeyFileError as fault:
        raise SettingsError(str(fault), "[watermark] epochs") from fault
    found = _marks(wanted.master_key, known.numbers, known.untrusted)
    if wanted.master_key_before is None or not known.before:
        return found
    return found.and_before(_marks(wanted.master_key_before, known.before, known.untrusted))


def _marks(named: Secret | TokenKey, numbers: Iterable[int], untrusted: Iterable[int]) -> watermark.Keys:
    if isinstance(named, TokenKey):
        from gateway.audit.token import TokenDeriver

        deriver = TokenDeriver(slot(named))
        try:
            return watermark.Keys.from_deriver(deriver.derive, numbers, untrusted)
        finally:
            deriver.close()
    return watermark.Keys.from_master(named.key(), numbers, untrusted)


def slot(named: TokenKey) -> Slot:
    """A token and its PIN. Raises SettingsError where the PIN cannot be read or the library for tokens is not installed."""
    try:
        from gateway.audit.token import Slot
    except ImportError as error:
        raise SettingsError("keys in tokens need python-pkcs11", named.source, 'pip install "hangu[hsm]"') from error
    return Slot(named.module, named.token, named.key, named.pin.text().strip())


class StoredMaster:
    """A topmost key in a file or the environment, read anew each time: it is rarely needed, and may have been replaced."""

    def __init__(self, named: Secret) -> None:
        self._named = named

    def wrap(self, key: bytes, about: bytes) -> bytes:
        return self._key().wrap(key, about)

    def unwrap(self, wrapped: bytes, about: bytes) -> bytes:
        return self._key().unwrap(wrapped, about)

    def _key(self) -> Key:
        try:
            return Key(self._named.key())
        except SettingsError as error:
            raise AuditError(error.what, error.where, error.hint) from error


class Nobody:
    """No topmost key at all."""

    def wrap(self, key: bytes, about: bytes) -> bytes:
        raise AuditError("this site names no sealing key", "[audit] sealing_key")

    unwrap = wrap


class Either:
    """Wraps with the first of several, opens with whichever fits."""

    def __init__(self, masters: Iterable[Master]) -> None:
        self._masters = tuple(masters)

    def wrap(self, key: bytes, about: bytes) -> bytes:
        return self._masters[0].wrap(key, about)

    def unwrap(self, wrapped: bytes, about: bytes) -> bytes:
        *others, last = self._masters
        for master in others:
            try:
                return master.unwrap(wrapped, about)
            except AuditError:
                continue
        return last.unwrap(wrapped, about)
