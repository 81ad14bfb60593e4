"""Which model a name means, and which backend answers for it. Who may ask is `policies.access`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Self

from pydantic import Field, model_validator

from policies import read
from policies.read import Strict

FILES = ("routing.yaml",)

UNNAMED = frozenset({"", "tgi", "dummy"})  # what clients of TGI and huggingface_hub send where they name no model

ModelName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\s*,]+$")]
BackendName = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-z0-9][a-z0-9._-]*$")]


class ServedModel(Strict):
    """One model: the name callers and rules use, the backend that serves it, other names it answers to."""

    name: ModelName
    backend: BackendName
    aliases: tuple[ModelName, ...] = ()
    owner: Annotated[str, Field(max_length=100)] = "hangu"


class _Routing(Strict):
    default: ModelName
    models: Annotated[tuple[ServedModel, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_are_clear(self) -> Self:
        names = [name for model in self.models for name in (model.name, *model.aliases)]
        twice = sorted({name for name in names if names.count(name) > 1} | (set(names) & UNNAMED))
        if twice:
            raise ValueError(f"a name means one model only: {', '.join(twice)} is taken")
        if self.default not in {model.name for model in self.models}:
            raise ValueError(f"default is {self.default!r}, which no model is named")
        return self


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """`default` answers where a request names no model; `models` in the order they are listed to callers."""

    default: ServedModel
    models: tuple[ServedModel, ...]
    by_name: Mapping[str, ServedModel]

    def resolve(self, name: str) -> ServedModel | None:
        """The model a name or alias means; None where it means none."""
        return self.default if name in UNNAMED else self.by_name.get(name)


def parse(files: Mapping[str, bytes]) -> RoutingPolicy:
    """`routing.yaml` as a policy, or `PolicyInvalid` with every problem."""
    routing = read.model(_Routing, FILES[0], read.require(files, FILES[0]))
    by_name = {name: model for model in routing.models for name in (model.name, *model.aliases)}
    return RoutingPolicy(by_name[routing.default], routing.models, MappingProxyType(by_name))
