"""What a word is to the n-gram model, its number, and the bucket of a number. What buckets weigh is not known here."""

from __future__ import annotations

import re
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

BITS = 18
LONGEST_KNOWN = 24  # characters of a run that is remembered: longer ones are keys, paths and whole sentences of Chinese
LONGEST_NUMBERED = 4  # likewise, with digits in it: years and counts come again
MOST_KNOWN = 50_000  # runs: a few megabytes; then all are forgotten, so that nobody can fill it for good
SPACELESS = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
# A number for all numbers; each character of scripts without spaces is a word of its own; runs of other signs are one.
TOKEN = re.compile(rf"[a-z_']{{1,24}}|[0-9]+|[{SPACELESS}]|[^\W\d_]{{1,24}}|[^\w\s]{{1,3}}")
_DIGITS = b"0"


_NUMBERED = re.compile("[0-9]").search


class Remembered(dict[str, bytes]):
    """What was worked out for short runs of letters. Of those with longer numbers in them no two are alike."""

    def kept(self, run: str, value: bytes) -> bytes:
        if len(run) <= LONGEST_NUMBERED or (len(run) <= LONGEST_KNOWN and not _NUMBERED(run)):
            if len(self) >= MOST_KNOWN:
                self.clear()
            self[run] = value
        return value


class _Runs(Remembered):
    def __missing__(self, run: str) -> bytes:
        return self.kept(run, b"".join([number(word) for word in TOKEN.findall(run)]))


_RUNS = _Runs()


def number(word: str) -> bytes:
    """The checksum of a word's letters: 32 bits, the lowest first."""
    letters = _DIGITS if word.isdigit() else word.encode("utf-8", "replace")
    return crc32(letters).to_bytes(4, "little")


def numbers(small: str) -> NDArray[np.uint32]:
    """The number of every word of a text in small letters. No word reaches over a space."""
    return np.frombuffer(b"".join(map(_RUNS.__getitem__, small.split())), np.uint32)


def bucket(number: bytes) -> int:
    """What `buckets` says of one number."""
    bits = int.from_bytes(number, "little")
    mixed = (bits ^ bits >> 15) * 0x2C1B3C6D & 0xFFFFFFFF
    return ((mixed ^ mixed >> 12) * 0x297A2D39 & 0xFFFFFFFF) >> (32 - BITS)


_FIFTEEN, _TWELVE, _LAST = np.uint32(15), np.uint32(12), np.uint32(32 - BITS)
_ONE, _OTHER = np.uint32(0x2C1B3C6D), np.uint32(0x297A2D39)


def buckets(numbers: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Where the weights of words, pairs and triples lie."""
    mixed = numbers >> _FIFTEEN
    mixed ^= numbers
    mixed *= _ONE
    mixed ^= mixed >> _TWELVE
    mixed *= _OTHER
    mixed >>= _LAST
    return mixed
