"""`watermark.yaml`: whose answers carry an invisible mark, how densely, and which labels. Marks nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from policies import read
from policies.read import Strict

FILES = ("watermark.yaml",)

Word = Annotated[str, Field(min_length=1, max_length=200)]


class Density(StrEnum):
    """How often a mark repeats. `off` leaves the text alone; it is still found by its fingerprint."""

    OFF = "off"
    SPARSE = "sparse"
    NORMAL = "normal"
    DENSE = "dense"
    ZW = "zw"  # zero-width alphabet: survives old Word versions, dies where format characters are stripped


class Rule(Strict):
    """The first rule that fits decides. A list that is left out fits everything."""

    tenants: tuple[Word, ...] | None = None
    roles: tuple[Word, ...] | None = None
    routes: tuple[Word, ...] | None = None
    marks: Density
    reason: Word

    def fits(self, tenant: str, roles: tuple[str, ...], route: str) -> bool:
        """Does the rule speak of this caller on this route?"""
        return (
            (self.tenants is None or tenant in self.tenants)
            and (self.roles is None or not set(self.roles).isdisjoint(roles))
            and (self.routes is None or route in self.routes)
        )


class MarksPolicy(Strict):
    """`default` holds where no rule fits."""

    version: Literal[1]
    default: Density
    rules: tuple[Rule, ...] = ()

    def density(self, tenant: str, roles: tuple[str, ...], route: str) -> Density:
        """How densely this caller's answer on this route is marked."""
        return next((rule.marks for rule in self.rules if rule.fits(tenant, roles, route)), self.default)


def parse(files: Mapping[str, bytes]) -> MarksPolicy:
    """The policy, or `PolicyInvalid` with every problem."""
    return read.model(MarksPolicy, FILES[0], read.require(files, FILES[0]))
