"""A signing key that never leaves its token: Ed25519 over PKCS#11. The only module that knows that library.

A token that goes away costs checkpoints, not records: sealing says so and tries again, with a new session each time.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

from gateway.core.errors import AuditError

PUBLIC_BYTES = 32


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the key is: the token's library, the token's label, the key's label, and the PIN that opens it."""

    library: Path
    token: str
    key: str
    pin: str = field(repr=False)


class TokenSigner:
    """A `seal.Signer` in a token."""

    def __init__(self, slot: Slot, name: str = "hangu") -> None:
        self._slot, self.name = slot, name
        self._session: Any = None
        self.public = self._ask(self._public)

    def sign(self, data: bytes) -> bytes:
        """An Ed25519 signature. Raises AuditError when the token will not, and asks anew the next time."""
        return self._ask(lambda session: self._private(session).sign(data, mechanism=Mechanism.EDDSA))

    def close(self) -> None:
        self._forget()

    def _opened(self) -> Any:
        token = pkcs11.lib(str(self._slot.library)).get_token(token_label=self._slot.token)
        try:
            return token.open(user_pin=self._slot.pin)
        except pkcs11.exceptions.UserAlreadyLoggedIn:  # a login is the whole process's, not one session's
            return token.open()

    def _forget(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(pkcs11.PKCS11Error):  # it may be gone with its token
                session.close()

    def _ask(self, what: Any) -> bytes:
        try:
            if self._session is None:
                self._session = self._opened()
            return bytes(what(self._session))
        except (pkcs11.PKCS11Error, RuntimeError) as error:
            self._forget()
            where = f"token {self._slot.token}"
            raise AuditError(f"the token does not sign: {type(error).__name__} {error}".rstrip(), where) from error

    def _private(self, session: Any) -> Any:
        return session.get_key(object_class=ObjectClass.PRIVATE_KEY, key_type=KeyType.EC_EDWARDS, label=self._slot.key)

    def _public(self, session: Any) -> bytes:
        key = session.get_key(object_class=ObjectClass.PUBLIC_KEY, key_type=KeyType.EC_EDWARDS, label=self._slot.key)
        return bytes(key[Attribute.EC_POINT])[-PUBLIC_BYTES:]  # the point comes wrapped in an OCTET STRING
