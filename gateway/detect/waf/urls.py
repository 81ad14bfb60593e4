"""Which URLs may be fetched on a caller's behalf: inline images, and https on named hosts. Resolves and fetches nothing.

A name that is allowed may still resolve to a private address: whoever fetches has to look at the address it connects to.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

_DATA_IMAGE = re.compile(r"data:image/(?:png|jpe?g|gif|webp|bmp);base64,(?P<data>[A-Za-z0-9+/]+={0,2})", re.ASCII)
HTTPS_URL = re.compile(r"https://[A-Za-z0-9._~:/?#@!$&'*+,;=%-]{1,2000}", re.ASCII)


def is_inline_image(text: str, start: int = 0) -> int | None:
    """Where an inline base64 image that begins at `start` ends, or None if none begins there."""
    match = _DATA_IMAGE.match(text, start)
    return match.end() if match else None


def may_fetch(url: str, hosts: Collection[str]) -> bool:
    """https, a named host (`*.example.com` names its subdomains), no user, no other port, no bare address."""
    if HTTPS_URL.fullmatch(url) is None or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        name, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return False
    if parts.username is not None or port not in (None, 443) or is_address(name):
        return False
    return any(name == host or (host.startswith("*.") and name.endswith(host[1:])) for host in hosts)


def is_address(name: str) -> bool:
    """An IP address in any spelling a resolver takes: `127.0.0.1`, `::1`, `2130706433`, `0x7f.1`, `017700000001`."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return re.fullmatch(r"(?:0x[0-9a-f]+|[0-9]+)(?:\.(?:0x[0-9a-f]+|[0-9]+)){0,3}", name.lower()) is not None
    return True


def is_internal(url: str) -> bool:
    """Does a URL point inside: at an address that is not global, or a name that only insiders have?"""
    try:
        name = (urlsplit(url.strip()).hostname or "").rstrip(".").lower()
    except ValueError:
        return True
    if not name or name == "localhost" or ("." not in name.strip("[]") and ":" not in name):
        return True
    if name.endswith(
        (".local", ".internal", ".localhost", ".lan", ".intranet", ".corp", ".home.arpa", ".nip.io", ".sslip.io")
    ):
        return True
    return is_address(name) and not _is_global(name)


def _is_global(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False  # a number that only resolvers read as an address: nobody writes those honestly
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_global
