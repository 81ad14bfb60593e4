"""A request while it is being read: the canonical body so far, its passages and their places, and what is asked for.

`Rejected` is how a rule says no from the depths of a body; it never leaves this package: `Wire.read` returns its refusal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias

import orjson

from gateway.core.errors import BackendError
from gateway.core.exchange import Kind, Parameters, Passage
from gateway.core.facts import fact
from gateway.core.verdict import Code, Refuse
from tgi.wire.strict import Limits

Out: TypeAlias = dict[str, object]
Container: TypeAlias = dict[str, object] | list[object]
Rule: TypeAlias = Callable[["Draft", Out, str, str, object], None]
"""Reads one field: (draft, where it goes, its key, its place, its value). Null never comes: it means absent."""

PARAMETER = "parameter"  # the role of a passage nobody says: a stop word, a model's name
TOOL_DEFINITION = "tool_definition"
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\[\]-]{0,119}")


class Rejected(Exception):
    """The body breaks a rule. Carries the refusal to return."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.refusal = Refuse(code, detail=detail)


class CannotPutBack(BackendError):
    """A stage left a passage that does not fit where it came from. Nothing is sent."""

    code = Code.STAGE_FAILED


@fact(frozen=True, slots=True)
class Slot:
    """Where a passage's text lives in the canonical body. `json` says that the text is a JSON value there, not a string."""

    container: Container
    key: str | int
    json: bool = False

    def put(self, text: str) -> None:
        """Set the text, or the value it spells; raises `CannotPutBack`."""
        self.container[self.key] = self._value(text) if self.json else text  # type: ignore[index]

    def _value(self, text: str) -> object:
        before = self.container[self.key]  # type: ignore[index]
        try:
            value: object = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise CannotPutBack("a redacted schema is no longer JSON") from error
        if type(value) is not type(before):
            raise CannotPutBack("a redacted schema is no longer of its type")
        return value


@dataclass(slots=True)
class Draft:
    """What the rules have gathered. `facts` are keyword arguments of `Parameters`."""

    limits: Limits
    out: Out = field(default_factory=dict)
    passages: list[Passage] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)
    sampling: list[str] = field(default_factory=list)
    model: str = ""
    streaming: bool = False
    usage_wanted: bool = False
    echo: bool = False
    details: bool = False

    def text(
        self, container: Container, key: str | int, where: str, text: str, role: str, kind: Kind = Kind.PROSE
    ) -> None:
        """A string the model will read: kept in the body and as a passage."""
        if type(container) is dict:
            container[key] = text  # type: ignore[index]
        else:
            container.append(text)  # type: ignore[union-attr]
        self.passages.append(Passage(where, role, text, kind))
        self.slots.append(Slot(container, key))

    def json(self, container: Out, key: str, where: str, value: object, role: str, kind: Kind = Kind.SCHEMA) -> None:
        """A JSON value the model or its grammar will read: one passage, spelled canonically."""
        container[key] = value
        self.passages.append(Passage(where, role, orjson.dumps(value).decode(), kind))
        self.slots.append(Slot(container, key, json=True))

    def parameters(self) -> Parameters:
        return Parameters(sampling=tuple(self.sampling), **self.facts)  # type: ignore[arg-type]


def read_fields(draft: Draft, out: Out, table: Mapping[str, Rule], source: Mapping[str, object], prefix: str) -> None:
    """Every field by its rule; one that has no rule is refused."""
    for key, value in source.items():
        rule = table.get(key)
        if rule is None:
            raise Rejected(Code.FIELD_UNKNOWN, _name(prefix + key))
        if value is not None:
            rule(draft, out, key, prefix + key, value)


def invalid(where: str, must: str) -> NoReturn:
    """Refuse a value: the field's place and the rule, never the value."""
    raise Rejected(Code.PARAMETER_INVALID, f"{where}: {must}")


def object_at(where: str, value: object) -> dict[str, object]:
    if type(value) is not dict:
        invalid(where, "must be an object")
    return value


def list_at(where: str, value: object, limit: int, what: str) -> list[object]:
    if type(value) is not list:
        invalid(where, "must be an array")
    if len(value) > limit:
        invalid(where, f"may have at most {limit} {what}")
    return value


def string_at(where: str, value: object) -> str:
    if type(value) is not str:
        invalid(where, "must be a string")
    return value


def name_at(draft: Draft, where: str, value: object) -> str:
    """A short string: a name or an id."""
    text = string_at(where, value)
    if len(text) > draft.limits.max_name_chars:
        invalid(where, f"may have at most {draft.limits.max_name_chars} characters")
    return text


def required(source: Mapping[str, object], keys: Iterable[str], prefix: str) -> None:
    for key in keys:
        if source.get(key) is None:
            invalid(prefix + key, "is required")


def _name(where: str) -> str:
    """An unknown field's place, if it looks like one: a caller's text is never quoted back."""
    return where if _PLAIN_NAME.fullmatch(where) else "a field whose name is not a plain word"
