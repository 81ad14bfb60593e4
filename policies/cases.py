"""The cases a bundle must pass before it is used: a caller, a request or a reply, and what must happen. Runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from policies import read
from policies.problem import PolicyInvalid, Problem
from policies.read import Strict

FILES = ("cases/*.yaml",)

Word = Annotated[str, Field(min_length=1, max_length=200)]


class Side(StrEnum):
    """Which way the text goes: to the model, or from it."""

    REQUEST = "request"
    RESPONSE = "response"


class Outcome(StrEnum):
    """What became of it, in the words of `hangu inspect`."""

    ALLOW = "allow"
    REDACT = "redact"
    BLOCK = "block"


class Caller(Strict):
    """Who asks. `certificate` is the name the client certificate proved."""

    name: Word
    tenant: Word = "default"
    roles: tuple[Word, ...] = ()
    certificate: str = ""


class Asked(Strict):
    """What is asked beside the text, when no whole body is given. The names are those of the access rules."""

    max_tokens: int | None = None
    samples: int = 1
    alternatives: int = 0
    logprobs: bool = False
    tools: tuple[str, ...] = ()
    grammar: bool = False
    structured: bool = False
    adapter: str | None = None
    sampling: tuple[str, ...] = ()
    watermark: bool | None = None
    truncate: int | None = None


class Case(Strict):
    """One promise of the policy, as data.

    `text` is one passage of `role`; `body` is a whole request body for `route` instead. `rules` must fire and `silent`
    must not; both may end in `*`. `times` asks again and again at one instant, and judges the last answer.
    """

    name: Word
    caller: Caller
    route: Word = "/v1/chat/completions"
    model: str = ""
    role: Word = "user"
    text: str | None = None
    body: str | dict[str, object] | None = None
    parameters: Asked = Asked()
    stage: Side = Side.REQUEST
    expect: Outcome
    code: str = ""
    rules: tuple[Word, ...] = ()
    silent: tuple[Word, ...] = ()
    becomes: str | None = None
    times: Annotated[int, Field(ge=1, le=1000)] = 1

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.text is not None and self.body is not None:
            raise ValueError("give text or body, not both")
        if self.stage is Side.RESPONSE and self.text is None:
            raise ValueError("a response case needs text")
        if self.code and self.expect is not Outcome.BLOCK:
            raise ValueError("code says why something is blocked: expect must be block")
        if not (self.rules or self.silent or self.code) and self.expect is Outcome.BLOCK:
            raise ValueError("say why it is blocked: give code, rules or both")
        return self


@dataclass(frozen=True, slots=True)
class Cases:
    """Every case, with the file it came from: `(file, case)` in file order."""

    entries: tuple[tuple[str, Case], ...]

    def __len__(self) -> int:
        return len(self.entries)


def parse(files: Mapping[str, bytes]) -> Cases:
    """All case files, or `PolicyInvalid` with every problem. No case at all is a problem: nothing would be proven."""
    problems: list[Problem] = []
    entries: list[tuple[str, Case]] = []
    for name in sorted(files):
        try:
            entries += [(name, case) for case in read.each(Case, name, files[name])]
        except PolicyInvalid as invalid:
            problems += invalid.problems
    problems += _repeated(entries)
    if not entries and not problems:
        problems.append(Problem(FILES[0], "", "there are no cases", "write what must be allowed and what must not"))
    if problems:
        raise PolicyInvalid(problems)
    return Cases(tuple(entries))


def _repeated(entries: list[tuple[str, Case]]) -> list[Problem]:
    seen: dict[str, str] = {}
    problems = []
    for file, case in entries:
        if case.name in seen:
            hint = "name what makes this case different"
            problems.append(Problem(file, case.name, f"the case name is used in {seen[case.name]} already", hint))
        seen.setdefault(case.name, file)
    return problems
