"""What every section of `gateway.toml` is made of: a frozen model, paths within the site, and problems with hints. No section lives here."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError
from yarl import URL

from gateway.settings.secret import site_of


class Section(BaseModel):
    """One table of the file: frozen, strict about types, and without room for unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )


def wrong(what: str, hint: str) -> PydanticCustomError:
    """A problem with one value. `what` never quotes a secret."""
    return PydanticCustomError("setting", "{what}", {"what": what, "hint": hint})


def _path(value: Any, info: ValidationInfo) -> Path:
    if not isinstance(value, str | Path) or not str(value) or "\0" in str(value):
        raise wrong("a path is needed", "write it in quotes; relative paths start at the site's directory")
    return site_of(info) / value


def _url(value: str) -> str:
    try:
        url = URL(value)
    except ValueError:
        raise wrong("this is not a URL", "write https://host:port or http://127.0.0.1:port") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise wrong("a URL with http or https and a host is needed", "write https://host:port")
    if url.user is not None or url.password is not None:
        raise wrong("a URL holds no user and no password", "use the section's own keys for credentials")
    if url.query_string or url.fragment:
        raise wrong("a URL here has no query and no fragment", "keep scheme, host, port and path")
    return value.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


SitePath = Annotated[Path, BeforeValidator(_path)]
Url = Annotated[str, AfterValidator(_url)]
Word = Annotated[str, Field(min_length=1, max_length=256)]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Bytes = Annotated[int, Field(gt=0, le=1 << 40)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
