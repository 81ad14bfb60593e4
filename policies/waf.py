"""What counts as an attack, as data: rules with their own tests, and the limits of names, URLs and schemas. Matches nothing.

Patterns are RE2: no look-around and no back-references, so that every rule takes linear time. Running each rule's tests
is `gateway.detect.waf.rules`; this module only sees to it that they are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Self

import re2
from pydantic import AfterValidator, Field, model_validator

from policies import read
from policies.problem import PolicyInvalid, Problem
from policies.read import Document, Strict
from policies.waf_settings import Layer, Settings

FILES = ("waf/*.yaml", "waf/*.conf")
SETTINGS = "waf/settings.yaml"
MAX_RULES = 2000  # rules: ten times what is shipped; compiling them takes about ten seconds
MAX_PATTERN = 2000  # characters: longer alternations belong in several patterns

# Checks that are code and not patterns. Exclusions may name them; what they do is in the settings.
BUILT_IN = {
    "GW-201": "name",
    "GW-202": "url",
    "GW-203": "schema",
    "GW-301": "tool-argument",
    "GW-302": "tool-undeclared",
    "GW-401": "hidden-text",
    "GW-402": "control-token",
    "GW-403": "remote-image",
    "GW-404": "disguised-words",
    "GW-405": "nested-encoding",
    "GW-406": "linear-model",
    "GW-407": "classifier",
}

CORE = "CRS-"  # with a rule's number: what the core rule set's rules are called in findings and exclusions

Word = Annotated[str, Field(min_length=1, max_length=200)]


def _linear(pattern: str) -> str:
    """The pattern as it stands, if RE2 takes it and it cannot match nothing at all."""
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(f"the pattern is not RE2: {_message(error)}") from error
    if compiled.search("") is not None:
        raise ValueError("the pattern matches empty text, so it would fire on everything")
    return pattern


def _message(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)


Pattern = Annotated[str, Field(min_length=2, max_length=MAX_PATTERN), AfterValidator(_linear)]


class Severity(StrEnum):
    """How much one rule adds to its layer's sum: critical 5, error 4, warning 3, notice 2."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"

    @property
    def weight(self) -> int:
        return {"critical": 5, "error": 4, "warning": 3, "notice": 2}[self.value]


class Mode(StrEnum):
    """A shadow rule is recorded and decides nothing."""

    ENFORCE = "enforce"
    SHADOW = "shadow"


class Scope(Strict):
    """Where a rule looks. `roles` are those of the text, and `*` stands for all but those of `besides`.

    `decoded` asks for text that was hidden.
    """

    layer: Layer
    roles: Annotated[tuple[Word, ...], Field(min_length=1)]
    besides: tuple[Word, ...] = ()
    decoded: bool = False

    def fits(self, role: str, *, decoded: bool) -> bool:
        fits = role in self.roles or ("*" in self.roles and role not in self.besides)
        return fits and (decoded or not self.decoded)


class Sample(Strict):
    """A text a rule must hit or miss, said by `role`."""

    text: Annotated[str, Field(min_length=1)]
    role: Word = ""


class Tests(Strict):
    """At least one text the rule must hit, and one it must leave alone."""

    hit: Annotated[tuple[Sample | str, ...], Field(min_length=1)]
    miss: Annotated[tuple[Sample | str, ...], Field(min_length=1)]


class Rule(Strict):
    """One rule. It fires when any of `any` matches and, if given, some pattern of `also` does, and none of `unless`.

    `discussed` says what a match inside quotation marks counts for, in a text that talks about it: 1 for as much.
    `routes` overrides the mode for a route.
    """

    id: Annotated[str, Field(pattern=r"^[A-Z]{2,8}-[0-9]{3,5}$")]
    family: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
    severity: Severity
    scope: Scope
    any: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    also: tuple[Pattern, ...] = ()
    unless: tuple[Pattern, ...] = ()
    discussed: Annotated[float, Field(ge=0, le=1)] = 0.4
    mode: Mode = Mode.ENFORCE
    routes: Mapping[Word, Mode] = {}
    owner: Word
    expires: date
    tests: Tests

    def mode_on(self, route: str) -> Mode:
        return self.routes.get(route, self.mode)


