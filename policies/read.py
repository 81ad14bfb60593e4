"""Reads what people wrote: strict YAML into frozen models, with every problem's file, key and line. Knows no section.

YAML is read as its 1.2 core schema says: `no`, `on` and `012` are text, not false, true and ten. A key given twice, an
alias and a tag are refused: what a rule says must be readable where it stands.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from policies.problem import PolicyInvalid, Problem

MAX_YAML_BYTES = 4 << 20  # bytes: ten times the largest rule file shipped; parsing it takes about a second
MAX_DEPTH = 32  # levels of nesting: deeper than any policy needs, far from Python's recursion limit

Path: TypeAlias = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """The base of every policy model: frozen, unknown keys refused, nothing coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Document:
    """Plain values (dict, list, str, int, float, bool, None) and the line each key path starts on, from 1."""

    file: str
    value: object
    lines: Mapping[Path, int]

    def where(self, path: Path) -> str:
        """`rules[2].pattern (line 17)`; the nearest known line when the key itself is missing."""
        known = next((path[:size] for size in range(len(path), -1, -1) if path[:size] in self.lines), None)
        line = f"line {self.lines[known]}" if known is not None else ""
        name = dotted(path)
        return f"{name} ({line})" if name and line else name or line


def dotted(path: Path) -> str:
    """("rules", 2, "pattern") → `rules[2].pattern`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def text(file: str, data: bytes, limit: int) -> str:
    """The file as UTF-8 of at most `limit` bytes, or `PolicyInvalid`."""
    if len(data) > limit:
        raise PolicyInvalid([Problem(file, "", f"is {len(data)} bytes, over the limit of {limit}", "split the file")])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PolicyInvalid([Problem(file, f"byte {error.start}", "is not UTF-8", "save the file as UTF-8")]) from error


def document(file: str, data: bytes) -> Document:
    """One strict YAML document, or `PolicyInvalid` with every problem of form. An empty file is null."""
    source = text(file, data, MAX_YAML_BYTES)
    try:
        node = _compose(source)
    except yaml.YAMLError as error:
        raise PolicyInvalid([_foreign(file, error)]) from error
    if node is None:
        return Document(file, None, {(): 1})
    reading = _Reading(file)
    value = reading.value(node, ())
    if reading.problems:
        raise PolicyInvalid(reading.problems)
    return Document(file, value, reading.lines)


def model(kind: type[Model], file: str, data: bytes) -> Model:
    """A YAML file as a model, or `PolicyInvalid` with every problem."""
    return fill(kind, document(file, data))


def each(kind: type[Model], file: str, data: bytes) -> tuple[Model, ...]:
    """A YAML list as models, or `PolicyInvalid` with every problem."""
    source = document(file, data)
    try:
        return TypeAdapter(tuple[kind, ...]).validate_json(_json(source))  # type: ignore[valid-type]  # known at run time
    except ValidationError as error:
        raise PolicyInvalid(list(_problems(kind, source, error))) from error


def fill(kind: type[Model], source: Document) -> Model:
    """A document already read, as a model. Validated as JSON is: lists become tuples and words enums, "1" stays text."""
    try:
        return kind.model_validate_json(_json(source))
    except ValidationError as error:
        raise PolicyInvalid(list(_problems(kind, source, error))) from error


def require(files: Mapping[str, bytes], name: str) -> bytes:
    """The bytes of a file a section cannot do without, or `PolicyInvalid`: a missing policy never means "allow"."""
    if name not in files:
        hint = "copy it from the default policies, or write one that says what is allowed"
        raise PolicyInvalid([Problem(name, "", "is missing", hint)])
    return files[name]


def _json(source: Document) -> str:
    return json.dumps(source.value, ensure_ascii=False)


class _Loader(yaml.CSafeLoader):
    """Resolves plain words as YAML 1.2's core schema does."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own protocol


for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
    ("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"^[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)$",
        "-+0123456789.",
    ),
):
    for _character in _first:
        _resolvers = _Loader.yaml_implicit_resolvers.setdefault(_character.replace("\0", ""), [])
        _resolvers.append((_tag, re.compile(_pattern)))

