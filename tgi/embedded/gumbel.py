"""A keyed draw: Gumbel-max with a number for each (context, token) that whoever has the key can compute again.

Over the choice of keys, tokens are drawn exactly from the given probabilities (Aaronson 2022). The key comes with the
request, so every user's texts can have their own; finding the mark again belongs to the `watermark` package, whose
numbers these are. Real TGI has no such switch and ignores the field.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

CONTEXT_TOKENS = 3  # fewer repeat too often, more break at every edit
KEY_BYTES = 16


class KeyedDraw:
    """One answer's draws. A context that was used before, or is too short, gets none: keyed numbers would repeat."""

    __slots__ = ("_key", "_recent", "_seen")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._recent: list[int] = []  # of the answer, not of the prompt: a detector has the answer alone
        self._seen: set[tuple[int, ...]] = set()

    def pick(self, ids: Sequence[int], probabilities: NDArray[np.float64]) -> int | None:
        """The place of the chosen token; None where chance must decide."""
        last = tuple(self._recent)
        if len(last) < CONTEXT_TOKENS or last in self._seen:
            return None
        self._seen.add(last)
        digest = blake2b(np.array(last, np.int64).tobytes(), key=self._key, digest_size=16).digest()
        words = np.random.Philox(key=np.frombuffer(digest, np.uint64)).random_raw(max(ids) + 1)[list(ids)]
        uniform = (np.asarray(words >> np.uint64(11), np.float64) + 0.5) / 2.0**53
        with np.errstate(divide="ignore"):
            return int(np.argmin(-np.log(uniform) / probabilities))

    def follow(self, token: int) -> None:
        """This token was chosen, whoever chose it."""
        self._recent = [*self._recent[1 - CONTEXT_TOKENS :], token]
