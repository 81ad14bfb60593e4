"""Who may ask what of which model: Casbin's model and rules as data, and the profiles rules name. Decides nothing.

Casbin itself lives in `gateway.stages.access`; here its files are only read, strictly, so that every slip is reported.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from policies import read
from policies.problem import PolicyInvalid, Problem
from policies.read import Strict

MODEL = "access/model.conf"
PROFILES = "access/profiles.yaml"
RULES = "access/*.csv"
FILES = (MODEL, PROFILES, RULES)

MAX_MODEL_BYTES = 64 << 10  # bytes: a Casbin model is some twenty lines
MAX_CSV_BYTES = 64 << 20  # bytes: the roles of a million users
MAX_PROBLEMS = 100  # a file that is wrong in every line need not be told so a million times

ACTIONS = ("chat", "complete", "generate", "tokenize", "models", "info", "health")
AMBIGUOUS = frozenset("\"'()[]{}\0")  # Casbin's readers disagree on quotes and brackets

Value = TypeVar("Value")
Names = Literal["any"] | tuple[Annotated[str, Field(min_length=1, max_length=200)], ...]
Bound = Annotated[int, Field(ge=0, le=10_000_000)]


class Profile(Strict):
    """What an allowed request may ask for beside its text. What is not said is not permitted."""

    max_tokens: Bound | Literal["unlimited"]
    samples: Annotated[int, Field(ge=1, le=1000)] = 1
    tools: Names = ()
    grammar: bool = False
    adapters: Names = ()
    sampling: Names = ()
    logprobs: bool = False
    alternatives: Bound = 0
    watermark_off: bool = False
    truncate: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One `p` line. `str()` is the rule as Casbin writes it: the name a finding and a record call it by."""

    subject: str
    tenant: str
    model: str
    action: str
    effect: str
    profile: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return ",".join(self.fields)

    @property
    def fields(self) -> tuple[str, str, str, str, str, str]:
        return (self.subject, self.tenant, self.model, self.action, self.effect, self.profile)


@dataclass(frozen=True, slots=True)
class Membership:
    """One `g` line: who has a role in a tenant, or which role includes another."""

    member: str
    role: str
    tenant: str
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Casbin's model as text, the rules and memberships in file order, and the profiles that rules name."""

    model: str
    rules: tuple[Rule, ...]
    memberships: tuple[Membership, ...]
    profiles: Mapping[str, Profile]


def parse(files: Mapping[str, bytes]) -> AccessPolicy:
    """The access files as a policy, or `PolicyInvalid` with every problem."""
    reading = _Reading()
    model = reading.attempt(lambda: read.text(MODEL, read.require(files, MODEL), MAX_MODEL_BYTES))
    profiles = reading.attempt(lambda: _profiles(read.require(files, PROFILES)))
    reading.profiles = None if profiles is None else frozenset(profiles)
    for name in sorted(name for name in files if fnmatch.fnmatchcase(name, RULES)):
        content = reading.attempt(lambda name=name: read.text(name, files[name], MAX_CSV_BYTES))  # type: ignore[misc]
        reading.lines(name, content or "")
    if not reading.rules and not reading.problems:
        hint = "write a line such as `p, role:analyst, *, *, chat, allow, standard`"
        reading.problems.append(Problem(RULES, "", "there is no rule, so nobody may do anything", hint))
    if reading.problems or model is None or profiles is None:
        raise PolicyInvalid(reading.problems[:MAX_PROBLEMS])
    return AccessPolicy(model, tuple(reading.rules), tuple(reading.memberships), profiles)


class _Profiles(Strict):
    profiles: Mapping[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,59}$")], Profile]


def _profiles(data: bytes) -> Mapping[str, Profile]:
    return read.model(_Profiles, PROFILES, data).profiles


class _Reading:
    """One walk over the files: rules and memberships out, problems kept."""

    def __init__(self) -> None:
        self.profiles: frozenset[str] | None = None  # None: not readable, which is told once and not with every rule
        self.rules: list[Rule] = []
        self.memberships: list[Membership] = []
        self.problems: list[Problem] = []
        self._seen: dict[tuple[str, ...], str] = {}

    def attempt(self, step: Callable[[], Value]) -> Value | None:
        try:
            return step()
        except PolicyInvalid as invalid:
            self.problems += invalid.problems
            return None

    def lines(self, file: str, content: str) -> None:
        for number, line in enumerate(content.splitlines(), 1):
            stripped = line.strip()
            if stripped and not stripped.startswith("#"):
                self._line(file, number, [field.strip() for field in stripped.split(",")])

    def _line(self, file: str, number: int, fields: list[str]) -> None:
        problems = [(what, hint) for what, hint in self._wrong(fields)]
        first = self._seen.setdefault(tuple(fields), f"{file} line {number}")
        if first != f"{file} line {number}":
            problems.append((f"says the same as {first}", "delete one of the two"))
        self.problems += [Problem(file, f"line {number}", what, hint) for what, hint in problems]
        if problems:
            return
        if fields[0] == "p":
            _, subject, tenant, model, action, effect, profile = fields
            self.rules.append(Rule(subject, tenant, model, action, effect, profile, file, number))
        else:
            _, member, role, tenant = fields
            self.memberships.append(Membership(member, role, tenant, file, number))

    def _wrong(self, fields: list[str]) -> Iterator[tuple[str, str]]:
        if AMBIGUOUS & set("".join(fields)):
            yield "holds a quote or a bracket, which readers of this format disagree on", "write names without them"
        elif fields[0] == "p" and len(fields) == 7:
            yield from self._wrong_rule(*fields[1:])
        elif fields[0] == "g" and len(fields) == 4:
            yield from _wrong_membership(*fields[1:])
        else:
            yield (
                "is neither a rule nor a membership",
                "`p, who, tenant, model, action, effect, profile` or `g, who, role, tenant`",
            )

    def _wrong_rule(
        self, subject: str, tenant: str, model: str, action: str, effect: str, profile: str
    ) -> Iterator[tuple[str, str]]:
        yield from _wrong_subject(subject)
        if not tenant or ("*" in tenant and tenant != "*"):
            yield f"{tenant!r} is not a tenant", "name one, or write * for any"
        if not model or "*" in model[:-1]:
            yield f"{model!r} is not a model", "name one; a name may end in *, and * alone is any model"
        if action not in (*ACTIONS, "*"):
            yield f"{action!r} is not an action", f"actions are {', '.join(ACTIONS)}, or * for any"
        if effect not in ("allow", "deny"):
            yield f"{effect!r} is not an effect", "write allow or deny"
        if effect == "deny" and profile != "-":
            yield "a deny has no profile: it forbids the action whatever is asked", "write - in the last column"
        if effect == "allow" and self.profiles is not None and profile not in self.profiles:
            yield f"there is no profile {profile!r}", f"{PROFILES} has {', '.join(sorted(self.profiles)) or 'none'}"


def _wrong_subject(subject: str) -> Iterator[tuple[str, str]]:
    kind, _, name = subject.partition(":")
    if kind not in ("user", "role") or not name:
        yield (
            f"{subject!r} is neither user:NAME nor role:NAME",
            "users and roles have separate names, so that nobody is named into a role",
        )


def _wrong_membership(member: str, role: str, tenant: str) -> Iterator[tuple[str, str]]:
    yield from _wrong_subject(member)
    if not role.startswith("role:") or role == "role:":
        yield f"{role!r} is not role:NAME", "the second column is the role that is given"
    if not tenant or "*" in tenant:
        yield (
            f"{tenant!r} is not a tenant",
            "a role is given in one tenant; a rule for all tenants has * in its own tenant column",
        )