_SCALARS: Mapping[str, Callable[[str], object]] = {
    "tag:yaml.org,2002:bool": lambda word: word.lower() == "true",
    "tag:yaml.org,2002:null": lambda word: None,
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:str": str,
}


def _compose(source: str) -> yaml.Node | None:
    """Events first: what is not wanted is refused before the composer, which recurses, sees it."""
    depth = 0
    for event in yaml.parse(source, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        unwanted = _unwanted(event, depth)
        if unwanted:
            raise _Unwanted(problem=unwanted, problem_mark=event.start_mark)  # type: ignore[arg-type]  # C marks are not typed as marks
    return yaml.compose(source, Loader=_Loader)


class _Unwanted(yaml.MarkedYAMLError):
    """Good YAML, but not for policies."""


def _unwanted(event: yaml.Event, depth: int) -> str:
    if depth > MAX_DEPTH:
        return f"is nested deeper than {MAX_DEPTH} levels"
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        return "anchors and aliases are not used here: write the value out"
    if getattr(event, "tag", None) not in (None, "!"):
        return "tags are not used here: write a plain value"
    return ""


def _foreign(file: str, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
    what = getattr(error, "problem", None) or "is not YAML"
    hint = "check the indentation, and quote text that begins with a special character"
    return Problem(file, where, str(what), "" if isinstance(error, _Unwanted) else hint)


class _Reading:
    """One walk over the composed nodes: values out, lines and problems kept."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []

    def value(self, node: yaml.Node, path: Path) -> object:
        self.lines[path] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return _SCALARS[node.tag](node.value)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._problem(key, path, "a key must be a word", "write keys as plain text")
            elif key.value in found:
                self._problem(key, (*path, key.value), "the key is given twice", "keep one of the two")
            else:
                found[key.value] = self.value(value, (*path, key.value))
                self.lines[(*path, key.value)] = key.start_mark.line + 1
        return found

    def _problem(self, node: yaml.Node, path: Path, what: str, hint: str) -> None:
        name = dotted(path)
        line = f"line {node.start_mark.line + 1}"
        self.problems.append(Problem(self.file, f"{name} ({line})" if name else line, what, hint))


def _problems(kind: type[BaseModel], source: Document, error: ValidationError) -> Iterator[Problem]:
    for found in error.errors(include_url=False):
        *above, last = found["loc"] or ("",)
        unknown = found["type"] == "extra_forbidden"  # its last part is the key itself, whatever characters it has
        above = [part for part in above if not _is_branch(part)]
        path = (*above, last) if unknown or (last != "" and not _is_branch(last)) else tuple(above)
        what, hint = str(found["msg"]), ""
        if unknown:
            what, hint = "unknown key", _nearest(str(path[-1]), _keys(kind, path[:-1]))
        elif found["type"] == "missing":
            what = "is missing"
        elif found["type"] == "value_error":
            what = str(found["ctx"]["error"])
        yield Problem(source.file, source.where(path), what[:1].lower() + what[1:], hint)


def _is_branch(part: str | int) -> bool:
    """Of a union, named by pydantic after the type it tried: no key of the file's."""
    return isinstance(part, str) and "[" in part


def _nearest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, 1)
    return f"did you mean {close[0]!r}?" if close else f"known keys are {', '.join(known)}" if known else ""


def _keys(kind: type[BaseModel], path: Path) -> list[str]:
    """The keys a model takes at a path, as far as its annotations tell."""
    models = [kind]
    for part in path:
        if isinstance(part, int):
            continue
        fields = [model.model_fields[part].annotation for model in models if part in model.model_fields]
        models = [inner for annotation in fields for inner in _models(annotation)] or models
    return sorted({field.alias or name for model in models for name, field in model.model_fields.items()})


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is not None:
        return [model for argument in get_args(annotation) for model in _models(argument)]
    if hasattr(annotation, "__metadata__"):
        return _models(get_args(annotation)[0])
    return []
