"""Steps → text: characters from bytes, special tokens, stop sequences, and the reason why an answer ended.

TGI's rules (text_generation_server/utils/tokens.py): length is looked at first, then the end-of-text token, then the
stop sequences; a stop sequence stays in the text; a special token shows in the token, never in the text.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from tgi.embedded.engine import Candidate, Engine, EngineFailed, ModelCard, Step
from tgi.embedded.failures import failed
from tgi.embedded.validation import Valid

# TGI looks for a stop sequence in the end of the text only: above 300 characters it keeps the last 200.
STOP_WINDOW = 300
STOP_KEPT = 200


@dataclass(frozen=True, slots=True)
class Token:
    """One token as clients see it. `text` is what it adds: empty while a character is still incomplete."""

    id: int
    text: str
    logprob: float
    special: bool


@dataclass(frozen=True, slots=True)
class End:
    """Why and how it ended: `reason` is length, eos_token or stop_sequence; `seed` is None when nothing was drawn."""

    text: str
    generated: int
    reason: str
    seed: int | None


@dataclass(frozen=True, slots=True)
class Event:
    """One generated token, the likeliest alternatives when asked for, and the end when this is the last."""

    token: Token
    top: tuple[Token, ...]
    end: End | None
    waited_s: float


async def events(engine: Engine, valid: Valid) -> AsyncGenerator[Event, None]:
    """The answer to a valid request, token by token, ending with an event that has an `end`; raises `InferError`."""
    writer = _Writer(engine.card, valid)
    try:
        async with aclosing(engine.stream(valid.ids, valid.sampling)) as run:
            async for step in run:
                event = writer.take(step)
                yield event
                if event.end:
                    return
    except EngineFailed as error:
        raise failed(str(error)) from error


class _Writer:
    """The text of one answer as it grows."""

    def __init__(self, card: ModelCard, valid: Valid) -> None:
        self._card = card
        self._valid = valid
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops = [re.compile(f"{re.escape(stop)}$") for stop in valid.stop]
        self._data = b""
        self._recent = ""
        self._count = 0

    def take(self, step: Step) -> Event:
        self._count += 1
        special = step.id in self._card.special
        if special:
            text = self._card.special[step.id]
        else:
            self._data += step.data
            text = self._decoder.decode(step.data)
        top = tuple(_alternative(self._card, candidate) for candidate in step.top)
        return Event(Token(step.id, text, step.logprob, special), top, self._ended(step.id, text), step.waited_s)

    def _ended(self, token_id: int, text: str) -> End | None:
        reason = self._reason(token_id, text)
        if reason is None:
            return None
        seed = self._valid.sampling.seed if self._valid.sampling.samples else None
        return End(self._data.decode(errors="replace"), self._count, reason, seed)

    def _reason(self, token_id: int, text: str) -> str | None:
        if self._count >= self._valid.max_new_tokens:
            return "length"
        if token_id in self._card.eos_ids:
            return "eos_token"
        self._recent += text
        if len(self._recent) > STOP_WINDOW:
            self._recent = self._recent[-STOP_KEPT:]
        return "stop_sequence" if any(stop.search(self._recent) for stop in self._stops) else None


def _alternative(card: ModelCard, candidate: Candidate) -> Token:
    special = candidate.id in card.special
    text = card.special[candidate.id] if special else candidate.data.decode(errors="replace")
    return Token(candidate.id, text, candidate.logprob, special)
