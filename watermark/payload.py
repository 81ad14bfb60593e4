"""A mark id (34 bits) ↔ the 70 bits that travel: id and 36-bit check, whitened by a keyed permutation.

The id is random and means nothing without the registry. The permutation is a four-round Feistel network
(Luby–Rackoff) over keyed BLAKE2b, so what travels looks random and no part of it can be read or chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
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


def check_id(mark_id: int) -> None:
    """Raises ValueError when the id does not fit."""
    if not 0 <= mark_id < 1 << ID_BITS:
        raise ValueError(f"mark id {mark_id} does not fit {ID_BITS} bits")


def seal(mark_id: int, keys: EpochKeys) -> int:
    """The 70-bit payload that carries `mark_id`. Raises ValueError when the id does not fit."""
    check_id(mark_id)
    block = mark_id << CHECK_BITS | _check(mark_id, keys)
    left, right = block >> _HALF_BITS, block & _HALF_MASK
    for begun in _rounds(keys.cipher):
        left, right = right, left ^ _round(begun, right)
    return left << _HALF_BITS | right


def unseal(payload: int, keys: EpochKeys) -> int | None:
    """The id inside, or None when the check fails: not ours, another epoch's, or damaged."""
    left, right = payload >> _HALF_BITS, payload & _HALF_MASK
    for begun in reversed(_rounds(keys.cipher)):
        left, right = right ^ _round(begun, left), left
    block = left << _HALF_BITS | right
    mark_id = block >> CHECK_BITS
    return mark_id if block & ((1 << CHECK_BITS) - 1) == _check(mark_id, keys) else None


def codeword(mark_id: int, keys: EpochKeys) -> bytes:
    """The 18 seven-bit symbols whose parts every burst carries."""
    payload, whole = seal(mark_id, keys), 0
    for symbols in _CODEWORDS:
        whole ^= symbols[payload & 0x7F]
        payload >>= rs.SYMBOL_BITS
    return whole.to_bytes(rs.LENGTH)


def _codewords() -> list[list[int]]:
    """What each value of each message symbol adds to the codeword, as one number: numpy costs ten times as much for one."""
    messages = np.zeros((rs.DIMENSION, 128, rs.DIMENSION), np.uint8)
    for place in range(rs.DIMENSION):
        messages[place, :, place] = np.arange(128)
    return [[int.from_bytes(bytes(word)) for word in rs.encode(each).tolist()] for each in messages]


_CODEWORDS = _codewords()


def from_symbols(message: rs.Symbols) -> int:
    """Ten message symbols → payload."""
    value = 0
    for symbol in reversed(message.tolist()):
        value = value << rs.SYMBOL_BITS | symbol
    return value


def _check(mark_id: int, keys: EpochKeys) -> int:
    digest = blake2b(mark_id.to_bytes(5), key=keys.mac, digest_size=5).digest()
    return int.from_bytes(digest) >> (40 - CHECK_BITS)


def _round(begun: blake2b, half: int) -> int:
    hashed = begun.copy()
    hashed.update(half.to_bytes(5))
    return int.from_bytes(hashed.digest()) & _HALF_MASK


@lru_cache(maxsize=64)  # epochs of keys
def _rounds(cipher: bytes) -> tuple[blake2b, ...]:
    """Each round's keyed hash, to be copied: half of what hashing five bytes costs is taking in the key."""
    return tuple(blake2b(key=cipher, salt=bytes([number]), digest_size=5) for number in range(_ROUNDS))
