"""What the embedded backend asks of whoever computes the tokens: the engine's interface and its vocabulary.

No HTTP, no TGI shapes and no model lives here. An engine turns token ids into an endless run of next tokens; where
a text ends, how bytes become characters and how a reply looks is decided by its callers.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class EngineFailed(Exception):
    """The engine could not go on. Shown to clients as TGI's 424 `generation` error."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is served, and the few facts about its vocabulary that text and sampling depend on."""

    model_id: str
    sha: str
    what: str  # one plain sentence for people: what this is, and what it is not
    vocab_size: int  # rows of the output layer, the V of the watermark
    max_total_tokens: int  # prompt and answer together
    eos_ids: frozenset[int]
    special: Mapping[int, str]
    bos_token: str
    eos_token: str
    chat_template: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One token of a given text and the bytes it stands for; a token may hold half a character."""

    id: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible next token. `logprob` is natural, over the model's whole vocabulary unless `Ask.only` was given."""

    id: int
    data: bytes
    logprob: float


@dataclass(frozen=True, slots=True)
class Ask:
    """How many candidates are wanted and which penalties to apply first; `only` restricts them to these ids."""

    count: int
    repetition_penalty: float = 1.0
    frequency_penalty: float = 0.0
    only: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to choose: TGI's own parameters, already validated. `pattern` is the grammar as a regular expression."""

    seed: int
    do_sample: bool = False
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    typical_p: float = 1.0
    repetition_penalty: float = 1.0
    frequency_penalty: float = 0.0
    watermark: bool = False
    top_n_tokens: int = 0
    pattern: str | None = None
    key: bytes | None = field(default=None, repr=False)  # of a keyed draw, where tokens are drawn at all

    @property
    def samples(self) -> bool:
        """Whether chance has a part in it. TGI's rule: any warper set means sampling."""
        warped = self.temperature != 1.0 or self.top_k != 0 or self.top_p < 1.0 or self.typical_p < 1.0
        return self.do_sample or warped


@dataclass(frozen=True, slots=True)
class Step:
    """One chosen token. `waited_s` is how long the request stood in line before its first token was begun."""

    id: int
    data: bytes
    logprob: float
    top: tuple[Candidate, ...] = ()
    waited_s: float = field(default=0.0, compare=False)


class Engine(Protocol):
    """Whoever computes. Every method raises only `EngineFailed` (and cancellation)."""

    @property
    def card(self) -> ModelCard: ...

    async def tokenize(self, text: str) -> list[Piece]:
        """The text as tokens; the spelling of a special token becomes that token, as TGI's tokenizer does."""
        ...

    def stream(self, ids: Sequence[int], sampling: Sampling) -> AsyncGenerator[Step, None]:
        """Next tokens without end. Closing the generator frees the seat at once."""
        ...

    async def healthy(self) -> bool: ...

    async def close(self) -> None: ...


class CandidateSource(Protocol):
    """An engine that hands out the likeliest next tokens and leaves the choice to `tgi.embedded.stepping`."""

    async def candidates(self, ids: Sequence[int], ask: Ask) -> list[Candidate]:
        """At most `ask.count`, likeliest first."""
        ...

    async def vocabulary(self) -> Sequence[bytes]:
        """Every token's bytes by id; special tokens are empty."""
        ...
