"""Keys that never leave their token, over PKCS#11: signing (Ed25519), wrapping (AES-256-GCM) and deriving (HMAC-SHA-256).
The only module that knows that library.

A token that goes away costs checkpoints, not records: sealing says so and tries again, with a new session each time. It
also keeps new subjects' originals from being sealed, and then their exchanges are refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11 import exceptions as told

from gateway.core.errors import AuditError

PUBLIC_BYTES = 32
NONCE_BYTES, TAG_BITS = 12, 128

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the key is: the token's library, the token's label, the key's label, and the PIN that opens it."""

    library: Path
    token: str
    key: str
    pin: str = field(repr=False)


class Session:
    """One session with a token, opened when first used and opened anew after any trouble. One thread at a time."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._session: Any = None

    def ask(self, what: Callable[[Any], T], doing: str) -> T:
        """What the token answers. Raises AuditError saying why it does not."""
        try:
            if self._session is None:
                self._session = self._opened()
            return what(self._session)
        except (pkcs11.PKCS11Error, RuntimeError) as error:
            self.close()
            raise _plain(error, self._slot, doing) from error

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(pkcs11.PKCS11Error):  # it may be gone with its token
                session.close()

    def key(self, session: Any, kind: ObjectClass, type_: KeyType) -> Any:
        return session.get_key(object_class=kind, key_type=type_, label=self._slot.key)

    def _opened(self) -> Any:
        token = pkcs11.lib(str(self._slot.library)).get_token(token_label=self._slot.token)
        try:
            return token.open(user_pin=self._slot.pin)
        except told.UserAlreadyLoggedIn:  # a login is the whole process's, not one session's
            return token.open()


class TokenSigner:
    """A `seal.Signer` in a token: an Ed25519 key pair."""

    def __init__(self, slot: Slot, name: str = "hangu") -> None:
        self._session, self.name = Session(slot), name
        self.public = self._session.ask(self._public, "sign")

    def sign(self, data: bytes) -> bytes:
        """An Ed25519 signature. Raises AuditError when the token will not, and asks anew the next time."""
        return bytes(self._session.ask(lambda s: self._private(s).sign(data, mechanism=Mechanism.EDDSA), "sign"))

    def close(self) -> None:
        self._session.close()

    def _private(self, session: Any) -> Any:
        return self._session.key(session, ObjectClass.PRIVATE_KEY, KeyType.EC_EDWARDS)

    def _public(self, session: Any) -> bytes:
        key = self._session.key(session, ObjectClass.PUBLIC_KEY, KeyType.EC_EDWARDS)
        return bytes(key[Attribute.EC_POINT])[-PUBLIC_BYTES:]  # the point comes wrapped in an OCTET STRING


class TokenMaster:
    """A `vault.Master` in a token: an AES key of 256 bits that wraps tenants' keys there, bound to what they are for."""

    def __init__(self, slot: Slot, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._session, self._entropy = Session(slot), entropy

    def wrap(self, key: bytes, about: bytes) -> bytes:
        nonce = self._entropy(NONCE_BYTES)
        sealed = self._session.ask(lambda s: self._aes(s).encrypt(key, **_gcm(nonce, about)), "wrap keys")
        return nonce + bytes(sealed)

    def unwrap(self, wrapped: bytes, about: bytes) -> bytes:
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        return bytes(self._session.ask(lambda s: self._aes(s).decrypt(sealed, **_gcm(nonce, about)), "unwrap this key"))

    def close(self) -> None:
        self._session.close()

    def _aes(self, session: Any) -> Any:
        return self._session.key(session, ObjectClass.SECRET_KEY, KeyType.AES)


class TokenDeriver:
    """Derives keys from a generic secret in a token, as `watermark.Keys.from_deriver` asks for them."""

    def __init__(self, slot: Slot) -> None:
        self._session = Session(slot)

    def derive(self, info: bytes, size: int) -> bytes:
        """HKDF-Expand (RFC 5869) of one block: the same as from the secret itself, so that one may be moved into a token."""
        if size > PUBLIC_BYTES:
            raise AuditError(f"a token derives at most {PUBLIC_BYTES} bytes, not {size}")
        return bytes(self._session.ask(lambda s: self._mac(s, info), "derive keys"))[:size]

    def close(self) -> None:
        self._session.close()

    def _mac(self, session: Any, info: bytes) -> Any:
        secret = self._session.key(session, ObjectClass.SECRET_KEY, KeyType.GENERIC_SECRET)
        return secret.sign(info + b"\x01", mechanism=Mechanism.SHA256_HMAC)


def _gcm(nonce: bytes, about: bytes) -> dict[str, Any]:
    return {"mechanism": Mechanism.AES_GCM, "mechanism_param": GCMParams(nonce, about, TAG_BITS)}


def _plain(error: Exception, slot: Slot, doing: str) -> AuditError:
    """The token's complaint in words that say what to do."""
    look = f"pkcs11-tool --module {slot.library}"
    match error:
        case told.NoSuchToken():
            return AuditError(f'no token is labelled "{slot.token}"', str(slot.library), f"look with: {look} -L")
        case told.PinIncorrect() | told.PinInvalid() | told.PinLenRange():
            hint = "mend the PIN before the next start: a token locks itself after some wrong ones"
            return AuditError("the token does not take this PIN", f"token {slot.token}", hint)
        case told.PinLocked():
            return AuditError("the token's PIN is locked", f"token {slot.token}", "its security officer unlocks it")
        case told.NoSuchKey():
            hint = f"look with: {look} --token-label {slot.token} --login -O"
            what = f'the token has no key labelled "{slot.key}" of the kind needed to {doing}'
            return AuditError(what, f"token {slot.token}", hint)
        case told.MultipleObjectsReturned():
            return AuditError(
                f'several keys are labelled "{slot.key}"', f"token {slot.token}", "give each its own label"
            )
        case _ if "while loading" in str(error):
            return AuditError("the token's library cannot be loaded", str(slot.library), "is it a PKCS#11 module?")
    return AuditError(f"the token does not {doing}: {type(error).__name__} {error}".rstrip(), f"token {slot.token}")
