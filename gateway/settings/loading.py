"""From a site's directory to `Settings`, or to the list of everything that is wrong. Single values are judged by the sections."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import Field, ValidationError

from gateway.settings import checks
from gateway.settings.inside import Audit, Backend, Elasticsearch, Observe, Pii, Policies, Watermark
from gateway.settings.outside import Admin, Identity, Limits, Listen, Tls
from gateway.settings.problems import Problem, SettingsInvalid, from_validation, unknown
from gateway.settings.rules import Classifier, Crs
from gateway.settings.section import Section
from gateway.settings.shared import Pseudonyms

FILE_NAME = "gateway.toml"
MAX_FILE_BYTES = 1 << 20  # a full file with its comments is about 20 KB


class Settings(Section):
    """Everything an operator decides, but for policies."""

    listen: Listen = Field(default=Listen(), description=str(Listen.__doc__))
    tls: Tls
    admin: Admin = Field(default=Admin(), description=str(Admin.__doc__))
    limits: Limits = Field(default=Limits(), description=str(Limits.__doc__))
    identity: Identity
    backend: Backend = Field(default=Backend(), description=str(Backend.__doc__))
    audit: Audit
    elasticsearch: Elasticsearch | None = None
    watermark: Watermark
    policies: Policies
    pii: Pii
    pseudonyms: Pseudonyms | None = None
    crs: Crs | None = None
    classifier: Classifier | None = None
    observe: Observe = Field(default=Observe(), description=str(Observe.__doc__))

    @property
    def admin_names(self) -> tuple[str, ...]:
        """The names a Host may carry on the admin port."""
        return self.admin.server_names or self.listen.server_names


def sections() -> dict[str, type[Section]]:
    """The tables of the file in their order, and what each holds."""
    return {name: _model(field.annotation) for name, field in Settings.model_fields.items()}


def load(site: Path, *, complete: bool = True) -> Settings:
    """Read `site/gateway.toml`. Raises SettingsInvalid (a SettingsError) with every problem, not the first.

    `complete` also looks at what the file points to: certificates, keys and secrets must be there and readable. Verbs
    that use none of them pass False, so that a policy editor needs no access to keys.
    """
    file = site / FILE_NAME
    found, problems = _validate(file, _read(file), site.absolute())
    problems += checks.relations(str(file), found)
    if complete:
        problems += checks.reachable(str(file), found)
    if problems:
        raise SettingsInvalid(problems)
    return Settings(**found)


def one(site: Path, name: str, defaults: Mapping[str, Any]) -> Section:
    """One table alone, over `defaults`: for verbs that also work on a part of a site, such as a copy of its record."""
    file, model = site / FILE_NAME, sections()[name]
    told = _read(file).get(name, {}) if file.exists() else {}
    try:
        return model.model_validate(_tuples({**defaults, **told}), context={"site": site.absolute()})
    except ValidationError as error:
        raise SettingsInvalid(from_validation(str(file), name, model, error)) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise SettingsInvalid([Problem(str(file), "", f"the file is over {MAX_FILE_BYTES} bytes")])
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        hint = "make a site with: hangu init DIR"
        raise SettingsInvalid([Problem(str(file), "", f"cannot be read ({error.strerror})", hint)]) from error
    except UnicodeDecodeError as error:
        raise SettingsInvalid([Problem(str(file), "", "is not UTF-8", "save it as UTF-8")]) from error
    except tomllib.TOMLDecodeError as error:
        hint = "see https://toml.io; text goes in quotes"
        raise SettingsInvalid([Problem(str(file), "", f"is not TOML: {_lower(str(error))}", hint)]) from error


def _validate(file: Path, tables: Mapping[str, Any], site: Path) -> tuple[dict[str, Any], list[Problem]]:
    """Each section on its own, so that a mistake in one does not hide the next one's."""
    models = sections()
    found: dict[str, Any] = {}
    problems = [unknown(str(file), name, name, models) for name in tables if name not in models]
    for name, model in models.items():
        if name not in tables and is_optional(name):
            continue
        try:
            found[name] = model.model_validate(_tuples(tables.get(name, {})), context={"site": site})
        except ValidationError as error:
            problems += from_validation(str(file), name, model, error)
    return found, problems


def is_optional(name: str) -> bool:
    """Whether a table that is not there means something else than one with nothing in it."""
    return type(None) in get_args(Settings.model_fields[name].annotation)


def _model(annotation: Any) -> type[Section]:
    candidates = (annotation, *get_args(annotation))
    return next(kind for kind in candidates if isinstance(kind, type) and issubclass(kind, Section))


def _tuples(value: Any) -> Any:
    """TOML's arrays as tuples: frozen all the way down, and what strict models accept."""
    match value:
        case dict():
            return {key: _tuples(item) for key, item in value.items()}
        case list():
            return tuple(_tuples(item) for item in value)
        case _:
            return value


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
