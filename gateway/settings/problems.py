"""Every problem of the file at once, each with file, key and hint. Which values are right is said by the sections."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from gateway.core.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, in which file, at which key, and what to do next."""

    file: str
    key: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        key = f" {self.key}:" if self.key else ""
        hint = f"; hint: {self.hint}" if self.hint else ""
        return f"{self.file}:{key} {self.what}{hint}"


class SettingsInvalid(SettingsError):
    """The settings cannot be used. `problems` holds everything that was found; str() lists it, one a line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(first.what, f"{first.file}: {first.key}", first.hint)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def unknown(file: str, key: str, name: str, known: Iterable[str]) -> Problem:
    """A key or section that nobody reads: most often a slip of the fingers."""
    close = difflib.get_close_matches(name, list(known), n=1)
    hint = f'did you mean "{close[0]}"?' if close else "remove it; the reference lists every key"
    return Problem(file, key, "there is no such key", hint)


def from_validation(file: str, section: str, model: type[BaseModel], error: ValidationError) -> list[Problem]:
    """pydantic's errors in our words. The value itself is never quoted: it may be a secret in the wrong place."""
    found = error.errors(include_url=False, include_input=False)
    inner = {details["loc"][:-1] for details in found}  # a list is not also "too short" for its one wrong item
    return [_problem(file, section, model, details) for details in found if details["loc"] not in inner]


def _problem(file: str, section: str, model: type[BaseModel], details: Any) -> Problem:
    path = [part for part in details["loc"] if not str(part).startswith("function-")]
    key = section + "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path)
    context = details.get("ctx") or {}
    if details["type"] == "extra_forbidden":
        return unknown(file, key, str(path[-1]), _fields(model, path[:-1]))
    if details["type"] == "missing":
        return Problem(file, key, "a value is needed", _description(model, path))
    what = str(details["msg"])
    return Problem(file, key, what[:1].lower() + what[1:], str(context.get("hint", "")) or _description(model, path))


def _description(model: type[BaseModel], path: Sequence[Any]) -> str:
    field = _owner(model, path[:-1]).model_fields.get(str(path[-1])) if path else None
    return (field.description or "") if field else ""


def _fields(model: type[BaseModel], path: Sequence[Any]) -> list[str]:
    return list(_owner(model, path).model_fields)


def _owner(model: type[BaseModel], path: Sequence[Any]) -> type[BaseModel]:
    """The model that holds the last key of `path`, as far as it goes through nested tables."""
    for part in path:
        field = model.model_fields.get(str(part))
        annotation = field.annotation if field else None
        for candidate in (annotation, *getattr(annotation, "__args__", ())):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                model = candidate
    return model
