"""A vault that several gateways share: Redis, with every value sealed by AES-256-GCM before it leaves this process.

The client is handed in; this module knows five of its commands. A Redis that cannot be asked fails the stage: what a tag
stands for is then unknown, and nothing is guessed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX = "hangu:pii:"
NONCE_BYTES = 12  # NIST SP 800-38D


class RedisClient(Protocol):
    """The commands used here, as `redis.Redis` has them."""

    def hgetall(self, name: str) -> Mapping[bytes, bytes]: ...

    def hset(self, name: str, *, mapping: Mapping[str, bytes]) -> object: ...

    def expire(self, name: str, time: int) -> object: ...


class RedisVault:
    """Redis forgets a conversation `lifetime_s` seconds after it was last used. `nonce` draws twelve random bytes."""

    slow = True

    def __init__(self, client: RedisClient, key: bytes, lifetime_s: int, nonce: Callable[[int], bytes]) -> None:
        self._client, self._lifetime, self._nonce = client, lifetime_s, nonce
        self._seal = AESGCM(hmac.digest(key, b"hangu pii vault: values", "sha256"))
        self._names = hmac.digest(key, b"hangu pii vault: names", "sha256")

    def __repr__(self) -> str:
        return f"RedisVault(lifetime_s={self._lifetime})"

    def remember(self, scope: str, values: Mapping[str, str], now: float) -> None:
        if not values:
            return
        name = self._name(scope)
        sealed = {tag: self._sealed(scope, tag, value) for tag, value in values.items()}
        self._client.hset(name, mapping=sealed)
        self._client.expire(name, self._lifetime)

    def recall(self, scope: str, now: float) -> Mapping[str, str]:
        kept = self._client.hgetall(self._name(scope))
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
        except InvalidTag as error:
            raise VaultError("a value in the vault was not sealed here, or not for this conversation") from error
        return value.decode("utf-8", "surrogatepass")


class VaultError(Exception):
    """What a tag stands for cannot be told."""
