"""The words of a long text, all of them at once: a word's letters are two numbers, and those are looked up in one table.

What is found is what a dictionary of words gives, which is asked for all that the table cannot do: words of more than
sixteen letters, longer rows of signs, most apostrophes behind a sign, letters beyond ASCII. What words weigh is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEAST = 4096  # characters: below, numpy's calls cost more than a dictionary
FOREIGN = 16  # one byte in so many may be beyond ASCII
_SLOTS = 16  # bits: a table of 1.1 MB, with room for the words of a language ten times over
_HALF = 8  # letters of a word that make one number
_SIGNS = 3  # that make one word
# Kinds of bytes. What stands beside one of its own kind is of one word with it.
_SPACE, _LETTER, _DIGIT, _SIGN, _BEYOND = range(5)
_LONGEST = np.array([1 << 30, 2 * _HALF, 1 << 30, _SIGNS, 0])  # bytes of a word of each kind that is looked up
_FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_MASKS = np.array([(1 << 8 * length) - 1 for length in range(_HALF + 1)], np.uint64)
_NUMBER = np.uint64(ord("0"))  # as which all numbers are looked up
_UNUSED = np.uint64(1 << 63)  # what no word is, for its last byte is ASCII
_APOSTROPHE = ord("'")


def _kind(byte: int) -> int:
    letter = chr(byte)
    if byte >= 128 or letter.isupper() or not byte:  # a nought ends a word's letters
        return _BEYOND
    if letter.isspace():
        return _SPACE
    return _LETTER if letter.isalpha() or letter in "_'" else _DIGIT if letter.isdigit() else _SIGN


_KINDS = bytes(map(_kind, range(256)))


class _Runs(NamedTuple):
    """The runs of bytes of one kind, and where each begins; the last one's end is the last start."""

    data: bytes
    starts: NDArray[np.int64]
    kinds: NDArray[np.uint8]

    def text(self, first: int, last: int) -> str:
        return self.data[self.starts[first] : self.starts[last]].decode("utf-8", "surrogatepass")


