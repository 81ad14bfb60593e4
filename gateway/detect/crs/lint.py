"""Is Seclang in order? libmodsecurity loads a broken pattern or an unknown operator without a word, and then it never fires.

So every rule is read here first. The core rule set's own files may use look-around; rules of one's own are RE2, have
tests, and may not switch the engine off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import re2
import regex

from gateway.detect.crs.seclang import Directive, directives
from policies.problem import Problem

DIRECTIVES = frozenset(
    [
        "SecRule",
        "SecAction",
        "SecMarker",
        "SecComponentSignature",
        "SecDefaultAction",
        "SecRuleRemoveById",
        "SecRuleRemoveByTag",
        "SecRuleUpdateTargetById",
        "SecRuleUpdateTargetByTag",
        "SecRuleUpdateActionById",
    ]
)
OPERATORS = frozenset(
    [
        "rx",
        "pm",
        "pmFromFile",
        "lt",
        "le",
        "eq",
        "ge",
        "gt",
        "streq",
        "within",
        "contains",
        "containsWord",
        "beginsWith",
        "endsWith",
        "ipMatch",
        "detectSQLi",
        "detectXSS",
        "validateByteRange",
        "validateUtf8Encoding",
        "validateUrlEncoding",
        "unconditionalMatch",
        "noMatch",
        "strmatch",
    ]
)  # none that resolves a name, runs a program or reads a database
TRANSFORMATIONS = frozenset(
    [
        "none",
        "lowercase",
        "uppercase",
        "urlDecode",
        "urlDecodeUni",
        "urlEncode",
        "htmlEntityDecode",
        "jsDecode",
        "cssDecode",
        "cmdLine",
        "removeNulls",
        "replaceNulls",
        "removeWhitespace",
        "compressWhitespace",
        "replaceComments",
        "removeComments",
        "removeCommentsChar",
        "normalizePath",
        "normalisePath",
        "normalizePathWin",
        "normalisePathWin",
        "escapeSeqDecode",
        "utf8toUnicode",
        "length",
        "base64Decode",
        "base64DecodeExt",
        "base64Encode",
        "hexDecode",
        "hexEncode",
        "sha1",
        "md5",
        "trim",
        "trimLeft",
        "trimRight",
        "sqlHexDecode",
    ]
)
ACTIONS = frozenset(
    [
        "id",
        "phase",
        "msg",
        "tag",
        "ver",
        "rev",
        "severity",
        "maturity",
        "accuracy",
        "logdata",
        "capture",
        "t",
        "setvar",
        "skip",
        "skipAfter",
        "chain",
        "ctl",
        "multiMatch",
        "initcol",
        "expirevar",
        "status",
        "pass",
        "block",
        "deny",
        "drop",
        "log",
        "nolog",
        "auditlog",
        "noauditlog",
    ]
)  # no exec, no proxy, no redirect
OWN_CONTROLS = ("ruleRemoveById", "ruleRemoveByTag", "ruleRemoveTargetById", "ruleRemoveTargetByTag")
POINTS = {"CRITICAL": 5, "ERROR": 4, "WARNING": 3, "NOTICE": 2, "2": 5, "3": 4, "4": 3, "5": 2}


@dataclass(frozen=True, slots=True)
class About:
    """What a rule says of itself: its points, 0 for one that only prepares; its family; and the tests of one's own."""

    points: int
    family: str
    tests: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One file of rules. `own`: written by this site, not part of the core rule set."""

    name: str
    text: str
    own: bool = False


def lint(sources: Sequence[Source], data: Mapping[str, bytes]) -> tuple[dict[int, About], list[Problem]]:
    """Every rule by its number, and every problem. `data` are the word lists that lie beside the rules."""
    rules: dict[int, About] = {}
    problems: list[Problem] = []
    for source in sources:
        chained = False
        for one in directives(source.text):
            problems += [Problem(source.name, f"line {one.line}", *wrong) for wrong in _wrongs(one, source.own, data)]
            if one.is_rule:
                if not chained:
                    problems += _number(one, source, rules)
                chained = "chain" in one.actions
        if chained:
            problems.append(Problem(source.name, "", "the last rule of a chain is missing", "end it, or drop `chain`"))
    return rules, problems


def _number(one: Directive, source: Source, rules: dict[int, About]) -> Iterator[Problem]:
    number = next(iter(one.actions.get("id", ())), "")
    place = f"line {one.line}"
    if not number.isdigit():
        yield Problem(source.name, place, "a rule has no number", "give it an id of its own: id:1000001")
    elif int(number) in rules:
        yield Problem(source.name, place, f"the id {number} is used twice", "give the newer rule another")
    else:
        about = rules[int(number)] = _about(one, source.own)
        said = {kind for kind, _ in about.tests}
        if source.own and about.points and said != {"hit", "miss"}:
            hint = "write `# hit: …` and `# miss: …` right above it"
            yield Problem(source.name, place, f"rule {number} has no test of each kind", hint)


def _about(one: Directive, own: bool) -> About:
    actions = one.actions
    severity = actions.get("severity", ("CRITICAL" if own and "msg" in actions else "",))[0].upper()
    attacks = [tag.removeprefix("attack-") for tag in actions.get("tag", ()) if tag.startswith("attack-")]
    return About(POINTS.get(severity, 0), f"crs-{attacks[0] if attacks else 'other'}", one.tests)


def _wrongs(one: Directive, own: bool, data: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """What is wrong with one directive, and what to do."""
    if one.name not in DIRECTIVES:
        yield f"the directive {one.name} is not taken", "rules, their updates and removals may stand here"
        return
    for name in one.actions:
        if name not in ACTIONS:
            yield f"the action {name} is not taken", "see docs/reference/waf-rules.md"
    for name in one.actions.get("t", ()):
        if name not in TRANSFORMATIONS:
            yield f"there is no transformation {name}", "look for a slip of the fingers"
    if own:
        yield from _own_wrongs(one)
    if one.name == "SecRule":
        yield from _operator_wrongs(one, own, data)


def _own_wrongs(one: Directive) -> Iterator[tuple[str, str]]:
    for control in one.actions.get("ctl", ()):
        if control.partition("=")[0] not in OWN_CONTROLS:
            yield f"ctl:{control.partition('=')[0]} is not taken", f"what may be controlled: {', '.join(OWN_CONTROLS)}"


def _operator_wrongs(one: Directive, own: bool, data: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    name, argument = one.operator
    if len(one.parts) < 2:
        yield "a rule has no operator", 'write SecRule VARIABLES "@operator argument" "actions"'
    elif name not in OPERATORS:
        yield f"there is no operator @{name}", "look for a slip of the fingers"
    elif name == "rx" and not _compiles(argument, own):
        yield "the pattern does not compile", "rules of one's own are RE2: no look-around" if own else "mend the file"
    elif name == "pmFromFile":
        for file in argument.split():
            if file not in data:
                yield f"the list {file} is not there", "it lies in the same directory, under a plain name"


@lru_cache(maxsize=4096)
def _compiles(pattern: str, own: bool) -> bool:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 256 << 20  # bytes: the core rule set has patterns of 12,000 characters
    try:
        re2.compile(pattern, options)
    except re2.error:
        return not own and _has_look_around(pattern)
    return True


def _has_look_around(pattern: str) -> bool:
    """What RE2 does not take and PCRE does, as old core rules have it."""
    try:
        regex.compile(pattern)
    except regex.error:
        return False
    return True
