"""Choosing the next token from candidates: TGI's order of processors, in numpy, with one generator per request.

Order (text_generation_server/utils/tokens.py): watermark, penalties, grammar, temperature, top-k, top-p, typical.
The engine applies the penalties before it hands out candidates. Nothing here waits, and nothing knows a model.
What differs from TGI: scores are known for the candidates only (`CANDIDATES` of them), and chance comes from numpy's
generator, so a seed repeats an answer here but not the one a GPU would give for the same seed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tgi.embedded.constraint import Constraint
from tgi.embedded.engine import Ask, Candidate, ModelCard, Sampling, Step
from tgi.embedded.greenlist import DELTA, green_mask
from tgi.embedded.gumbel import KeyedDraw

CANDIDATES = 512  # hold 99 % of the default model's probability on average; 1,024 would cost a fifth more time

Scores = NDArray[np.float64]


@dataclass(slots=True)
class Chooser:
    """One request's choices: its chance, and the grammar it follows. `choose` is called once per token."""

    sampling: Sampling
    card: ModelCard
    chance: np.random.Generator
    constraint: Constraint | None
    keyed: KeyedDraw | None = None

    @classmethod
    def begin(cls, sampling: Sampling, card: ModelCard) -> Chooser:
        constraint = Constraint(sampling.pattern) if sampling.pattern is not None else None
        keyed = KeyedDraw(sampling.key) if sampling.key is not None and sampling.samples else None
        return cls(sampling, card, np.random.default_rng(sampling.seed), constraint, keyed)

    def ask(self) -> Ask:
        """What to ask the engine for before each choice."""
        s = self.sampling
        wide = s.samples or s.watermark or self.constraint is not None
        count = CANDIDATES if wide else max(1, s.top_n_tokens)
        return Ask(count, s.repetition_penalty, s.frequency_penalty)

    def choose(self, previous: int, found: list[Candidate]) -> Step | None:
        """The next token after `previous`, or None when no candidate is permitted by the grammar."""
        allowed = [c for c in found if self._permits(c)]
        if not allowed:
            return None
        scores = self._processed(previous, allowed)
        chosen = self._pick(scores, allowed)
        if self.constraint is not None and allowed[chosen].id not in self.card.eos_ids:
            self.constraint.advance(allowed[chosen].data)
        return self._step(allowed, _log_softmax(scores) if self._changed() else scores, chosen)

    def permitted(self, vocabulary: list[bytes]) -> tuple[int, ...]:
        """Every id that the grammar permits now; for the rare token that is not among the likeliest."""
        if self.constraint is None:
            return ()
        ends = self.card.eos_ids if self.constraint.may_end() else frozenset()
        return (*self.constraint.permitted(vocabulary), *sorted(ends))

    def _permits(self, candidate: Candidate) -> bool:
        if self.constraint is None:
            return True
        if candidate.id in self.card.eos_ids:
            return self.constraint.may_end()
        return candidate.id not in self.card.special and self.constraint.permits(candidate.data)

    def _processed(self, previous: int, allowed: list[Candidate]) -> Scores:
        scores = np.array([c.logprob for c in allowed])
        if self.sampling.watermark:
            mask = green_mask(previous, self.card.vocab_size)
            scores = scores + DELTA * mask[[c.id for c in allowed]]
        return warped(scores, self.sampling)

    def _changed(self) -> bool:
        s = self.sampling
        warps = s.temperature != 1.0 or s.top_k or s.top_p < 1.0 or s.typical_p < 1.0
        return bool(warps or s.watermark or self.constraint is not None)

    def _pick(self, scores: Scores, allowed: list[Candidate]) -> int:
        if not self.sampling.samples:
            return int(scores.argmax())
        if self.keyed is not None:
            place = self.keyed.pick([c.id for c in allowed], np.exp(_log_softmax(scores)))
            place = self._drawn(scores) if place is None else place
            self.keyed.follow(allowed[place].id)
            return place
        return self._drawn(scores)

    def _drawn(self, scores: Scores) -> int:
        # The exponential trick of TGI's Sampling: dividing by exponential noise and taking the largest is a draw.
        noise = self.chance.exponential(size=len(scores))
        return int((np.exp(scores - scores.max()) / noise).argmax())

    def _step(self, allowed: list[Candidate], logprobs: Scores, chosen: int) -> Step:
        order = np.argsort(-logprobs, kind="stable")[: self.sampling.top_n_tokens]
        top = tuple(replace(allowed[i], logprob=float(logprobs[i])) for i in order if np.isfinite(logprobs[i]))
        pick = allowed[chosen]
        return Step(pick.id, pick.data, float(logprobs[chosen]), top)


def warped(scores: Scores, sampling: Sampling) -> Scores:
    """Temperature, top-k, top-p and typical sampling; what is cut gets the score -inf."""
    if sampling.temperature != 1.0:
        scores = scores / sampling.temperature
    if sampling.top_k:
        scores = _keep(scores, np.argsort(-scores, kind="stable")[: sampling.top_k])
    if sampling.top_p < 1.0:
        scores = _keep(scores, _nucleus(np.argsort(-scores, kind="stable"), scores, sampling.top_p))
    if sampling.typical_p < 1.0:
        scores = _keep(scores, _nucleus(_typical_order(scores), scores, sampling.typical_p))
    return scores


def _nucleus(order: NDArray[np.intp], scores: Scores, mass: float) -> NDArray[np.intp]:
    """The head of `order` that reaches `mass`; at least one."""
    reached = np.cumsum(np.exp(_log_softmax(scores))[order])
    return order[: int(np.searchsorted(reached, mass)) + 1]


def _typical_order(scores: Scores) -> NDArray[np.intp]:
    """By distance from the expected surprise (Meister et al. 2022, arXiv:2202.00666)."""
    logprobs = _log_softmax(scores)
    probabilities = np.exp(logprobs)
    entropy = -np.sum(np.where(probabilities > 0, probabilities * np.where(probabilities > 0, logprobs, 0.0), 0.0))
    return np.argsort(np.abs(-logprobs - entropy), kind="stable")


def _keep(scores: Scores, kept: NDArray[np.intp]) -> Scores:
    cut = np.full_like(scores, -np.inf)
    cut[kept] = scores[kept]
    return cut


def _log_softmax(scores: Scores) -> Scores:
    shifted = scores - scores.max()
    result: Scores = shifted - np.log(np.exp(shifted).sum())
    return result
