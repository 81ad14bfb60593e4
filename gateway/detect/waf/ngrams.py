"""A small linear model of words one, two and three at a time, hashed into 2^18 eight-bit weights. Trained elsewhere; numpy only.

The score is a log-odds: above 0 means that an attack is likelier than not among the texts it was trained on. What it is
worth in points is policy's matter. Training: `benchmarks/training/train_ngrams.py`.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from gateway.detect.waf.weighed import ENTRY, ZERO, Weighed
from gateway.detect.waf.words import BITS, buckets, numbers

BUCKETS = 1 << BITS
WINDOW = 160  # tokens: an attack in a long document is not to be diluted by the rest of it
# Log-odds of the words alone below which pairs and triples are not looked at: of 2,292 attacks that the whole model
# is sure of, one in a thousand is lost, and nearly all harmless texts cost a third.
DULL = -3.0
# The same where nothing else speaks against a text, and only what is sure of an attack matters (from `SURE` on): of 636 such
# attacks none had words below -0.9, and twice as many harmless texts as before go without a closer look.
DULL_ALONE, SURE = -1.5, 2.5
NARROW = 40  # tokens, for texts in which a sentence or two to the model is all there is of an attack
_SECOND, _THIRD = np.uint32(0x9E3779B1), np.uint32(0x85EBCA77)


class ModelInvalid(Exception):
    """The shipped weights are missing, or not the ones the manifest names."""


def hashes(text: str) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32]]:
    """The buckets of every token, pair and triple, by the token they end at. Shared with training."""
    one = numbers(text.lower())
    two, three = _followed(one)
    return buckets(one), buckets(two), buckets(three)


def _followed(one: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """The numbers of pairs and triples, from those of words."""
    two = one[1:] + one[:-1] * _SECOND
    return two, two[1:] + one[:-2] * _THIRD if len(one) > 2 else one[:0]


@dataclass(frozen=True, slots=True)
class Linear:
    """`scale` turns a weight into log-odds; `bias` is the log-odds of a text with nothing known in it."""

    weights: NDArray[np.int8]
    scale: float
    bias: float
    _weighed: Weighed = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        table = (self.weights.astype(np.int16) + ZERO).astype(np.uint8).tobytes()
        object.__setattr__(self, "_weighed", Weighed(table))

    @classmethod
    @cache  # it takes half a second to make ready, and no policy changes it
    def shipped(cls) -> Linear:
        """The model in the package, or `ModelInvalid`."""
        folder = resources.files("gateway.detect.waf") / "model"
        try:
            manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
            data = (folder / "weights.npz").read_bytes()
        except (OSError, ValueError) as error:
            raise ModelInvalid(f"the n-gram model cannot be read: {error}") from error
        return cls.checked(manifest, data)

    @classmethod
    def checked(cls, manifest: dict[str, object], data: bytes) -> Linear:
        """Weights that are the ones the manifest names, or `ModelInvalid`. Nothing is unpickled."""
        if hashlib.sha256(data).hexdigest() != manifest.get("sha256"):
            raise ModelInvalid("the n-gram weights are not those of their manifest")
        weights = _unpacked(data)
        scale, bias = manifest.get("scale"), manifest.get("bias")
        if weights.shape != (BUCKETS,) or not isinstance(scale, float) or not isinstance(bias, float):
            raise ModelInvalid("the n-gram model is not of the shape this version reads")
        return cls(weights, scale, bias)

    def score(self, text: str, *widths: int, dull: float = DULL) -> float:
        """The log-odds of the most suspicious window of so many tokens; of `WINDOW` where no width is named.

        Where the words alone say less than `dull`, that is the answer.
        """
        entries = self._weighed.of(text.lower())
        if not entries:
            return self.bias
        weights = entries[4 :: ENTRY.itemsize]
        most = max([_heaviest(weights, width) for width in widths]) if widths else _heaviest(weights, WINDOW)
        said = most * self.scale + self.bias
        return said if said < dull else self._closer(np.frombuffer(entries, ENTRY), widths or _WIDE, dull)

    def _closer(self, entries: NDArray[np.void], widths: tuple[int, ...], dull: float) -> float:
        """With the pairs and triples of words, which most harmless texts do without. Of a long text, in those windows alone
        whose words are not dull.
        """
        if len(entries) <= _LONG:
            total = _running(self._summed(entries))
            return max([_most(total, width) for width in widths]) * self.scale + self.bias
        running = _running(entries["weight"])
        most = -math.inf
        for width in widths:
            least = (dull - self.bias) / self.scale * features(width) + ZERO * width
            for first, end in _stretches(running, width, least):
                before = max(first - 2, 0)  # the words whose pairs and triples end here
                most = max(most, _most(_running(self._summed(entries[before:end])[first - before :]), width))
        return most * self.scale + self.bias

    def _summed(self, entries: NDArray[np.void]) -> NDArray[np.int32]:
        """What each word weighs, with the pair and the triple that end at it; with `ZERO` added."""
        two, three = _followed(np.ascontiguousarray(entries["number"]))
        total: NDArray[np.int32] = entries["weight"].astype(np.int32)
        further = self.weights.take(buckets(np.concatenate((two, three))))
        total[1:] += further[: len(two)]
        total[2:] += further[len(two) :]
        return total


_WIDE = (WINDOW,)
_LONG = 2 * WINDOW  # words: below, all windows are looked at, since most of them share their words
_MANY = 3  # widths of words: from here on numpy's sums cost less than its calls


def _heaviest(weights: bytes, width: int) -> float:
    """What `_most` says, for weights as bytes: short texts are summed without numpy, whose every call costs a microsecond."""
    words = len(weights)
    if words <= width:
        return (sum(weights) - ZERO * words) / features(words)
    if words > _MANY * width:
        return _most(_running(np.frombuffer(weights, np.uint8)), width)
    starts = (*range(0, words - width, width // 4), words - width)
    return (max([sum(weights[start : start + width]) for start in starts]) - ZERO * width) / features(width)


def _running(weights: NDArray[np.uint8] | NDArray[np.int32]) -> NDArray[np.int64]:
    """The running sum, each weight with `ZERO` added, from nothing on."""
    total = np.zeros(len(weights) + 1, np.int64)
    np.cumsum(weights, out=total[1:])
    return total


def _most(total: NDArray[np.int64], width: int) -> float:
    """Of the windows of a width, four to each width, the one that weighs most. `total` is the running sum."""
    words = len(total) - 1
    if words <= width:
        return (int(total[-1]) - ZERO * words) / features(words)
    last = words - width
    sums = total[width:] - total[: last + 1]
    most = max(int(sums[: last : width // 4].max()), int(sums[last]))
    return (most - ZERO * width) / features(width)


def _stretches(total: NDArray[np.int64], width: int, least: float) -> Iterator[tuple[int, int]]:
    """From which word to which the windows reach that weigh so much, where they overlap or touch. `total` is the running sum."""
    last = len(total) - 1 - width
    starts = np.append(np.arange(0, last, width // 4), last)
    heavy = starts[total.take(starts + width) - total.take(starts) >= least]
    apart = np.flatnonzero(np.diff(heavy) > width)
    firsts, lasts = heavy[np.append(0, apart + 1)] if len(heavy) else heavy, np.append(heavy[apart], heavy[-1:])
    yield from zip(firsts.tolist(), (lasts + width).tolist(), strict=True)


def features(words: int) -> float:
    """What sums are divided by: the length of the vector of this many words' n-grams, were each of them met once."""
    return math.sqrt(max(3 * words - 3, 1))


def _unpacked(data: bytes) -> NDArray[np.int8]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            weights: NDArray[np.int8] = archive["weights"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelInvalid("the n-gram weights cannot be unpacked") from error
    if weights.dtype != np.int8:
        raise ModelInvalid("the n-gram weights are not eight-bit")
    return weights
