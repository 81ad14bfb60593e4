"""Sessions towards servers of the site's own other than the model: issuers of keys, receivers of alarms. Seldom used."""

from __future__ import annotations

from aiohttp import ClientSession, DummyCookieJar


def open_session() -> ClientSession:
    """No cookies, no proxies of the environment, nothing unpacked; call it inside the event loop, and close it when done."""
    return ClientSession(cookie_jar=DummyCookieJar(), trust_env=False, auto_decompress=False)
