"""TGI's watermark: which tokens are "green" after a given token, exactly as TGI's CPU code draws them.

The scheme is Kirchenbauer et al. 2023 (arXiv:2301.10226) with a context of one token and TGI's public key, so anyone
can detect it and anyone can imitate it. Only the lists are here; adding the bias is sampling's business, and finding
the mark again belongs to the `watermark` package. Lists made on CUDA differ: another generator draws them there.

TGI seeds a torch generator with `hash_key * previous token` and keeps the head of `torch.randperm(V)`. On the CPU that
is MT19937 seeded with the low 32 bits and a forward Fisher-Yates shuffle taking one 32-bit draw per place.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

HASH_KEY = 15485863  # text_generation_server/utils/watermark.py
GAMMA = 0.5  # share of the vocabulary that is green; TGI's default for WATERMARK_GAMMA
DELTA = 2.0  # added to a green token's score; TGI's default for WATERMARK_DELTA

# A list costs about 10 ms to draw and 6 KB to keep for a vocabulary of 49,152: this many stay under 7 MB.
KEPT_LISTS = 1024


def green_ids(previous: int, vocab_size: int) -> NDArray[np.int64]:
    """The green tokens after `previous`, in the order in which torch draws them; `int(vocab_size * GAMMA)` of them."""
    draws = _mt19937_draws(HASH_KEY * previous, vocab_size)
    places = list(range(vocab_size))
    count = int(vocab_size * GAMMA)
    # The last place is never drawn for, as in torch: a vocabulary of one keeps its order.
    for i in range(min(count, vocab_size - 1)):
        j = i + draws[i] % (vocab_size - i)
        places[i], places[j] = places[j], places[i]
    return np.array(places[:count], dtype=np.int64)


def green_mask(previous: int, vocab_size: int) -> NDArray[np.bool_]:
    """`mask[id]` says whether `id` is green after `previous`."""
    return np.unpackbits(_packed(previous, vocab_size), count=vocab_size).astype(np.bool_)


@lru_cache(maxsize=KEPT_LISTS)
def _packed(previous: int, vocab_size: int) -> NDArray[np.uint8]:
    mask = np.zeros(vocab_size, dtype=np.bool_)
    mask[green_ids(previous, vocab_size)] = True
    return np.packbits(mask)


def _mt19937_draws(seed: int, count: int) -> list[int]:
    # RandomState seeds MT19937 the way torch does (one 32-bit word); its state moves into a bit generator that
    # gives the raw 32-bit draws.
    generator = np.random.MT19937()
    seeded: Any = np.random.RandomState(seed & 0xFFFFFFFF).get_state(legacy=False)
    generator.state = seeded
    draws: list[int] = generator.random_raw(count).tolist()
    return draws
