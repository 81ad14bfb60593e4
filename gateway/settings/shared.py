"""The settings of what several processes and gateways share. What is kept there, and how long, is policy."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from yarl import URL

from gateway.settings.secret import SecretFile, SecretValue
from gateway.settings.section import Seconds, Section, SitePath, wrong


def _redis_url(value: str) -> str:
    hint = "write rediss://host:port/number, or redis:// on loopback or a closed network"
    try:
        url = URL(value)
    except ValueError:
        raise wrong("this is not a URL", hint) from None
    if url.scheme not in ("redis", "rediss") or not url.host or url.query_string or url.fragment:
        raise wrong("a URL with redis or rediss, a host and perhaps a port and a number is needed", hint)
    if url.user is not None or url.password is not None:
        raise wrong("a URL holds no user and no password", "use username and password for credentials")
    if not (url.path.strip("/") or "0").isdigit():
        raise wrong("the path is the number of a database", hint)
    return value.rstrip("/")


RedisUrl = Annotated[str, AfterValidator(_redis_url)]


class Pseudonyms(Section):
    """A Redis where what tags stand for is kept, sealed, when several processes or gateways serve the same callers.

    Without this table each process keeps them in its own memory.
    """

    url: RedisUrl = Field(description="Where it listens; rediss:// speaks TLS")
    username: str = Field(default="", description="User name, where it has users (ACL)")
    password: SecretValue | None = Field(default=None, description="Its password")
    ca: SitePath | None = Field(default=None, description="Authority of its certificate, PEM; none: the system's")
    certificate: SitePath | None = Field(default=None, description="The gateway's client certificate towards it, PEM")
    key: SecretFile | None = Field(default=None, description="The key of that certificate, PEM")
    timeout_seconds: Seconds = Field(
        default=1.0, description="Longest wait for it; what happens then is policy: restore.on_unavailable"
    )
