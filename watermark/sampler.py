"""The mark in the sampler: Gumbel-max with a keyed random number per (context, token), for a backend that samples itself.

Distortion-free per context (Aaronson 2022): over the choice of keys, tokens are drawn exactly from the given
probabilities. The key is per user, so a text names a user, not a request; entropy decides how many tokens it takes.
Works for backends that own their logits; TGI offers no such hook. Not here: any model or tokenizer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from watermark.keys import EpochKeys

CONTEXT_TOKENS = 3  # fewer repeat too often, more break at every edit
_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Scored:
    """One user's score: distinct contexts counted, the Gamma statistic, and its p-value times the users tried."""

    user: str
    contexts: int
    statistic: float
    p: float


def user_of(tenant: str, name: str) -> str:
    """How a user is called where the key is made."""
    return f"{tenant}/{name}"


def user_key(keys: EpochKeys, user: str) -> bytes:
    return blake2b(user.encode(), key=keys.sampler, digest_size=_KEY_BYTES).digest()


def sample(
    probabilities: NDArray[np.float64], context: Sequence[int], key: bytes, seen: set[tuple[int, ...]], fresh: float
) -> int:
    """The next token id: argmax r^(1/p), r keyed by the last three tokens; by `fresh` (uniform in [0, 1)) where keyed
    numbers would repeat themselves, that is when the context was used before or is too short.

    `probabilities` sum to one after temperature, top-k and top-p; `seen` belongs to this answer and is added to.
    """
    last = tuple(context[-CONTEXT_TOKENS:])
    if len(last) < CONTEXT_TOKENS or last in seen:
        return min(int(np.searchsorted(np.cumsum(probabilities), fresh, side="right")), len(probabilities) - 1)
    seen.add(last)
    with np.errstate(divide="ignore"):
        return int(np.argmin(-np.log(_uniforms(key, last, len(probabilities))) / probabilities))


def score(tokens: Sequence[int], key: bytes, user: str, vocabulary: int, users: int) -> Scored:
    """How well a text fits one user's key; unmarked texts give a Gamma(n) statistic, whatever their words."""
    total, seen = 0.0, set[tuple[int, ...]]()
    for at in range(CONTEXT_TOKENS, len(tokens)):
        last = tuple(tokens[at - CONTEXT_TOKENS : at])
        if last not in seen and tokens[at] < vocabulary:
            seen.add(last)
            total -= math.log1p(-_uniform(key, last, tokens[at]))
    return Scored(user, len(seen), total, min(1.0, users * _gamma_tail(len(seen), total)))


def best(tokens: Sequence[int], keys: EpochKeys, users: Iterable[str], vocabulary: int) -> Scored | None:
    """The user whose key fits best, Bonferroni-corrected for all that were tried; None without users."""
    known = list(users)
    scored = (score(tokens, user_key(keys, user), user, vocabulary, len(known)) for user in known)
    return min(scored, key=lambda result: result.p, default=None)


def _uniforms(key: bytes, context: tuple[int, ...], size: int) -> NDArray[np.float64]:
    """Uniform numbers in (0, 1), one per token id, from a generator seeded by key and context."""
    return _fraction(_generator(key, context).random_raw(size))


def _uniform(key: bytes, context: tuple[int, ...], token: int) -> float:
    """`_uniforms(…)[token]` without the others: the generator makes four words a step."""
    step, place = divmod(token, 4)
    return float(_fraction(_generator(key, context).advance(step).random_raw(4))[place])


def _generator(key: bytes, context: tuple[int, ...]) -> np.random.Philox:
    digest = blake2b(np.array(context, np.int64).tobytes(), key=key, digest_size=16).digest()
    return np.random.Philox(key=np.frombuffer(digest, np.uint64))


def _fraction(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    return (np.asarray(words >> np.uint64(11), np.float64) + 0.5) / 2.0**53


def _gamma_tail(shape: int, value: float) -> float:
    """P[Gamma(shape, 1) ≥ value] = P[Poisson(value) < shape]."""
    if shape == 0 or value <= 0:
        return 1.0
    logs = [k * math.log(value) - value - math.lgamma(k + 1) for k in range(shape)]
    top = max(logs)
    return min(1.0, math.exp(top) * sum(math.exp(log - top) for log in logs))
