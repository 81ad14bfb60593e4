"""A vault that several processes and gateways share, with every value sealed by AES-256-GCM before it leaves this process.

Where sealed values are kept is handed in as a `Store`; `gateway.redis_store` is one. A store that holds something that was
not sealed here fails the stage: what a tag stands for is then unknown, and nothing is guessed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.stages.pii.vault import MAX_VALUES

PREFIX = "hangu:pii:"
NONCE_BYTES = 12  # NIST SP 800-38D


class Store(Protocol):
    """Maps under names, each forgotten some seconds after it was last read or written. Raises VaultUnavailable."""

    def read(self, name: str, seconds: int) -> Mapping[bytes, bytes]: ...

    def write(self, name: str, values: Mapping[str, bytes], seconds: int) -> None: ...


class SharedVault:
    """Neither a value nor whose it is can be read from the store. `nonce` draws so many random bytes."""

    slow = True

    def __init__(self, store: Store, key: bytes, nonce: Callable[[int], bytes]) -> None:
        self._store, self._nonce = store, nonce
        self._seal = AESGCM(hmac.digest(key, b"hangu pii vault: values", "sha256"))
        self._names = hmac.digest(key, b"hangu pii vault: names", "sha256")

    def __repr__(self) -> str:
        return "SharedVault()"

    def remember(self, scope: str, values: Mapping[str, str], now: float, lifetime_s: float) -> None:
        sealed = {tag: self._sealed(scope, tag, value) for tag, value in list(values.items())[:MAX_VALUES]}
        if sealed:
            self._store.write(self._name(scope), sealed, int(lifetime_s))

    def recall(self, scope: str, now: float, lifetime_s: float) -> Mapping[str, str]:
        kept = self._store.read(self._name(scope), int(lifetime_s))
        return {tag.decode(): self._opened(scope, tag.decode(), sealed) for tag, sealed in kept.items()}

    def _name(self, scope: str) -> str:
        return PREFIX + hmac.new(self._names, scope.encode(), hashlib.sha256).hexdigest()

    def _sealed(self, scope: str, tag: str, value: str) -> bytes:
        nonce = self._nonce(NONCE_BYTES)
        return nonce + self._seal.encrypt(nonce, value.encode("utf-8", "surrogatepass"), f"{scope}\0{tag}".encode())

    def _opened(self, scope: str, tag: str, sealed: bytes) -> str:
        """Raises VaultError where a value is not what was put there: another key, another scope, or another hand."""
        nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            value = self._seal.decrypt(nonce, body, f"{scope}\0{tag}".encode())
        except (InvalidTag, ValueError) as error:  # ValueError: too short to hold a nonce
            raise VaultError("a value in the vault was not sealed here, or not for this conversation") from error
        return value.decode("utf-8", "surrogatepass")


class VaultError(Exception):
    """What a tag stands for cannot be told."""
