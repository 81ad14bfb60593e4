"""The words of a text, each with its number and what it weighs by itself: looked up rather than computed.

A text is mostly words seen before, so runs between spaces are remembered with what is known of their words. Texts in
scripts that write without spaces are looked up in one table, character by character.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from gateway.detect.waf.swift import FOREIGN, LEAST, Swift
from gateway.detect.waf.words import SPACELESS, TOKEN, Remembered, bucket, number

ZERO = 128  # how a byte spells the weight nought
ENTRY = np.dtype([("number", "<u4"), ("weight", "u1")])  # of a word
_CHARACTERS = 1 << 16  # that the tables know: a text with any beyond goes the way of the others
# Kinds of characters: words by themselves, words where no other sign stands beside them, signs that may be part of a word,
# what makes words with what follows, and letters that may do so even with characters of the first kind.
_WORD, _SIGN, _SPACE, _APOSTROPHE, _OTHER, _JOINS = range(6)
_SHARE = 4  # one character in so many must be a word by itself for the table to be the shorter way
_BETWEEN = re.compile(b"\x01[\x01\x02]*")  # what the table of words does not know, and spaces among it


class _Words(Remembered):
    """The entry of every word. `table` has the weights of all buckets."""

    def __init__(self, table: bytes) -> None:
        super().__init__()
        self._table = table

    def __missing__(self, word: str) -> bytes:
        its = number(word)
        at = bucket(its)
        return self.kept(word, its + self._table[at : at + 1])


class Weighed(Remembered):
    """The entries of every run between spaces."""

    def __init__(self, table: bytes) -> None:
        super().__init__()
        words = _Words(table)
        self._run, self._word = self.__getitem__, words.__getitem__
        self._swift = Swift(self._spaced, ENTRY)
        self._kinds = _kinds()
        self._single = np.zeros(_CHARACTERS, ENTRY)
        alone = np.flatnonzero(self._kinds <= _SIGN)
        self._single[alone] = np.frombuffer(b"".join([words.__missing__(chr(code)) for code in alone]), ENTRY)

    def __missing__(self, run: str) -> bytes:
        return self.kept(run, b"".join(map(self._word, TOKEN.findall(run))))

    def of(self, small: str) -> bytes:
        """The entries of every word of a text in small letters, in order; weights are with `ZERO` added."""
        if not small.isascii():
            codes = np.frombuffer(small.encode("utf-16-le", "surrogatepass"), np.uint16)
            kinds = self._kinds.take(codes)
            usual = len(codes) == len(small) and kinds.max() < _JOINS
            if usual and np.count_nonzero(kinds == _WORD) * _SHARE > len(codes):
                return self._spaceless(small, codes, kinds)
        if len(small) >= LEAST and (small.isascii() or _is_mostly_ascii(small)):
            return self._swift.of(small)
        return self._spaced(small)

    def _spaced(self, small: str) -> bytes:
        return b"".join(map(self._run, small.split()))

    def _spaceless(self, small: str, codes: NDArray[np.uint16], kinds: NDArray[np.uint8]) -> bytes:
        """A text in which most characters are words, with here and there something else between."""
        signs = np.zeros(len(codes) + 2, np.bool_)
        signs[1:-1] = (kinds == _SIGN) | (kinds == _APOSTROPHE)
        between = (kinds >= _APOSTROPHE) | signs[1:-1] & (signs[:-2] | signs[2:])
        how = between.view(np.uint8) | (kinds == _SPACE).view(np.uint8) << 1
        alone = how == 0
        entries, pieces, last = self._single.take(codes[alone]).tobytes(), [], 0
        spans = [other.span() for other in _BETWEEN.finditer(how.tobytes())]
        before = (np.cumsum(alone).take([start for start, _ in spans]) * ENTRY.itemsize).tolist() if spans else ()
        for (start, end), until in zip(spans, before, strict=True):
            pieces += [entries[last:until], *map(self._run, small[start:end].split())]
            last = until
        return b"".join([*pieces, entries[last:]])


def _is_mostly_ascii(small: str) -> bool:
    return (len(small.encode("utf-8", "surrogatepass")) - len(small)) * FOREIGN < len(small)


def _kinds() -> NDArray[np.uint8]:
    """Of every character. Letters that join those after them into one word with themselves are of the last kind."""
    spaceless = re.compile(f"[{SPACELESS}]")
    return np.fromiter((_kind(chr(code), spaceless) for code in range(_CHARACTERS)), np.uint8, _CHARACTERS)


def _kind(character: str, spaceless: re.Pattern[str]) -> int:
    if character.isalnum() and not character.isascii():
        return _WORD if spaceless.match(character) else _JOINS
    if character.isspace():
        return _SPACE
    if character.isalnum() or character == "_":
        return _OTHER
    return _APOSTROPHE if character == "'" else _SIGN
