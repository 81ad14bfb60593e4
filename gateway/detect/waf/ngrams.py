"""A small linear model of words one, two and three at a time, hashed into 2^18 eight-bit weights. Trained elsewhere; numpy only.

The score is a log-odds: above 0 means that an attack is likelier than not among the texts it was trained on. What it is
worth in points is policy's matter. Training: `benchmarks/training/train_ngrams.py`.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from dataclasses import dataclass
from importlib import resources
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 18
LONGEST_WORD = 24  # characters of a word that count: keys and encoded runs are all alike beyond it
WINDOW = 160  # tokens: an attack in a long document is not to be diluted by the rest of it
# Log-odds of the words alone below which pairs and triples are not looked at: of 2,292 attacks that the whole model
# is sure of, one in a thousand is lost, and nearly all harmless texts cost a third.
DULL = -3.0
NARROW = 40  # tokens, for texts in which a sentence or two to the model is all there is of an attack
# A number for all numbers; each character of scripts without spaces is a word of its own; runs of other signs are one.
_TOKEN = re.compile(r"[a-z_']{1,24}|[0-9]+|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\d_]{1,24}|[^\w\s]{1,3}")
_SECOND, _THIRD = np.uint32(0x9E3779B1), np.uint32(0x85EBCA77)
_SHIFT = np.uint32(32 - 18)


class ModelInvalid(Exception):
    """The shipped weights are missing, or not the ones the manifest names."""


def hashes(text: str) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32]]:
    """The buckets of every token, pair and triple, by the token they end at. Shared with training."""
    one = _words(text.lower())
    two, three = _followed(one)
    return _bucket(one), _bucket(two), _bucket(three)


def _followed(one: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """The numbers of pairs and triples, from those of words."""
    two = one[1:] + one[:-1] * _SECOND
    return two, two[1:] + one[:-2] * _THIRD if len(one) > 2 else one[:0]


def _words(text: str) -> NDArray[np.uint32]:
    """The number of every token. What stands between spaces is remembered whole, where spaces are what ends words."""
    if text.isascii():
        return np.frombuffer(b"".join(map(_KNOWN.__getitem__, text.split())), np.uint32)
    return np.frombuffer(_numbers(text), np.uint32)


def _numbers(text: str) -> bytes:
    words = _TOKEN.findall(text)
    return b"".join(
        [crc32(_DIGITS if word.isdigit() else word.encode("utf-8", "replace")).to_bytes(4, "little") for word in words]
    )


class _Known(dict[str, bytes]):
    """The numbers of what people write most between two spaces."""

    def __missing__(self, run: str) -> bytes:
        numbers = _numbers(run)
        if len(self) < MOST_KNOWN and len(run) <= LONGEST_WORD:
            self[run] = numbers
        return numbers


_DIGITS = b"0"
MOST_KNOWN = 50_000  # runs: a few megabytes
_KNOWN = _Known()


def _bucket(numbers: NDArray[np.uint32]) -> NDArray[np.uint32]:
    mixed = (numbers ^ (numbers >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
    bucket: NDArray[np.uint32] = (mixed ^ (mixed >> np.uint32(12))) * np.uint32(0x297A2D39) >> _SHIFT
    return bucket


@dataclass(frozen=True, slots=True)
class Linear:
    """`scale` turns a weight into log-odds; `bias` is the log-odds of a text with nothing known in it."""

    weights: NDArray[np.int8]
    scale: float
    bias: float

    @classmethod
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

    def score(self, text: str, *widths: int) -> float:
        """The log-odds of the most suspicious window of so many tokens; of `WINDOW` where no width is named."""
        words = _words(text.lower())
        if not len(words):
            return self.bias
        sums = self.weights[_bucket(words)].astype(np.int32)
        said = self._of(sums, widths)
        if said < DULL:
            return said
        two, three = _followed(words)
        sums[1:] += self.weights[_bucket(two)]
        sums[2:] += self.weights[_bucket(three)]
        return self._of(sums, widths)

    def _of(self, sums: NDArray[np.int32], widths: tuple[int, ...]) -> float:
        total = np.concatenate(([0], np.cumsum(sums)))
        return max(_most(total, width) for width in widths or (WINDOW,)) * self.scale + self.bias


def _most(total: NDArray[np.int64], width: int) -> float:
    """Of the windows of a width, four to each width, the one that weighs most. `total` is the running sum."""
    words = len(total) - 1
    if words <= width:
        return float(total[-1]) / features(words)
    starts = np.append(np.arange(0, words - width, width // 4), words - width)
    return float((total[starts + width] - total[starts]).max()) / features(width)


def features(words: int) -> float:
    """What sums are divided by: the length of the vector of this many words' n-grams, were each of them met once."""
    return float(np.sqrt(max(3 * words - 3, 1)))


def _unpacked(data: bytes) -> NDArray[np.int8]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            weights: NDArray[np.int8] = archive["weights"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelInvalid("the n-gram weights cannot be unpacked") from error
    if weights.dtype != np.int8:
        raise ModelInvalid("the n-gram weights are not eight-bit")
    return weights
