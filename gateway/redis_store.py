"""The Redis that gateways share pseudonyms in: the only importer of `redis`. What is sealed there is `stages.pii.shared_vault`'s.

A Redis that did not answer is left alone for a moment: otherwise every exchange would wait as long as the first one did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from gateway.stages.pii.vault import VaultUnavailable

REST_SECONDS = 1.0  # after a failure, so long nobody asks again
CONNECTIONS = 32  # as many as may judge at once, and more than that


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Redis is and how it is spoken to. `ca` and the client's papers are for TLS (`rediss:`)."""

    url: str  # redis://host:port/number or rediss://…, without credentials
    username: str = ""
    password: str = ""
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    timeout_s: float = 1.0

    def __repr__(self) -> str:
        return f"Address({self.url})"


class RedisStore:
    """Hashes that expire. Safe to share between threads; `tick` reads a monotonic clock in seconds."""

    def __init__(self, address: Address, tick: Callable[[], float]) -> None:
        self._client = client(address)
        self._tick = tick
        self._rests_until = 0.0

    def __repr__(self) -> str:
        return "RedisStore()"

    def read(self, name: str, seconds: int) -> Mapping[bytes, bytes]:
        def asked() -> Mapping[bytes, bytes]:
            with self._client.pipeline(transaction=False) as commands:
                commands.hgetall(name)
                commands.expire(name, seconds)
                return dict(commands.execute()[0])

        return self._ask(asked)

    def write(self, name: str, values: Mapping[str, bytes], seconds: int) -> None:
        def asked() -> Mapping[bytes, bytes]:
            with self._client.pipeline(transaction=True) as commands:  # never a hash without its end
                commands.hset(name, mapping=dict(values))  # type: ignore[arg-type]
                commands.expire(name, seconds)
                commands.execute()
            return {}

        self._ask(asked)

    def ping(self) -> None:
        """Raises VaultUnavailable where it does not answer."""
        self._ask(lambda: {b"": b""} if self._client.ping() else {})

    def close(self) -> None:
        self._client.close()

    def _ask(self, asked: Callable[[], Mapping[bytes, bytes]]) -> Mapping[bytes, bytes]:
        if self._tick() < self._rests_until:
            raise VaultUnavailable("it did not answer a moment ago")
        try:
            return asked()
        except redis.RedisError as error:
            self._rests_until = self._tick() + REST_SECONDS
            raise VaultUnavailable(type(error).__name__) from error


def client(address: Address) -> redis.Redis:
    """Connects when first asked; a connection that a restart has broken is made anew, once."""
    secured = {}
    if address.url.startswith("rediss:"):
        secured = {
            "ssl_ca_certs": str(address.ca) if address.ca else None,
            "ssl_certfile": str(address.certificate) if address.certificate else None,
            "ssl_keyfile": str(address.key) if address.key else None,
        }
    return redis.Redis.from_url(
        address.url,
        username=address.username or None,
        password=address.password or None,
        socket_timeout=address.timeout_s,
        socket_connect_timeout=address.timeout_s,
        max_connections=CONNECTIONS,
        retry=Retry(NoBackoff(), 1),
        **secured,
    )
