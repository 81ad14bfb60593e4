"""What coincidence could do: the probabilities a verdict is made of. All are upper bounds."""

from __future__ import annotations

from functools import lru_cache
from math import comb

from watermark.payload import CHECK_BITS, ID_BITS

SYMBOL_CHANCE = 1 / 128
PROVEN = 1e-9  # per investigated text; half goes to the marks, half to the word and sampler layers
BOUND = 1e-5  # a pasted burst meets its bind symbols by chance this rarely


@lru_cache(maxsize=4096)
def at_least(hits: int, trials: int, chance: float = SYMBOL_CHANCE) -> float:
    """P[Bin(trials, chance) ≥ hits]."""
    if hits <= 0:
        return 1.0
    return min(1.0, sum(comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(hits, trials + 1)))


def false_id(tries: int, supports: int) -> float:
    """That `supports` bursts of noise, `tries` readings in all, agree on an id whose check holds."""
    if supports < 1:
        return 1.0
    further = min(1.0, tries * 2.0 ** -(ID_BITS + CHECK_BITS))
    return float(min(1.0, tries * 2.0**-CHECK_BITS) * further ** (supports - 1))


def false_name(p_id: float, issued: int) -> float:
    """That such an id is one of `issued` random ids as well."""
    return min(1.0, p_id * min(1.0, max(issued, 1) / 2.0**ID_BITS))


def total_at_least(hits: int, bursts: tuple[tuple[int, int], ...]) -> float:
    """That symbols of noise match a given codeword `hits` times in all; bursts are (symbols, alignments) pairs.

    Each burst takes its best alignment, so its distribution is bounded by alignments × binomial, and by one.
    """
    tail = [1.0] + [0.0] * hits  # tail[k]: bound on P(sum so far == k), hits pooled at the end
    for symbols, alignments in bursts:
        own = [1.0] + [min(1.0, alignments * comb(symbols, k) * SYMBOL_CHANCE**k) for k in range(1, symbols + 1)]
        following = [0.0] * (hits + 1)
        for have, p in enumerate(tail):
            for more, q in enumerate(own):
                following[min(hits, have + more)] += p * q
        tail = following
    return min(1.0, tail[hits])
