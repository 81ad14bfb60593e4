"""What a site demands of a caller's papers, as one frozen value. Checking them lives beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.stages.identity.keys import ALGORITHMS


@dataclass(frozen=True, slots=True)
class Alone:
    """What a certificate stands for without a token."""

    tenant: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IdentityRules:
    """`certificate_names` are "spiffe", "dns", "cn" in order of preference; the claims are names, or paths with dots.

    A claim is looked for by its whole name first, since some issuers have dots in names.
    `default_tenant` is for issuers that serve one tenant and name none; empty: a token must name it.
    """

    issuers: tuple[str, ...]
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...] = ALGORITHMS
    leeway_seconds: float = 30.0
    require_certificate: bool = True
    require_bound_tokens: bool = True
    certificates_alone: bool = False
    certificate_names: tuple[str, ...] = ("spiffe", "dns", "cn")
    certificates: Mapping[str, Alone] = field(default_factory=dict)
    subject_claim: str = "sub"
    tenant_claim: str = "tenant"
    roles_claim: str = "roles"
    default_tenant: str = ""
