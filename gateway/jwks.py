"""Where verification keys come from: files, or the issuer's JWKS address, fetched, kept and renewed. Checks no token.

The identity stage asks `Keys.current`, which never waits. Fetching happens beside it: every `seconds`, and soon after a
token names a key nobody knows, but never more often than `least_seconds`, whoever sends such tokens.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from yarl import URL

from gateway.core.errors import GatewayError, SettingsError
from gateway.stages.identity.keys import ALGORITHMS, KeySet, from_jwks, from_pem, key_set

MAX_BYTES = 1 << 20  # bytes of a JWKS: a hundred RSA keys with their certificates are about 300 KB

Fetch = Callable[[], Awaitable[bytes]]


class KeysUnreachable(GatewayError):
    """The address of the keys did not answer with keys."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """How often keys are fetched, at least and at most, how long old ones stay good while nobody answers, and how long
    one answer may take. Seconds."""

    seconds: float = 300.0
    least_seconds: float = 10.0
    stale_seconds: float = 3600.0
    fetch_seconds: float = 10.0


def from_files(files: Mapping[str, bytes], algorithms: tuple[str, ...] = ALGORITHMS) -> KeySet:
    """PEM files, and JWKS files by their ending `.json`, as one set that stays good. Raises SettingsError."""
    keys = [
        key
        for name, data in files.items()
        for key in (from_jwks(data) if name.endswith(".json") else from_pem({name: data})).keys
    ]
    return key_set(keys, algorithms)


def read_files(paths: tuple[Path, ...], algorithms: tuple[str, ...] = ALGORITHMS) -> KeySet:
    """The same, from disk."""
    try:
        return from_files({str(path): path.read_bytes() for path in paths}, algorithms)
    except OSError as error:
        raise SettingsError(f"cannot be read ({error.strerror})", str(error.filename), "check identity.keys") from error


class Keys:
    """The issuer's keys as last fetched. `clock` gives Unix seconds; `tell` hears what went well or wrong."""

    def __init__(
        self,
        fetch: Fetch,
        clock: Callable[[], float],
        renewal: Renewal | None = None,
        algorithms: tuple[str, ...] = ALGORITHMS,
        tell: Callable[[str, str], None] = lambda what, why: None,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._renewal = renewal or Renewal()
        self._algorithms = algorithms
        self._tell = tell
        self._current = KeySet(())
        self._tried = -math.inf
        self._wanted = asyncio.Event()

    def current(self) -> KeySet:
        """The keys to verify with now: none before the first fetch, none for longer than `stale_seconds` after the last."""
        return self._current

    def want(self) -> None:
        """A token named a key that is not here. Returns at once; the keys are fetched when that is due."""
        self._wanted.set()

    async def run(self) -> None:
        """Fetch when due, until cancelled."""
        while True:
            await self.renew()
            await self._until_due()

    async def renew(self) -> bool:
        """Fetch once; whether there are new keys in force. What was in force stays so when the address does not answer."""
        self._tried = self._clock()
        self._wanted.clear()
        try:
            async with asyncio.timeout(self._renewal.fetch_seconds):
                data = await self._fetch()
            good_until = self._tried + self._renewal.seconds + self._renewal.stale_seconds
            found = from_jwks(data, self._algorithms, good_until)
        except (KeysUnreachable, SettingsError, TimeoutError) as error:
            self._tell("keys-not-renewed", str(error) or "timed out")
            return False
        changed = found.digest != self._current.digest
        self._current = found
        if changed:
            self._tell("keys-renewed", ", ".join(key.id or key.algorithm for key in found.keys))
        return True

    async def _until_due(self) -> None:
        """A while after the last try; earlier when a key is wanted or there is none, but never before `least_seconds`."""
        renewal = self._renewal
        await asyncio.sleep(max(0.0, self._tried + renewal.least_seconds - self._clock()))
        if not self._current.keys:
            return
        try:
            async with asyncio.timeout(max(0.0, self._tried + renewal.seconds - self._clock())):
                await self._wanted.wait()
        except TimeoutError:
            return


def from_address(session: aiohttp.ClientSession, url: str, tls: ssl.SSLContext | None = None) -> Fetch:
    """Fetches `url`: https, or http on loopback; no redirects, since they could lead anywhere; a bounded answer."""
    address = URL(url)
    if address.scheme != "https" and not (address.scheme == "http" and _is_loopback(address.host or "")):
        raise SettingsError("keys are fetched over https only", "identity.jwks_url", "write https://…")

    async def fetch() -> bytes:
        try:
            async with session.get(address, ssl=tls or True, allow_redirects=False) as reply:
                if reply.status != 200:
                    raise KeysUnreachable(f"answered {reply.status}", url, "check identity.jwks_url")
                return await _bounded(reply, url)
        except (aiohttp.ClientError, OSError) as error:
            raise KeysUnreachable(
                f"does not answer ({type(error).__name__})", url, "check the address and its authority"
            ) from error

    return fetch


async def _bounded(reply: aiohttp.ClientResponse, url: str) -> bytes:
    data = bytearray()
    async for piece in reply.content.iter_chunked(1 << 16):
        data += piece
        if len(data) > MAX_BYTES:
            raise KeysUnreachable(f"answered with more than {MAX_BYTES} bytes", url, "check identity.jwks_url")
    return bytes(data)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
