"""A stand-in for a model, for unit tests only: it plays back given answers, token by token, always the same way.

It is not a model and says so on its card. It goes through the same sampling, watermark and grammar code as the real
engine, because it hands out candidates too: the recorded token with `certainty`, and a few others for the rest.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

from tgi.embedded.engine import Ask, Candidate, EngineFailed, ModelCard, Piece, Sampling, Step
from tgi.embedded.stepping import steps

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
EOS = 2
OTHERS = 20  # candidates beside the recorded one

CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


class ReplayEngine:
    """Answers with the text whose key occurs in the prompt, or with `otherwise`; then the end-of-text token."""

    def __init__(
        self,
        otherwise: str,
        answers: Mapping[str, str] | None = None,
        *,
        certainty: float = 0.999999,
        pace_s: float = 0.0,
        max_total_tokens: int = 4096,
        failing: bool = False,
    ) -> None:
        self._otherwise = otherwise
        self._answers = dict(answers or {})
        self._certainty = certainty
        self._pace_s = pace_s
        self._failing = failing
        self._pieces = _vocabulary([otherwise, *self._answers.values()])
        self._ids = {data: token_id for token_id, data in reversed(list(enumerate(self._pieces))) if data}
        self._longest = max(len(data) for data in self._pieces)
        self.active = 0  # streams open now: what a test looks at after a client went away
        self.card = ModelCard(
            model_id="smollm2",
            sha="0" * 64,
            what="replay of recorded answers, for unit tests; no model",
            vocab_size=len(self._pieces),
            max_total_tokens=max_total_tokens,
            eos_ids=frozenset({EOS}),
            special=dict(enumerate(SPECIAL)),
            bos_token=SPECIAL[1],
            eos_token=SPECIAL[EOS],
            chat_template=CHATML,
        )

    async def tokenize(self, text: str) -> list[Piece]:
        pieces = []
        for part in re.split("(" + "|".join(map(re.escape, SPECIAL)) + ")", text):
            if part in SPECIAL:
                pieces.append(Piece(SPECIAL.index(part), part.encode()))
            else:
                pieces += [Piece(token_id, self._pieces[token_id]) for token_id in self._encode(part.encode())]
        return pieces

    async def stream(self, ids: Sequence[int], sampling: Sampling) -> AsyncGenerator[Step, None]:
        prompt = b"".join(self._pieces[i] for i in ids).decode(errors="replace")
        answer = next((text for key, text in self._answers.items() if key in prompt), self._otherwise)
        source = _Transcript(self, len(ids), [*self._encode(answer.encode()), EOS])
        self.active += 1
        try:
            async with aclosing(steps(source, self.card, ids, sampling)) as run:
                async for step in run:
                    yield step
        finally:
            self.active -= 1

    async def healthy(self) -> bool:
        return not self._failing

    async def close(self) -> None:
        return None

    async def pace(self) -> None:
        """Waits as long as a token takes; fails when told to."""
        await asyncio.sleep(self._pace_s)
        if self._failing:
            raise EngineFailed("the replay was told to fail")

    def spread(self, recorded: int, position: int, ask: Ask) -> list[Candidate]:
        """The recorded token first, then others drawn from its position, sharing what certainty leaves."""
        others = [i for i in self._drawn(position) if i != recorded][:OTHERS]
        rest = math.log((1 - self._certainty) / len(others))
        found = [Candidate(recorded, self._pieces[recorded], math.log(self._certainty))]
        found += [Candidate(i, self._pieces[i], rest) for i in others]
        if ask.only:
            known = {c.id for c in found}
            found += [Candidate(i, self._pieces[i], rest - 1) for i in ask.only if i not in known]
            found = [c for c in found if c.id in set(ask.only)]
        return found[: ask.count]

    def pieces(self) -> list[bytes]:
        """Every token's bytes by id; special tokens are empty."""
        return self._pieces

    def _drawn(self, position: int) -> list[int]:
        digest = hashlib.sha256(position.to_bytes(8, "big")).digest()
        draws = [int.from_bytes(digest[i : i + 2], "big") % len(self._pieces) for i in range(0, 32, 1) if i < 31]
        return [i for i in dict.fromkeys(draws) if i >= len(SPECIAL)]

    def _encode(self, data: bytes) -> list[int]:
        """Longest match first; every byte is a token, so that nothing is left over."""
        ids = []
        while data:
            size = next(n for n in range(min(self._longest, len(data)), 0, -1) if data[:n] in self._ids)
            ids.append(self._ids[data[:size]])
            data = data[size:]
        return ids


class _Transcript:
    """A `CandidateSource` for one prompt and its recorded answer."""

    def __init__(self, engine: ReplayEngine, prompt_length: int, recorded: list[int]) -> None:
        self._engine = engine
        self._prompt_length = prompt_length
        self._recorded = recorded

    async def candidates(self, ids: Sequence[int], ask: Ask) -> list[Candidate]:
        await self._engine.pace()
        position = len(ids) - self._prompt_length
        recorded = self._recorded[position] if position < len(self._recorded) else EOS
        return self._engine.spread(recorded, position, ask)

    async def vocabulary(self) -> Sequence[bytes]:
        return self._engine.pieces()


def _vocabulary(texts: Sequence[str]) -> list[bytes]:
    words = dict.fromkeys(word.encode() for text in texts for word in re.findall(r" ?[A-Za-z]+", text))
    single = [bytes([b]) for b in range(256)]
    return [b""] * len(SPECIAL) + single + [word for word in words if len(word) > 1]
