"""What becomes of personal data and secrets: by entity, direction, role and tenant. Finding them is `gateway.detect`'s matter.

`pii/policy.yaml` decides; `pii/presidio.yaml` is a registry of recognizers as Presidio's users write it; every other
`pii/*.yaml` is a list of recognizers that the site wrote, with their own cases.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from policies import read
from policies.problem import PolicyInvalid, Problem
from policies.read import Strict

FILES = ("pii/*.yaml",)
POLICY = "pii/policy.yaml"
PRESIDIO = "pii/presidio.yaml"

Word = Annotated[str, Field(min_length=1, max_length=200)]
Entity = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Z][A-Z0-9_]*\*?$|^\*$")]
EntityName = Annotated[str, Field(min_length=2, max_length=40, pattern=r"^[A-Z][A-Z0-9_]*[A-Z0-9]$")]
Score = Annotated[float, Field(ge=0, le=1)]
MAX_REACH = 128  # code points: a recognizer's longest find; a stream may have to hold that much


class Action(StrEnum):
    """What is done with a find. Every one but `allow` is recorded."""

    ALLOW = "allow"  # let it pass, say nothing
    RECORD = "record"  # let it pass, and record that it did
    REDACT = "redact"  # <ENTITY> in its place
    MASK = "mask"  # all but the last four characters hidden
    PSEUDONYMISE = "pseudonymise"  # a keyed tag in its place, which may be undone
    BLOCK = "block"  # refuse the exchange


class Direction(StrEnum):
    """Which way the text goes."""

    REQUEST = "request"
    RESPONSE = "response"


class Overload(StrEnum):
    """What happens when names cannot be looked for in time."""

    BLOCK = "block"  # refuse: nothing leaves that was not fully inspected
    DEGRADE = "degrade"  # go on with patterns alone, and say so in the record


class Treatment(Strict):
    """The action for an entity in each direction. `threshold` is the least score that counts."""

    request: Action | None = None
    response: Action | None = None
    threshold: Score | None = None


class Defaults(Strict):
    request: Action
    response: Action


class Rule(Strict):
    """An exception for some callers: the first rule that fits decides, before `entities`."""

    name: Word
    action: Action
    roles: tuple[Word, ...] = ()
    tenants: tuple[Word, ...] = ()
    direction: Direction | None = None
    entities: tuple[Entity, ...] = ("*",)

    @model_validator(mode="after")
    def _names_someone(self) -> Self:
        if not (self.roles or self.tenants):
            raise ValueError("give roles, tenants or both: what holds for everybody is said under entities")
        return self

    def fits(self, entity: str, direction: Direction, tenant: str, roles: Iterable[str]) -> bool:
        return (
            self.direction in (None, direction)
            and (not self.tenants or tenant in self.tenants)
            and (not self.roles or not set(self.roles).isdisjoint(roles))
            and any(fnmatch.fnmatchcase(entity, pattern) for pattern in self.entities)
        )


class Allowed(Strict):
    """A value that is nobody's secret: the company's own hotline, example.com. `*` stands for any letters."""

    value: Word
    entity: Entity = "*"

    def fits(self, entity: str, value: str) -> bool:
        return fnmatch.fnmatchcase(entity, self.entity) and fnmatch.fnmatchcase(value.lower(), self.value.lower())


class WithoutVault(StrEnum):
    """What happens when the vault that several gateways share cannot be asked."""

    BLOCK = "block"  # refuse the exchanges that tags may be made or undone in
    FORGET = "forget"  # go on with what the request itself holds: older tags stay tags; and say so in the record


class Restoring(Strict):
    """Who gets the value back where the model wrote a tag, and how long a tag is remembered."""

    roles: tuple[Word, ...] = ()
    lifetime_s: Annotated[int, Field(ge=60, le=31_536_000)] = 86_400
    on_unavailable: WithoutVault = WithoutVault.BLOCK


class Looking(StrEnum):
    """How people and addresses are looked for."""

    OFF = "off"
    RULES = "rules"  # where a word announces them: 姓名：…, Mr …, 北京市…路8号; costs next to nothing
    MODELS = "models"  # by language models as well, in processes of their own


class Names(Strict):
    """How people and places are looked for in each direction, and what happens when the models are late."""

    request: Looking = Looking.OFF
    response: Looking = Looking.OFF
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    deadline_ms: Annotated[int, Field(ge=10, le=60_000)] = 2_000
    on_overload: Overload = Overload.BLOCK


class RecognizerCases(Strict):
    """What a recognizer must find, and what it must not touch."""

    match: Annotated[tuple[Word, ...], Field(min_length=1)]
    silent: Annotated[tuple[Word, ...], Field(min_length=1)]


class Recognizer(Strict):
    """A pattern that the site wrote, in the syntax both `re` and the scan know: no look-around, no back-references.

    It sees one run at a time: letters, digits and signs without a space between. `context` words beside it raise its
    score to `sure`.
    """

    name: Word
    entity: EntityName
    pattern: Annotated[str, Field(min_length=3, max_length=500)]
    score: Score = 0.6
    context: tuple[Word, ...] = ()
    sure: Score = 0.9
    secret: bool = False
    cases: RecognizerCases

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        try:
            compiled = re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"pattern does not compile: {error.msg}; hint: quote it with '…'") from error
        if re.search(r"\(\?[=!<]|\\[1-9]|\(\?P=", self.pattern):
            raise ValueError("pattern uses look-around or a back-reference, which the scan does not know")
        if compiled.match("") is not None:
            raise ValueError("pattern matches nothing at all, and so would match everywhere")
        return self


class _Policy(Strict):
    default: Defaults
    threshold: Score = 0.5
    entities: Mapping[Entity, Treatment] = {}
    rules: tuple[Rule, ...] = ()
    allow: tuple[Allowed, ...] = ()
    restore: Restoring = Restoring()
    names: Names = Names()


@dataclass(frozen=True, slots=True)
class PiiPolicy:
    """Everything said about personal data. `recognizers` in file order."""

    default: Defaults
    threshold: float
    entities: Mapping[str, Treatment]
    rules: tuple[Rule, ...]
    allow: tuple[Allowed, ...]
    restore: Restoring
    names: Names
    recognizers: tuple[Recognizer, ...] = ()
    presidio: str = ""  # a registry as Presidio has it, in JSON

    def action(self, entity: str, direction: Direction, tenant: str, roles: Iterable[str]) -> Action:
        """The first rule that fits, else what the entity's treatment says, else the default."""
        for rule in self.rules:
            if rule.fits(entity, direction, tenant, roles):
                return rule.action
        said = getattr(self._treatment(entity), direction.value)
        return said if said is not None else getattr(self.default, direction.value)  # type: ignore[no-any-return]

    def least(self, entity: str) -> float:
        """The least score that counts for an entity."""
        said = self._treatment(entity).threshold
        return self.threshold if said is None else said

    def allowed(self, entity: str, value: str) -> bool:
        return any(one.fits(entity, value) for one in self.allow)

    def tags(self, tenant: str, roles: Iterable[str]) -> bool:
        """May a tag be made or undone in this caller's requests?"""
        return (
            self.restores(roles)
            or any(
                one.action is Action.PSEUDONYMISE
                and one.direction is not Direction.RESPONSE
                and (not one.tenants or tenant in one.tenants)
                and (not one.roles or not set(one.roles).isdisjoint(roles))
                for one in self.rules
            )
            or Action.PSEUDONYMISE in (self.default.request, *(said.request for said in self.entities.values()))
        )

    def restores(self, roles: Iterable[str]) -> bool:
        return not set(self.restore.roles).isdisjoint(roles)

    def _treatment(self, entity: str) -> Treatment:
        exact = self.entities.get(entity)
        if exact is not None:
            return exact
        return next((said for name, said in self.entities.items() if fnmatch.fnmatchcase(entity, name)), _UNSAID)


