"""`watermark.yaml`: whose answers carry an invisible mark, how densely, which labels, and how the model is asked. Marks nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

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


class Metadata(StrEnum):
    """The AIGC object of GB 45438-2025 beside an answer: in a header, in the JSON body, in a stream's last event."""

    OFF = "off"
    PLAIN = "plain"
    SIGNED = "signed"


class Visible(StrEnum):
    """The line that people read."""

    OFF = "off"
    START = "start"
    END = "end"


class Language(StrEnum):
    """Of that line. `auto` follows the question."""

    AUTO = "auto"
    ZH = "zh"
    EN = "en"


class Answers(StrEnum):
    """Whether equal prompts may give equal answers, whose holders nobody could tell apart without marks."""

    AS_ASKED = "as_asked"
    SEEDED = "seeded"  # every answer has a seed of its own, also where the caller names one
    SAMPLED = "sampled"  # and is drawn, also where the caller asks for the likeliest words


class Manner(Strict):
    """What is decided for one caller on one route."""

    marks: Density = Density.NORMAL
    choice: bool = False  # L2: which of two equal Chinese words, and the space between Han and Latin
    metadata: Metadata = Metadata.SIGNED
    visible: Visible = Visible.OFF
    language: Language = Language.AUTO
    answers: Answers = Answers.AS_ASKED
    backend_mark: bool = False  # TGI's own `watermark`
    keyed_draw: bool = False  # the embedded backend's: tokens drawn by a key of the user's

    @property
    def changes_request(self) -> bool:
        return self.backend_mark or self.keyed_draw or self.answers is not Answers.AS_ASKED


class Rule(Strict):
    """The first rule that fits decides. A list that is left out fits everything; what it does not say stays as it is above."""

    tenants: tuple[Word, ...] | None = None
    roles: tuple[Word, ...] | None = None
    routes: tuple[Word, ...] | None = None
    marks: Density | None = None
    choice: bool | None = None
    metadata: Metadata | None = None
    visible: Visible | None = None
    language: Language | None = None
    answers: Answers | None = None
    backend_mark: bool | None = None
    keyed_draw: bool | None = None
    reason: Word

    def fits(self, tenant: str, roles: tuple[str, ...], route: str) -> bool:
        """Does the rule speak of this caller on this route?"""
        return (
            (self.tenants is None or tenant in self.tenants)
            and (self.roles is None or not set(self.roles).isdisjoint(roles))
            and (self.routes is None or route in self.routes)
        )


class Tracing(Strict):
    """Who may trace a text with a site's keys. Every trace is on record, whoever asks."""

    roles: tuple[Word, ...] = ("auditor",)
    without_token: bool = True  # the machine's own user, who can read the keys anyway
    reason: bool = False  # must one be given?
    persons: Annotated[int, Field(ge=1, le=2)] = 1  # 2: four eyes
    per_hour: Annotated[int, Field(ge=0)] = 60  # of one person who comes with a token; 0: no limit
    unrecorded: bool = True  # also where the record cannot be written, as on an auditor's copy


class MarksPolicy(Strict):
    """`default` is the density, and the keys below it the rest, where no rule fits or says otherwise."""

    version: Literal[1]
    default: Density
    choice: bool = False
    metadata: Metadata = Metadata.SIGNED
    visible: Visible = Visible.OFF
    language: Language = Language.AUTO
    answers: Answers = Answers.AS_ASKED
    backend_mark: bool = False
    keyed_draw: bool = False
    tracing: Tracing = Tracing()
    rules: tuple[Rule, ...] = ()

    def manner(self, tenant: str, roles: tuple[str, ...], route: str) -> Manner:
        """How this caller's answer on this route is marked, labelled and asked for."""
        rule = next((rule for rule in self.rules if rule.fits(tenant, roles, route)), None)
        said: dict[str, Any] = {name: getattr(self, name) for name in Manner.model_fields if name != "marks"}
        said["marks"] = self.default
        if rule is not None:
            said |= {name: each for name in said if (each := getattr(rule, name)) is not None}
        return Manner(**said)


def parse(files: Mapping[str, bytes]) -> MarksPolicy:
    """The policy, or `PolicyInvalid` with every problem."""
    return read.model(MarksPolicy, FILES[0], read.require(files, FILES[0]))
