"""How much a caller may ask for, and how often. Counting is `gateway.stages.limits`; who may ask at all is access."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from policies import read
from policies.read import Strict

FILES = ("limits.yaml",)

Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Word = Annotated[str, Field(min_length=1, max_length=200)]


class Rate(Strict):
    """What may be asked per minute. A minute's worth may be asked at once; it then fills up evenly."""

    requests_per_minute: Count
    tokens_per_minute: Count


class Bounds(Strict):
    """What one request may hold, and its caller's rate.

    `unstated_tokens` is what a request counts for when nobody said how many tokens its answer may have.
    """

    rate: Rate
    passages: Count
    characters: Count
    samples: Count
    unstated_tokens: Count


class Assignment(Strict):
    """Which bounds a role or a tenant has."""

    bounds: Word
    role: Word | None = None
    tenant: Word | None = None

    @model_validator(mode="after")
    def _names_someone(self) -> Self:
        if self.role is None and self.tenant is None:
            raise ValueError("give role, tenant or both: bounds for everybody else are `default`")
        return self

    def fits(self, tenant: str, roles: Iterable[str]) -> bool:
        return self.tenant in (None, tenant) and (self.role is None or self.role in roles)


class LimitsPolicy(Strict):
    """`streams_per_client` and `exchanges_per_client` are kept by the proxy, which knows what is under way."""

    streams_per_client: Count
    exchanges_per_client: Count
    bounds: Mapping[Word, Bounds]
    default: Word
    assign: tuple[Assignment, ...] = ()
    tenants: Mapping[Word, Rate]

    @model_validator(mode="after")
    def _names_what_exists(self) -> Self:
        used = [self.default, *(assignment.bounds for assignment in self.assign)]
        missing = sorted({name for name in used if name not in self.bounds})
        if missing:
            raise ValueError(f"there are no bounds named {', '.join(missing)}")
        if "*" not in self.tenants:
            raise ValueError("tenants needs a rate for `*`: every tenant not named")
        return self

    def bounds_of(self, tenant: str, roles: Iterable[str]) -> Bounds:
        """The first assignment that fits, else the default's."""
        name = next((one.bounds for one in self.assign if one.fits(tenant, roles)), self.default)
        return self.bounds[name]

    def rate_of(self, tenant: str) -> Rate:
        """What a whole tenant may ask per minute, all its callers together."""
        return self.tenants.get(tenant) or self.tenants["*"]


def parse(files: Mapping[str, bytes]) -> LimitsPolicy:
    """`limits.yaml` as a policy, or `PolicyInvalid` with every problem."""
    return read.model(LimitsPolicy, FILES[0], read.require(files, FILES[0]))
