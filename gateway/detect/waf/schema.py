"""How complex a JSON schema, grammar or regular expression is: the backend compiles it, and a small one can cost minutes."""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from re import _constants as sre  # type: ignore[attr-defined]  # the standard library's own parser, private by name only
from re import _parser as sre_parse  # type: ignore[attr-defined]
from typing import Any

_PATTERN_KEYS = frozenset({"pattern", "regex"})
_SIZE_KEYS = frozenset({"maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties"})
_COUNTED = re.compile(r"\{\s*(\d{0,9})\s*(?:,\s*(\d{0,9}))?\s*\}")
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
STEPS_A_REPEAT = 10  # a pattern written out may have so many steps for each repeat that is allowed
_REMOTE = re.compile(r"(?i)^[a-z][a-z0-9+.-]*:")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Characters of the whole; levels; values; characters of one pattern; and how often anything may repeat."""

    characters: int
    depth: int
    nodes: int
    pattern_characters: int
    repeats: int


def excess(text: str, bounds: Bounds) -> str:
    """What is too much about a schema, in words that quote nothing of it; empty when all is within bounds.

    Text that is no JSON is taken for a regular expression or a grammar.
    """
    if len(text) > bounds.characters:
        return f"is {len(text)} characters long, over the limit of {bounds.characters}"
    if _depth(text) > max(bounds.depth, 0) * 2:
        return f"is nested deeper than {bounds.depth} levels"
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _pattern_excess(text, bounds)
    if isinstance(value, str):
        return _pattern_excess(value, bounds)
    return _value_excess(value, bounds)


def words(text: str) -> str:
    """What a tool's schema says to the model in words: its strings and long names, a line each; empty where it is no JSON."""
    try:
        waiting: list[tuple[str, Any]] = [("", json.loads(text))]
    except (ValueError, RecursionError):
        return ""
    said: list[str] = []
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            waiting += reversed(value.items())
            said += [name for name in value if len(name) > LONGEST_NAME]
        elif isinstance(value, list):
            waiting += [(key, one) for one in reversed(value)]
        elif isinstance(value, str) and key not in _SPELT:
            said.append(value)
    return "\n".join(said)


_SPELT = frozenset({"type", "format", "pattern", "regex", "$ref", "$schema", "$id"})  # read by programs
LONGEST_NAME = 40  # characters: names of parameters are shorter, and a longer one may say something


def _depth(text: str) -> int:
    """How deep brackets go, counting those in strings too: a bound on recursion, not a measure."""
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}()]", text):
        depth += 1 if bracket in "[{(" else -1
        deepest = max(deepest, depth)
    return deepest


def _value_excess(value: object, bounds: Bounds) -> str:
    nodes, waiting = 0, [(value, 1, "")]
    while waiting:
        one, depth, key = waiting.pop()
        nodes += 1
        if nodes > bounds.nodes:
            return f"has more than {bounds.nodes} values"
        if depth > bounds.depth:
            return f"is nested deeper than {bounds.depth} levels"
        wrong = _leaf_excess(key, one, bounds)
        if wrong:
            return wrong
        if isinstance(one, dict):
            waiting += [(inner, depth + 1, name) for name, inner in one.items()]
        elif isinstance(one, list):
            waiting += [(inner, depth + 1, "") for inner in one]
    return ""


def _leaf_excess(key: str, value: object, bounds: Bounds) -> str:
    if isinstance(value, str) and key in _PATTERN_KEYS:
        return _pattern_excess(value, bounds)
    if isinstance(value, str) and key in ("$ref", "$schema", "$id") and _REMOTE.match(value) and key == "$ref":
        return "refers to another document: only references within it are resolved"
    if isinstance(value, int) and key in _SIZE_KEYS and not isinstance(value, bool) and value > bounds.repeats:
        return f"has a {key} over {bounds.repeats}"
    return ""


def _pattern_excess(pattern: str, bounds: Bounds) -> str:
    if len(pattern) > bounds.pattern_characters:
        return f"has a pattern of {len(pattern)} characters, over the limit of {bounds.pattern_characters}"
    for least, most in _COUNTED.findall(pattern):
        count = max(int(least or 0), int(most or 0))
        if count > bounds.repeats:
            return f"has a pattern that repeats {count} times, over the limit of {bounds.repeats}"
    if _written_out(pattern) > bounds.repeats * STEPS_A_REPEAT:
        return "has a pattern whose counted repeats multiply"
    if _nested_repeats(pattern) > 2:
        return "has a pattern with repeats inside repeats inside repeats"
    return ""


def _written_out(pattern: str) -> int:
    """How many steps a pattern has once its counted repeats are written out, as automata are built."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _steps(sre_parse.parse(pattern))
    except (re.error, OverflowError, RecursionError):
        counts = [max(int(least or 0), int(most or 0), 1) for least, most in _COUNTED.findall(pattern)]
        return len(pattern) * math.prod(counts)  # not Python's spelling: take every repeat for nested


def _steps(items: Iterable[tuple[Any, Any]]) -> int:
    total = 0
    for kind, value in items:
        if kind is sre.SUBPATTERN:
            total += _steps(value[3])
        elif kind is sre.BRANCH:
            total += sum(_steps(branch) for branch in value[1])
        elif kind in _REPEATS:
            most = value[0] + 1 if value[1] is sre.MAXREPEAT else value[1]
            total += int(most) * _steps(value[2])
        elif kind in (sre.ASSERT, sre.ASSERT_NOT):
            total += _steps(value[1])
        else:
            total += 1
    return total


def _nested_repeats(pattern: str) -> int:
    """How many repeats stand around the innermost one: `((a+)*)+` is three."""
    plain = re.sub(r"\\.|\[[^\]]*\]", "x", pattern)
    stack, deepest = [0], 0
    for index, letter in enumerate(plain):
        if letter == "(":
            stack.append(0)
        elif letter == ")" and len(stack) > 1:
            inside = stack.pop() + (
                plain[index + 1 : index + 2] in ("*", "+", "{") and plain[index + 1 : index + 2] != ""
            )
            stack[-1] = max(stack[-1], inside)
        elif letter in "*+{" and plain[index - 1 : index] != ")":
            stack[-1] = max(stack[-1], 1)
        deepest = max(deepest, stack[-1])
    return deepest
