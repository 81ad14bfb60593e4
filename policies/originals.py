"""`originals.yaml`: whose texts are also kept as they came and as the model wrote them, under lock, and how many auditors
it takes to read them. Seals nothing itself. A directory without the file keeps no originals."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from policies import read
from policies.read import Strict

FILES = ("originals.yaml",)

Word = Annotated[str, Field(min_length=1, max_length=200)]


class Keep(StrEnum):
    """What becomes of a text that inspection has not touched."""

    NONE = "none"
    SEALED = "sealed"


class Rule(Strict):
    """The first rule that fits decides. A list that is left out fits everybody."""

    tenants: tuple[Word, ...] | None = None
    roles: tuple[Word, ...] | None = None
    keep: Keep
    auditors: Literal[1, 2] = 1
    reason: Word

    def fits(self, tenant: str, roles: tuple[str, ...]) -> bool:
        """Does the rule speak of this caller?"""
        return (self.tenants is None or tenant in self.tenants) and (
            self.roles is None or not set(self.roles).isdisjoint(roles)
        )


class OriginalsPolicy(Strict):
    """`default` and one auditor hold where no rule fits."""

    version: Literal[1] = 1
    default: Keep = Keep.NONE
    auditors: Literal[1, 2] = 1
    rules: tuple[Rule, ...] = ()

    @property
    def keeps_some(self) -> bool:
        """Is there anybody whose originals are kept?"""
        return Keep.SEALED in (self.default, *(rule.keep for rule in self.rules))

    def keeps(self, tenant: str, roles: tuple[str, ...]) -> bool:
        """Are this caller's originals kept?"""
        return self._of(tenant, roles)[0] is Keep.SEALED

    def needed(self, tenant: str, roles: tuple[str, ...]) -> int:
        """How many auditors it takes to read what was kept of this caller."""
        return self._of(tenant, roles)[1]

    def _of(self, tenant: str, roles: tuple[str, ...]) -> tuple[Keep, int]:
        for rule in self.rules:
            if rule.fits(tenant, roles):
                return rule.keep, rule.auditors
        return self.default, self.auditors


def parse(files: Mapping[str, bytes]) -> OriginalsPolicy:
    """The policy, or `PolicyInvalid` with every problem."""
    if FILES[0] not in files:
        return OriginalsPolicy()
    return read.model(OriginalsPolicy, FILES[0], files[FILES[0]])
