"""The words of a text, each with its number and what it weighs by itself: looked up rather than computed.

A text is mostly words seen before, so runs between spaces are remembered with what is known of their words. Texts in
scripts that write without spaces are looked up in one table, character by character.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from gateway.detect.waf.words import SPACELESS, TOKEN, Remembered, bucket, number

ZERO = 128  # how a byte spells the weight nought
ENTRY = np.dtype([("number", "<u4"), ("weight", "u1")])  # of a word
_CHARACTERS = 1 << 16  # that the tables know: a text with any beyond goes the way of the others
_SIGNS = "，。！？；：、（）《》「」【】"  # each is a word, where no other sign stands beside it
_WORD, _SIGN, _OTHER_SIGN, _OTHER, _JOINS = range(5)  # kinds of characters
_BETWEEN = re.compile(b"\x01+")  # what the table of words does not know


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
            kinds = self._kinds[codes]
            if len(codes) == len(small) and kinds.max() < _JOINS:
                return self._spaceless(small, codes, kinds)
        return self._spaced(small)

    def _spaced(self, small: str) -> bytes:
        return b"".join(map(self._run, small.split()))

    def _spaceless(self, small: str, codes: NDArray[np.uint16], kinds: NDArray[np.uint8]) -> bytes:
        """A text in which most characters are words, with here and there something else between."""
        between = kinds >= _OTHER_SIGN
        signs = np.zeros(len(codes) + 2, np.bool_)
        signs[1:-1] = (kinds == _SIGN) | (kinds == _OTHER_SIGN)
        between |= signs[1:-1] & (signs[:-2] | signs[2:])
        entries, pieces, last = self._single[codes].tobytes(), [], 0
        for other in _BETWEEN.finditer(between.tobytes()):
            start, end = other.span()
            pieces += [entries[last * ENTRY.itemsize : start * ENTRY.itemsize], self._spaced(small[start:end])]
            last = end
        return b"".join([*pieces, entries[last * ENTRY.itemsize :]])


def _kinds() -> NDArray[np.uint8]:
    """Of every character. Letters that join those after them into one word with themselves are of the last kind."""
    spaceless = re.compile(f"[{SPACELESS}]")
    return np.fromiter((_kind(chr(code), spaceless) for code in range(_CHARACTERS)), np.uint8, _CHARACTERS)


def _kind(character: str, spaceless: re.Pattern[str]) -> int:
    if character.isalnum() and not character.isascii():
        return _WORD if spaceless.match(character) else _JOINS
    if character.isalnum() or character.isspace() or character == "_":
        return _OTHER
    return _SIGN if character in _SIGNS else _OTHER_SIGN
