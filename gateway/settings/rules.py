"""The OWASP core rule set of a site: where it is, and the processes that run it. What its findings mean is policy."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.settings.section import Section, SitePath

DIRECTORY = "/usr/share/modsecurity-crs"


class Crs(Section):
    """OWASP CRS for names and header values that no grammar proves, never for prose. Needs the extra `crs`, or libmodsecurity3."""

    directory: SitePath = Field(
        default=DIRECTORY, validate_default=True, description="A directory of the core rule set, 3.3 or 4"
    )
    sha256: Annotated[str, Field(pattern=r"^(?:[0-9a-fA-F]{64})?$")] = Field(
        default="",
        description="Digest of its rules and lists: other rules are refused. Empty takes them as they are; "
        "a wrong one is answered with the right one",
    )
    library: SitePath | None = Field(
        default=None, description="The libmodsecurity to load; none: the wheel's, else the system's"
    )
    workers: Annotated[int, Field(ge=1, le=32)] = Field(
        default=2, description="Processes that run it, for each process of the gateway"
    )
    deadline_seconds: Annotated[float, Field(gt=0, le=10)] = Field(
        default=0.05, description="Time for one exchange's names and headers; beyond it the exchange is refused"
    )
