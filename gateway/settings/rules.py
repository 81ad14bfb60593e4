"""The OWASP core rule set and the guard model of a site: where they are, how they are asked. What their findings mean is policy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.settings.secret import SecretValue
from gateway.settings.section import Section, SitePath, Url, Word

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


class Classifier(Section):
    """A guard model on a server of its own, as a second opinion on prompts, tool results and documents.

    Without this table none is asked. What its word is worth, and whether its silence refuses, is policy: `classifier`
    in `policies/waf/settings.yaml`.
    """

    url: Url = Field(description="Where it listens: a second TGI, or text-embeddings-inference for a classifier")
    kind: Literal["guard", "labels"] = Field(
        default="guard",
        description="How it is asked: guard is a chat model that names a verdict (Qwen3Guard, Llama Guard), "
        "labels is a sequence classifier behind /predict (Prompt Guard, PIGuard)",
    )
    model: Word = Field(default="guard", description="The name it knows its model by")
    deadline_seconds: Annotated[float, Field(gt=0, le=8)] = Field(
        default=0.5, description="Time for all texts of an exchange together; beyond it the guard has given no answer"
    )
    grammar: bool = Field(
        default=True,
        description="Hold a guard's answer to the form of Qwen3Guard's verdicts by TGI's grammar; "
        "false for servers without it, and for Llama Guard",
    )
    api_key: SecretValue | None = Field(default=None, description="Sent as a bearer token, when it asks for one")
    ca: SitePath | None = Field(default=None, description="Authority of its certificate, PEM; none: the system's")
