"""What must not leave in an answer, as data: secrets, phrases, active content, the system prompt. Matches nothing itself.

Patterns are bounded: an answer is inspected while it arrives, and only a bounded pattern says how long to wait.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from policies import bounded, read
from policies.read import Strict
from policies.waf_settings import Parameter

FILES = ("output.yaml",)
LONGEST = 1024  # characters a pattern may span: so much of an answer is held back at most

Word = Annotated[str, Field(min_length=1, max_length=200)]


def _bounded(pattern: str) -> str:
    """The pattern as it stands, if it can be followed character by character and ends somewhere."""
    try:
        longest = bounded.longest(pattern)
    except bounded.Unbounded as error:
        raise ValueError(str(error)) from error
    if not 0 < longest <= LONGEST:
        raise ValueError(f"the pattern may span {longest} characters; it must be 1 to {LONGEST}")
    if re.match(pattern, ""):
        raise ValueError("the pattern matches empty text")
    return pattern


Pattern = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_bounded)]


class Effect(StrEnum):
    """What a match does: goes on the record, is replaced, ends the answer quietly, or ends it with a refusal."""

    NOTE = "note"
    REDACT = "redact"
    CUT = "cut"
    BLOCK = "block"


class Tests(Strict):
    """At least one text that must match, and one that must not."""

    hit: Annotated[tuple[str, ...], Field(min_length=1)]
    miss: Annotated[tuple[str, ...], Field(min_length=1)]


class OutputRule(Strict):
    """One thing that must not leave. `entropy` is how many bits a character of the match must carry at least.

    A match that has one of `placeholders` in it, in any case, is an example and stays. `except_roles` may see it.
    """

    id: Annotated[str, Field(pattern=r"^[A-Z]{2,8}-[0-9]{3,5}$")]
    family: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
    any: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    case: bool = True
    entropy: Annotated[float, Field(ge=0, le=8)] = 0.0
    placeholders: tuple[Word, ...] = ()
    effect: Effect
    replacement: str = "[withheld]"
    except_roles: tuple[Word, ...] = ()
    owner: Word
    expires: date
    tests: Tests


class Active(StrEnum):
    NEUTRALISE = "neutralise"
    BLOCK = "block"
    ALLOW = "allow"


class Images(Strict):
    """Images that a reader's program would fetch, and so tell somebody. `hosts` may be shown from."""

    effect: Active
    hosts: tuple[Word, ...] = ()


class Markup(Strict):
    """HTML that acts: scripts, frames, forms, handlers. In code it is only text, and stays."""

    effect: Active


class Leakage(Strict):
    """The system prompt in an answer. `canaries` are words nobody says by chance.

    `words` in a row that the system prompt has in that order are a leak; 0 leaves this out.
    """

    canaries: tuple[Annotated[str, Field(min_length=8, max_length=200)], ...] = ()
    words: Annotated[int, Field(ge=0, le=10_000)]
    effect: Effect

    @model_validator(mode="after")
    def _is_long_enough(self) -> Self:
        if 0 < self.words < 16:
            raise ValueError("words must be 0 or at least 16: shorter runs are said by chance")
        if self.effect not in (Effect.NOTE, Effect.BLOCK):
            raise ValueError("a leak cannot be taken back once it has begun: choose note or block")
        return self


class OutputPolicy(Strict):
    """Everything the output stage goes by. In mode `shadow` everything is recorded and nothing changed."""

    version: Annotated[int, Field(ge=1, le=1)]
    mode: Annotated[str, Field(pattern="^(enforce|shadow)$")]
    rules: tuple[OutputRule, ...]
    images: Images
    markup: Markup
    leakage: Leakage
    tools: tuple[Parameter, ...] = ()

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        ids = [rule.id for rule in self.rules]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"rule ids are used twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _tests_hold(self) -> Self:
        wrong = [problem for rule in self.rules for problem in _failures(rule)]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


def matches(rule: OutputRule, text: str) -> bool:
    """Does a text that is exactly one match count? The gates that no pattern can say."""
    lowered = text.lower()
    return bounded.entropy(text) >= rule.entropy and not any(word.lower() in lowered for word in rule.placeholders)


def _failures(rule: OutputRule) -> Iterator[str]:
    flags = 0 if rule.case else re.IGNORECASE
    compiled = [re.compile(pattern, flags | re.ASCII) for pattern in rule.any]
    for text in rule.tests.hit:
        if not any(matches(rule, found[0]) for one in compiled for found in one.finditer(text)):
            yield f"{rule.id} misses a text its tests say it must hit: {text[:40]!r}"
    for text in rule.tests.miss:
        if any(matches(rule, found[0]) for one in compiled for found in one.finditer(text)):
            yield f"{rule.id} hits a text its tests say it must leave alone: {text[:40]!r}"


def parse(files: Mapping[str, bytes]) -> OutputPolicy:
    """`output.yaml` as a policy, or `PolicyInvalid` with every problem."""
    return read.model(OutputPolicy, FILES[0], read.require(files, FILES[0]))