class Swift:
    """`slow` gives the entries, of the type `entry`, of any piece of a text between spaces. Safe between threads."""

    def __init__(self, slow: Callable[[str], bytes], entry: np.dtype[np.void]) -> None:
        self._slow = slow
        self._size = entry.itemsize
        self._firsts = np.full(1 << _SLOTS, _UNUSED, np.uint64)
        self._seconds = np.zeros(1 << _SLOTS, np.uint64)
        self._entries = np.zeros(1 << _SLOTS, entry)
        self._lock = Lock()

    def of(self, small: str) -> bytes:
        """The entry of every word of a text in small letters, in order."""
        if not small:
            return b""
        runs, odd = _runs(small)
        looked_up = runs.kinds != _SPACE
        pieces = list(_pieces(runs, odd)) if len(odd) else []
        for first, last in pieces:
            looked_up[first:last] = False
        words = np.flatnonzero(looked_up)
        found = self._of(runs, words).tobytes()
        return found if not pieces else b"".join(self._joined(runs, words, found, pieces))

    def _joined(
        self, runs: _Runs, words: NDArray[np.int64], found: bytes, pieces: list[tuple[int, int]]
    ) -> Iterator[bytes]:
        """What was looked up, with what was not between it."""
        last = 0
        before = np.searchsorted(words, [one for one, _ in pieces]) * self._size
        for (first, end), at in zip(pieces, before.tolist(), strict=True):
            yield found[last:at]
            yield self._slow(runs.text(first, end))
            last = at
        yield found[last:]

    def _of(self, runs: _Runs, words: NDArray[np.int64]) -> NDArray[np.void]:
        firsts, seconds = _keys(runs, words)
        slots = ((firsts * _FIRST ^ seconds * _SECOND) >> np.uint64(64 - _SLOTS)).astype(np.int64)
        with self._lock:
            missed = self._missed(firsts, seconds, slots)
            if len(missed):
                self._learn(runs, words, firsts, seconds, slots, missed[np.unique(slots[missed], return_index=True)[1]])
                missed = self._missed(firsts, seconds, slots)
            found: NDArray[np.void] = self._entries.take(slots)
        if len(missed):  # words that want the same place in the table
            found[missed] = self._asked(runs, words[missed])
        return found

    def _missed(
        self, firsts: NDArray[np.uint64], seconds: NDArray[np.uint64], slots: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        return np.flatnonzero((self._firsts.take(slots) != firsts) | (self._seconds.take(slots) != seconds))

    def _learn(
        self,
        runs: _Runs,
        words: NDArray[np.int64],
        firsts: NDArray[np.uint64],
        seconds: NDArray[np.uint64],
        slots: NDArray[np.int64],
        new: NDArray[np.int64],
    ) -> None:
        places = slots[new]
        self._entries[places] = self._asked(runs, words[new])
        self._firsts[places], self._seconds[places] = firsts[new], seconds[new]

    def _asked(self, runs: _Runs, words: NDArray[np.int64]) -> NDArray[np.void]:
        return np.frombuffer(
            b"".join([self._slow(runs.text(at, at + 1)) for at in words.tolist()]), self._entries.dtype
        )


def _runs(small: str) -> tuple[_Runs, NDArray[np.int64]]:
    """The runs of a text, and which of them are not looked up."""
    data = small.encode("utf-8", "surrogatepass")
    kinds = np.frombuffer(data.translate(_KINDS), np.uint8)
    starts = np.concatenate(([0], np.flatnonzero(kinds[1:] != kinds[:-1]) + 1, [len(kinds)]))
    runs = _Runs(data, starts, kinds.take(starts[:-1]))
    signs = _with_signs(runs) if b"'" in data else starts[:0]
    odd = np.diff(starts) > _LONGEST.take(runs.kinds)
    odd[signs] = True
    return runs, np.flatnonzero(odd)


def _with_signs(runs: _Runs) -> NDArray[np.int64]:
    """An apostrophe behind one or two signs is one word with them: it is moved over. Which runs are less plain than that."""
    data, starts = np.frombuffer(runs.data + b" ", np.uint8), runs.starts
    after = np.flatnonzero((data.take(starts[1:-1]) == _APOSTROPHE) & (runs.kinds[:-1] == _SIGN)) + 1
    begins = starts.take(after)
    alone = (starts.take(after + 1) - begins == 1) | (data.take(begins + 1) == _APOSTROPHE)
    plain = ~alone & (begins - starts.take(after - 1) < _SIGNS)
    starts[after[plain]] += 1
    less_plain: NDArray[np.int64] = after[~plain]
    return less_plain


def _pieces(runs: _Runs, odd: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """From which run to which all stands together that is not looked up, between space and space."""
    spaces = np.flatnonzero(runs.kinds == _SPACE)
    bounds = np.concatenate(([-1], spaces, [len(runs.kinds)]))
    for number in np.unique(np.searchsorted(spaces, odd)).tolist():
        yield int(bounds[number]) + 1, int(bounds[number + 1])


def _keys(runs: _Runs, words: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The letters of each word as two numbers."""
    begins = runs.starts.take(words)
    lengths = runs.starts.take(words + 1) - begins
    padded = runs.data + bytes(2 * _HALF)
    letters = np.ndarray((len(runs.data) + _HALF,), "<u8", padded, strides=(1,))
    firsts = letters.take(begins) & _MASKS.take(lengths, mode="clip")
    firsts[runs.kinds.take(words) == _DIGIT] = _NUMBER
    seconds = np.zeros(len(words), np.uint64)
    long = np.flatnonzero(lengths > _HALF)
    seconds[long] = letters.take(begins.take(long) + _HALF) & _MASKS.take(lengths.take(long) - _HALF, mode="clip")
    seconds[runs.kinds.take(words) == _DIGIT] = 0
    return firsts, seconds
