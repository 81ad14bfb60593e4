"""Framework files as values, strictly. One file is one framework; other packages add theirs by an entry point.

The entry point group is `compliance_reports.frameworks`; each names a package whose YAML files are read like ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from compliance_reports.evidence.catalogue import MEASURES
from compliance_reports.model import NOTHING, Bound, Clause, Framework, Wanted, Words

OURS = "compliance_reports.frameworks"
GROUP = "compliance_reports.frameworks"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WANTED = re.compile(r"(E\d+\.[a-z_]+)(?: (<=|>=) (\d+(?:\.\d+)?))?")


class FrameworkInvalid(Exception):
    """A framework file that cannot be used: which, where in it, and what to do."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Text(_Strict):
    en: Annotated[str, Field(min_length=1)]
    zh: Annotated[str, Field(min_length=1)]

    def words(self) -> Words:
        return Words(self.en, self.zh)


class _Clause(_Strict):
    id: Annotated[str, Field(min_length=1, max_length=40)]
    title: _Text
    asks: _Text
    evidence: tuple[str, ...] = ()
    manual: _Text | None = None
    checked: bool | None = None


class _Framework(_Strict):
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$")]
    title: _Text
    version: str
    source: Annotated[str, Field(min_length=1)]
    checked: str = ""
    note: _Text | None = None
    clauses: Annotated[tuple[_Clause, ...], Field(min_length=1)]


def frameworks() -> dict[str, Framework]:
    """All of them by id: ours, then others'. Raises FrameworkInvalid."""
    found: dict[str, Framework] = {}
    for file in _files():
        one = parse(file.name, file.read_bytes())
        if one.id in found:
            raise FrameworkInvalid(f"{file.name}: the id {one.id} is taken; hint: ids are unique over all packages")
        found[one.id] = one
    return found


def parse(name: str, data: bytes) -> Framework:
    """One file. Raises FrameworkInvalid with the first thing wrong in it."""
    try:
        plain = yaml.load(data, Loader=_LOADER)  # noqa: S506 - the safe loader, in C where there is one
        told = _Framework.model_validate(plain)
    except (yaml.YAMLError, ValidationError) as error:
        raise FrameworkInvalid(f"{name}: {error}; hint: see docs/how-to/write-a-report.md") from error
    clauses = tuple(_clause(name, one, bool(told.checked)) for one in told.clauses)
    ids = [one.id for one in clauses]
    if twice := sorted({one for one in ids if ids.count(one) > 1}):
        raise FrameworkInvalid(f"{name}: clauses are there twice: {', '.join(twice)}; hint: number them apart")
    return Framework(told.id, told.title.words(), told.version, told.source, told.checked, _words(told.note), clauses)


def _files() -> Iterator[Traversable]:
    packages = [OURS, *sorted(point.value for point in entry_points(group=GROUP))]
    for package in packages:
        yield from sorted(
            (file for file in files(package).iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name
        )


def _clause(name: str, told: _Clause, checked: bool) -> Clause:
    wanted = tuple(_wanted(name, told.id, text) for text in told.evidence)
    if not wanted and told.manual is None:
        raise FrameworkInvalid(f"{name}: {told.id}: says neither evidence nor manual; hint: say what a person looks at")
    known = checked if told.checked is None else told.checked
    return Clause(told.id, told.title.words(), told.asks.words(), wanted, _words(told.manual), known)


def _wanted(name: str, clause: str, text: str) -> Wanted:
    """`E4.days >= 180`, or a figure's name alone for the bound it has of itself."""
    match = _WANTED.fullmatch(text)
    if match is None or match[1] not in MEASURES:
        raise FrameworkInvalid(f"{name}: {clause}: {text!r} is no figure; hint: one of {', '.join(_names(MEASURES))}")
    figure, sign, limit = match.groups()
    if sign is None:
        return Wanted(figure, MEASURES[figure].bound)
    return Wanted(figure, Bound(at_most=float(limit)) if sign == "<=" else Bound(at_least=float(limit)))


def _names(measures: Mapping[str, object]) -> list[str]:
    return sorted(measures)


def _words(told: _Text | None) -> Words:
    return told.words() if told is not None else NOTHING
