"""Bytes → values, as strictly as TGI reads them (axum's Json extractor over serde_json). No field names live here.

A body is first JSON (or 400), then has the right shape (or 422, plain text). Duplicate keys that a structure knows are
an error, unknown keys are ignored, NaN and Infinity are not JSON. serde's "at line 1 column 2" is not imitated.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")
Shape = Callable[[object, str], T]
"""Reads a value found at a path; raises `WrongShape`."""

MAX_DEPTH = 127  # serde_json's recursion limit is 128


class BadBody(Exception):
    """A body that is no request: answered in plain text, as axum does."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class WrongShape(Exception):
    """JSON, but not what the route takes; the message has serde's wording."""


class Fields(dict[str, Any]):
    """A JSON object that remembers which of its keys were given twice."""

    repeated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a structure. Without `default` it is required; `alias` is a second spelling."""

    shape: Shape[Any]
    default: Callable[[], object] | None = None
    alias: str = ""


def parse_json(body: bytes) -> object:
    """Strict JSON; raises `BadBody` 400."""
    try:
        value: object = json.loads(
            body.decode(), object_pairs_hook=_fields, parse_constant=_refuse_constant, parse_float=_finite
        )
        json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate has no UTF-8 form
    except RecursionError as error:
        raise _not_json("recursion limit exceeded") from error
    except ValueError as error:
        raise _not_json(str(error)) from error
    if _depth(value) > MAX_DEPTH:
        raise _not_json("recursion limit exceeded")
    return value


def read(body: bytes, shape: Shape[T]) -> T:
    """The body as this shape; raises `BadBody` 400 or 422."""
    value = parse_json(body)
    try:
        return shape(value, "")
    except WrongShape as error:
        raise BadBody(422, f"Failed to deserialize the JSON body into the target type: {error}") from error


def text(value: object, path: str) -> str:
    return value if isinstance(value, str) else _wrong(value, path, "a string")


def boolean(value: object, path: str) -> bool:
    return value if isinstance(value, bool) else _wrong(value, path, "a boolean")


def f32(value: object, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _wrong(value, path, "f32")
    return float(value)


def anything(value: object, path: str) -> object:
    return value


def integer(kind: str, low: int, high: int) -> Shape[int]:
    """A whole number within a Rust type's range."""

    def shape(value: object, path: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            return _wrong(value, path, kind)
        if not low <= value <= high:
            raise WrongShape(f"{_at(path)}invalid value: integer `{value}`, expected {kind}")
        return value

    return shape


u32 = integer("u32", 0, 2**32 - 1)
u64 = integer("u64", 0, 2**64 - 1)
usize = integer("usize", 0, 2**64 - 1)
i32 = integer("i32", -(2**31), 2**31 - 1)


def optional(inner: Shape[T]) -> Shape[T | None]:
    def shape(value: object, path: str) -> T | None:
        return None if value is None else inner(value, path)

    return shape


def sequence(inner: Shape[T]) -> Shape[list[T]]:
    def shape(value: object, path: str) -> list[T]:
        if not isinstance(value, list):
            return _wrong(value, path, "a sequence")
        return [inner(item, f"{path}[{i}]") for i, item in enumerate(value)]

    return shape


def either(name: str, *inner: Shape[Any]) -> Shape[Any]:
    """serde's untagged enum: the first shape that fits."""

    def shape(value: object, path: str) -> Any:
        for candidate in inner:
            try:
                return candidate(value, path)
            except WrongShape:
                continue
        raise WrongShape(f"{_at(path)}data did not match any variant of untagged enum {name}")

    return shape


def struct(name: str, make: Callable[..., T], fields: Mapping[str, Field]) -> Shape[T]:
    """An object with these fields; unknown keys are ignored, known ones may come once."""

    def shape(value: object, path: str) -> T:
        if not isinstance(value, Fields):
            return _wrong(value, path, f"struct {name}")
        return make(**{key: _field(value, key, field, path) for key, field in fields.items()})

    return shape


def _field(value: Fields, key: str, field: Field, path: str) -> object:
    given = [spelling for spelling in (key, field.alias) if spelling and spelling in value]
    if len(given) > 1 or any(spelling in value.repeated for spelling in given):
        raise WrongShape(f"{_at(path)}duplicate field `{key}`")
    if given:
        return field.shape(value[given[0]], f"{path}.{key}" if path else key)
    if field.default is None:
        raise WrongShape(f"{_at(path)}missing field `{key}`")
    return field.default()


def _at(path: str) -> str:
    return f"{path}: " if path else ""


def _wrong(value: object, path: str, expected: str) -> NoReturn:
    raise WrongShape(f"{_at(path)}invalid type: {_named(value)}, expected {expected}")


def _named(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"boolean `{str(value).lower()}`"
        case int():
            return f"integer `{value}`"
        case float():
            return f"floating point `{value}`"
        case str():
            return f"string {json.dumps(value, ensure_ascii=False)}"
        case list():
            return "sequence"
        case _:
            return "map"


def _fields(pairs: list[tuple[str, Any]]) -> Fields:
    fields = Fields(pairs)
    if len(fields) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        fields.repeated = frozenset(key for key, count in counts.items() if count > 1)
    return fields


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"expected value, found {word}")


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError("number out of range")
    return value


def _not_json(reason: str) -> BadBody:
    return BadBody(400, f"Failed to parse the request body as JSON: {reason}")


def _depth(value: object) -> int:
    """How deep it nests, without recursion of our own."""
    deepest, level = 0, [value]
    while level:
        children: list[object] = []
        for item in level:
            children += item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        deepest += any(isinstance(item, dict | list) for item in level)
        level = children
    return deepest