_UNSAID = Treatment()


def parse(files: Mapping[str, bytes]) -> PiiPolicy:
    """The pii files as a policy, or `PolicyInvalid` with every problem."""
    problems: list[Problem] = []
    recognizers: list[Recognizer] = []
    policy: _Policy | None = None
    try:
        policy = read.model(_Policy, POLICY, read.require(files, POLICY))
    except PolicyInvalid as invalid:
        problems += invalid.problems
    presidio = ""
    for name in sorted(set(files) - {POLICY}):
        try:
            if name == PRESIDIO:
                presidio = _registry(name, files[name])
            else:
                recognizers += read.each(Recognizer, name, files[name])
        except PolicyInvalid as invalid:
            problems += invalid.problems
    problems += _twice(recognizers)
    if problems or policy is None:
        raise PolicyInvalid(problems)
    said = {name: getattr(policy, name) for name in _Policy.model_fields}
    return PiiPolicy(**said, recognizers=tuple(recognizers), presidio=presidio)


def _registry(name: str, data: bytes) -> str:
    """The registry as JSON, if it is one at all: what its entries mean is Presidio's to say."""
    said = read.document(name, data).value
    if not isinstance(said, dict) or not isinstance(said.get("recognizers"), list) or not said["recognizers"]:
        hint = "write it as Presidio's default_recognizers.yaml is written"
        raise PolicyInvalid([Problem(name, "recognizers", "is no list of recognizers", hint)])
    return json.dumps(said, ensure_ascii=False)


def _twice(recognizers: Iterable[Recognizer]) -> list[Problem]:
    names = [one.name for one in recognizers]
    return [
        Problem(FILES[0], name, "two recognizers have this name", "name what makes them different")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
