"""Reed–Solomon RS(18, 10) over GF(2^7), as an evaluation code: any 10 of 18 symbols give the message.

Our own 80 lines because a burst needs exactly one thing that the kept libraries do not offer cheaply:
the inverse for a *known* set of ten positions, cached, applied to thousands of guesses at once with numpy.
There is no error locator here; a wrong symbol is found by the 36-bit check of `watermark.payload`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Symbols = NDArray[np.uint8]

LENGTH = 18
DIMENSION = 10
SYMBOL_BITS = 7
_POLYNOMIAL = 0x83  # x^7 + x + 1, primitive over GF(2)
_ORDER = 127


def _tables() -> tuple[list[int], list[int]]:
    exp, log, value = [0] * (2 * _ORDER), [0] * 128, 1
    for power in range(_ORDER):
        exp[power] = exp[power + _ORDER] = value
        log[value] = power
        value <<= 1
        if value & 0x80:
            value ^= _POLYNOMIAL
    return exp, log


EXP, LOG = _tables()


def multiply(a: int, b: int) -> int:
    return EXP[LOG[a] + LOG[b]] if a and b else 0


def _product_table() -> Symbols:
    return np.array([[multiply(a, b) for b in range(128)] for a in range(128)], dtype=np.uint8)


PRODUCT = _product_table()
# Symbol j of a codeword is the message polynomial at the point alpha^j.
GENERATOR = np.array([[EXP[(i * j) % _ORDER] for i in range(DIMENSION)] for j in range(LENGTH)], dtype=np.uint8)


def encode(messages: Symbols) -> Symbols:
    """Codewords (n × 18) of messages (n × 10)."""
    terms = PRODUCT[GENERATOR[None, :, :], messages[:, None, :]]
    return np.asarray(np.bitwise_xor.reduce(terms, axis=2), dtype=np.uint8)


def solve(positions: tuple[int, ...], symbols: Symbols) -> Symbols:
    """Messages (n × 10) that have `symbols` (n × 10) at these ten distinct positions."""
    terms = PRODUCT[inverse(positions)[None, :, :], symbols[:, None, :]]
    return np.asarray(np.bitwise_xor.reduce(terms, axis=2), dtype=np.uint8)


@lru_cache(maxsize=8192)  # of 43,758 possible sets; 100 bytes each
def inverse(positions: tuple[int, ...]) -> Symbols:
    """The inverse of the ten chosen rows of the generator, by Gauss–Jordan elimination."""
    work = np.concatenate((GENERATOR[list(positions)], np.eye(DIMENSION, dtype=np.uint8)), axis=1)
    for column in range(DIMENSION):
        pivot = column + int(np.flatnonzero(work[column:, column])[0])
        if pivot != column:
            work[[column, pivot]] = work[[pivot, column]]
        scale = EXP[(_ORDER - LOG[int(work[column, column])]) % _ORDER]
        work[column] = PRODUCT[scale, work[column]]
        factors = work[:, column].copy()
        factors[column] = 0
        work ^= PRODUCT[factors[:, None], work[column][None, :]]
    return work[:, DIMENSION:].copy()