class Exclusion(Strict):
    """Where a rule does not decide, why, and until when. `rule` may end in `*`; every condition given must hold."""

    rule: Word
    reason: Annotated[str, Field(min_length=3)]
    owner: Word
    until: date
    route: Word | None = None
    caller_role: Word | None = None
    tenant: Word | None = None
    where: Word | None = None

    @model_validator(mode="after")
    def _is_not_everything(self) -> Self:
        if self.rule == "*" and not (self.route or self.caller_role or self.tenant or self.where):
            raise ValueError(
                "this would switch every rule off: name a rule, a route, a tenant, a caller_role or a where"
            )
        return self


class RuleFile(Strict):
    """One file of rules and exclusions."""

    version: Annotated[int, Field(ge=1, le=1)]
    rules: tuple[Rule, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()


class SettingsFile(Settings):
    version: Annotated[int, Field(ge=1, le=1)]


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule, and the file and line it stands on."""

    file: str
    where: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class WafPolicy:
    """Everything the attack stage goes by."""

    settings: Settings
    rules: tuple[Placed, ...]
    exclusions: tuple[Exclusion, ...]
    seclang: tuple[tuple[str, bytes], ...] = ()  # files of one's own for the core rule set: (name, content)

    def overdue(self, today: date) -> tuple[Rule, ...]:
        """Rules past their date. They stay in force: a control must not lapse because nobody looked."""
        return tuple(placed.rule for placed in self.rules if placed.rule.expires < today)


def parse(files: Mapping[str, bytes]) -> WafPolicy:
    """`waf/settings.yaml` and every other file as a policy, or `PolicyInvalid` with every problem. Seclang is read elsewhere."""
    problems: list[Problem] = []
    settings, rules, exclusions = None, [], []
    try:
        settings = read.model(SettingsFile, SETTINGS, read.require(files, SETTINGS))
    except PolicyInvalid as invalid:
        problems += invalid.problems
    seclang = tuple((name, files[name]) for name in sorted(files) if name.endswith(".conf"))
    for name in sorted(set(files) - {SETTINGS} - {name for name, _ in seclang}):
        try:
            source = read.document(name, files[name])
            found = read.fill(RuleFile, source)
        except PolicyInvalid as invalid:
            problems += invalid.problems
            continue
        rules += [Placed(name, _place(source, index, rule), rule) for index, rule in enumerate(found.rules)]
        exclusions += [(name, exclusion) for exclusion in found.exclusions]
    problems += _disagreements(rules, exclusions) if not problems else []
    if problems or settings is None:
        raise PolicyInvalid(problems)
    return WafPolicy(settings, tuple(rules), tuple(exclusion for _, exclusion in exclusions), seclang)


def _place(source: Document, index: int, rule: Rule) -> str:
    return f"{source.where(('rules', index))} {rule.id}"


def _disagreements(rules: list[Placed], exclusions: list[tuple[str, Exclusion]]) -> Iterable[Problem]:
    seen: dict[str, str] = {}
    for placed in rules:
        if placed.rule.id in seen:
            hint = "give the newer rule a number of its own"
            yield Problem(placed.file, placed.where, f"the id is used in {seen[placed.rule.id]} already", hint)
        seen.setdefault(placed.rule.id, f"{placed.file} {placed.where}")
    if not rules:
        yield Problem(FILES[0], "", "there are no rules", "copy the default rules, or write one")
    if len(rules) > MAX_RULES:
        yield Problem(FILES[0], "", f"there are {len(rules)} rules, over the limit of {MAX_RULES}", "merge some")
    for file, exclusion in exclusions:
        known = exclusion.rule.startswith(CORE) or any(id_fits(exclusion.rule, one) for one in (*seen, *BUILT_IN))
        if not known:
            yield Problem(file, "exclusions", f"no rule is called {exclusion.rule}", "take the exclusion out")


def id_fits(pattern: str, rule_id: str) -> bool:
    """`LLM-1103` names one rule, `LLM-11*` all that begin so."""
    return rule_id.startswith(pattern[:-1]) if pattern.endswith("*") else rule_id == pattern
