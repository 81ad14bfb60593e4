"""Launch profiles: which model, on which GPUs, with which limits. What they become on a command line is `render`'s matter."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError, model_validator

GIB = 1 << 30
BYTES_PER_NUMBER = 2  # bfloat16 and float16 alike, for weights and for keys and values

# Kept free on each GPU: CUDA context and graphs, NCCL buffers, activations of the largest prefill.
RESERVE_GIB = 4.0
# TGI may use this share of a GPU; the rest is for the driver and for what else looks at the card.
MEMORY_FRACTION = 0.95


class ProfileError(Exception):
    """No such profile, or one that cannot be true; the message names file, key and reason."""


class Profile(BaseModel):
    """One way to run one model. Sizes are of the model itself; limits are ours."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    revision: str  # a commit, so that weights are the ones that were looked at
    licence: str
    directory: str  # below the directory that holds the weights
    dtype: Literal["bfloat16", "float16"]

    parameters: PositiveInt
    layers: PositiveInt
    attention_heads: PositiveInt
    kv_heads: PositiveInt
    head_dim: PositiveInt
    context: PositiveInt

    gpus: PositiveInt
    gpu_gib: PositiveInt  # least memory of each GPU

    max_input_tokens: PositiveInt
    max_total_tokens: PositiveInt
    max_batch_prefill_tokens: PositiveInt
    max_batch_total_tokens: PositiveInt
    max_concurrent_requests: PositiveInt

    @model_validator(mode="after")
    def _can_be_true(self) -> Profile:
        for broken, why in self._contradictions():
            if broken:
                raise ValueError(why)
        return self

    @property
    def weight_gib(self) -> float:
        """The weights on each GPU."""
        return self.parameters * BYTES_PER_NUMBER / GIB / self.gpus

    @property
    def kv_gib(self) -> float:
        """Keys and values of a full batch, on each GPU."""
        per_token = 2 * self.layers * self.kv_heads * self.head_dim * BYTES_PER_NUMBER
        return per_token * self.max_batch_total_tokens / GIB / self.gpus

    @property
    def needed_gib(self) -> float:
        """What each GPU must hold."""
        return self.weight_gib + self.kv_gib + RESERVE_GIB

    def _contradictions(self) -> list[tuple[bool, str]]:
        room = self.gpu_gib * MEMORY_FRACTION
        return [
            (len(self.revision) != 40, "revision is not a full commit"),
            (self.attention_heads % self.gpus != 0, f"gpus: {self.attention_heads} heads do not divide by {self.gpus}"),
            (self.kv_heads % self.gpus != 0, f"gpus: {self.kv_heads} key-value heads do not divide by {self.gpus}"),
            (self.max_input_tokens >= self.max_total_tokens, "max_input_tokens leaves no room for an answer"),
            (self.max_total_tokens > self.context, "max_total_tokens is more than the model's context"),
            (self.max_batch_prefill_tokens < self.max_input_tokens, "max_batch_prefill_tokens is below one prompt"),
            (self.max_batch_total_tokens < self.max_total_tokens, "max_batch_total_tokens is below one exchange"),
            (self.needed_gib > room, f"gpu_gib: {self.needed_gib:.1f} GiB needed, {room:.1f} GiB there"),
        ]


def names() -> list[str]:
    """The profiles that come with the product."""
    return sorted(file.name.removesuffix(".yaml") for file in _directory().iterdir() if file.name.endswith(".yaml"))


def load(name: str) -> Profile:
    """A profile by name; raises `ProfileError`."""
    if name not in names():
        raise ProfileError(f"{name}: no such profile; there are: {', '.join(names())}")
    return parse(f"{name}.yaml", _directory().joinpath(f"{name}.yaml").read_text("utf-8"))


def parse(file: str, text: str) -> Profile:
    """A profile from YAML; raises `ProfileError`."""
    try:
        return Profile.model_validate(yaml.safe_load(text))
    except (ValidationError, yaml.YAMLError) as error:
        raise ProfileError(f"{file}: {_plain(error)}") from error


def _directory() -> Traversable:
    return files("tgi.launch").joinpath("profiles")


def _plain(error: ValidationError | yaml.YAMLError) -> str:
    if isinstance(error, yaml.YAMLError):
        return f"is not YAML: {error}"
    problems = [(".".join(map(str, e["loc"])), e["msg"].removeprefix("Value error, ")) for e in error.errors()]
    return "; ".join(f"{where}: {what}" if where else what for where, what in problems)
