"""A mark id (34 bits) ↔ the 70 bits that travel: id and 36-bit check, whitened by a keyed permutation.

The id is random and means nothing without the registry. The permutation is a four-round Feistel network
(Luby–Rackoff) over keyed BLAKE2b, so what travels looks random and no part of it can be read or chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

import numpy as np

from watermark import rs
from watermark.keys import EpochKeys

ID_BITS = 34  # 1.7e10 ids: after 1e7 answers a random id is one of ours with chance 6e-4
CHECK_BITS = 36  # one try names somebody by chance once in 6.9e10
_HALF_BITS = (ID_BITS + CHECK_BITS) // 2
_HALF_MASK = (1 << _HALF_BITS) - 1
_ROUNDS = 4


def new_mark_id(random_bits: Callable[[int], int]) -> int:
    """A fresh id from `random_bits(34)`, e.g. secrets.randbits."""
    return random_bits(ID_BITS)


def seal(mark_id: int, keys: EpochKeys) -> int:
    """The 70-bit payload that carries `mark_id`. Raises ValueError when the id does not fit."""
    if not 0 <= mark_id < 1 << ID_BITS:
        raise ValueError(f"mark id {mark_id} does not fit {ID_BITS} bits")
    block = mark_id << CHECK_BITS | _check(mark_id, keys)
    left, right = block >> _HALF_BITS, block & _HALF_MASK
    for number in range(_ROUNDS):
        left, right = right, left ^ _round(number, right, keys)
    return left << _HALF_BITS | right


def unseal(payload: int, keys: EpochKeys) -> int | None:
    """The id inside, or None when the check fails: not ours, another epoch's, or damaged."""
    left, right = payload >> _HALF_BITS, payload & _HALF_MASK
    for number in reversed(range(_ROUNDS)):
        left, right = right ^ _round(number, left, keys), left
    block = left << _HALF_BITS | right
    mark_id = block >> CHECK_BITS
    return mark_id if block & ((1 << CHECK_BITS) - 1) == _check(mark_id, keys) else None


def codeword(mark_id: int, keys: EpochKeys) -> bytes:
    """The 18 seven-bit symbols whose parts every burst carries."""
    payload = seal(mark_id, keys)
    message = np.array([[payload >> (rs.SYMBOL_BITS * i) & 0x7F for i in range(rs.DIMENSION)]], dtype=np.uint8)
    return bytes(rs.encode(message)[0].tolist())


def from_symbols(message: rs.Symbols) -> int:
    """Ten message symbols → payload."""
    value = 0
    for symbol in reversed(message.tolist()):
        value = value << rs.SYMBOL_BITS | symbol
    return value


def _check(mark_id: int, keys: EpochKeys) -> int:
    digest = blake2b(mark_id.to_bytes(5), key=keys.mac, digest_size=5).digest()
    return int.from_bytes(digest) >> (40 - CHECK_BITS)


def _round(number: int, half: int, keys: EpochKeys) -> int:
    digest = blake2b(half.to_bytes(5), key=keys.cipher, salt=bytes([number]), digest_size=5).digest()
    return int.from_bytes(digest) & _HALF_MASK
