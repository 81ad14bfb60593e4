"""As much of Kibana's query language as our objects use: parsed, made into a query, and judged on a document by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

TOKEN = re.compile(r'\s*(?:(?P<quoted>"[^"]*")|(?P<sign>>=|<=|:|\(|\))|(?P<word>[^\s:()<>="]+))')


@dataclass(frozen=True)
class Is:
    field: str
    sign: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Both:
    parts: tuple[Any, ...]
    word: str


def parse(text: str) -> Any:
    """None for everything. Raises ValueError for what this does not know, which Kibana may not know either."""
    tokens = list(_tokens(text))
    if not tokens:
        return None
    told, rest = _either(tokens)
    if rest:
        raise ValueError(f"left over: {rest}")
    return told


def fields(told: Any) -> set[str]:
    if told is None:
        return set()
    return {told.field} if isinstance(told, Is) else {name for part in told.parts for name in fields(part)}


def query(told: Any) -> dict[str, Any]:
    if told is None:
        return {"match_all": {}}
    if isinstance(told, Both):
        return {"bool": {"filter" if told.word == "and" else "should": [query(part) for part in told.parts]}}
    if told.sign != ":":
        return {"range": {told.field: {"gte" if told.sign == ">=" else "lte": told.values[0]}}}
    if told.values == ("*",):
        return {"exists": {"field": told.field}}
    return {"terms": {told.field: list(told.values)}}


def matches(told: Any, document: dict[str, Any]) -> bool:
    if told is None:
        return True
    if isinstance(told, Both):
        return (all if told.word == "and" else any)(matches(part, document) for part in told.parts)
    held = values(document, told.field)
    if told.sign == ">=":
        return any(value >= float(told.values[0]) for value in held)
    return bool(held) if told.values == ("*",) else any(str(value) in told.values for value in held)


def values(document: dict[str, Any], field: str) -> list[Any]:
    """What a document holds in a field, as the index sees it: a list, without empty ones."""
    value: Any = document
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return [] if value is None else value if isinstance(value, list) else [value]


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while text[at:].strip():
        found = TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"cannot read {text[at:]!r}")
        at = found.end()
        yield found.group().strip()


def _either(tokens: list[str]) -> tuple[Any, list[str]]:
    return _chain(tokens, "or", _all)


def _all(tokens: list[str]) -> tuple[Any, list[str]]:
    return _chain(tokens, "and", _one)


def _chain(tokens: list[str], word: str, inner: Any) -> tuple[Any, list[str]]:
    told, tokens = inner(tokens)
    parts = [told]
    while tokens[:1] == [word]:
        told, tokens = inner(tokens[1:])
        parts.append(told)
    return (parts[0] if len(parts) == 1 else Both(tuple(parts), word)), tokens


def _one(tokens: list[str]) -> tuple[Any, list[str]]:
    if tokens[0] == "(":
        told, rest = _either(tokens[1:])
        return told, rest[1:]
    field, sign, *rest = tokens
    if sign not in (":", ">=", "<="):
        raise ValueError(f"{sign} after {field}")
    if rest[0] != "(":
        return Is(field, sign, (rest[0].strip('"'),)), rest[1:]
    end = rest.index(")")
    return Is(field, sign, tuple(value.strip('"') for value in rest[1:end] if value != "or")), rest[end + 1 :]
