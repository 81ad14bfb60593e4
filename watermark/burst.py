"""The wire format of one burst: which symbols of the codeword it carries, in what order, under which pads.

A burst is ten codeword symbols and two bind symbols. Order, choice and pads come from a keyed hash of the two
letters before it, so a decoder needs no marker and a reader without the key sees noise. The bind symbols are keyed
by the id and by the 8 and 16 letters before: a burst pasted elsewhere still shows the id, but no longer binds.
"""

from __future__ import annotations

from codecs import utf_32_be_decode
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter

from watermark import rs
from watermark.skeleton import skeleton

DATA_SYMBOLS = 10  # = rs.DIMENSION: one intact burst is enough to name the id
BIND_SYMBOLS = 2
BURST_SYMBOLS = DATA_SYMBOLS + BIND_SYMBOLS
CONTEXT_LETTERS = 2
Binder = blake2b
BIND_LETTERS = (8, 16)  # the short one survives more edits, the long one is harder to meet by chance
_NEAR_CHARS = 26  # most windows have enough letters here already, at half the time
WINDOW_CHARS = 48  # visible characters before a burst in which those letters are looked for

_VS17 = 0xE0100  # VARIATION SELECTOR-17; 128 of them, invisible after punctuation, space and Latin letters
_SEVEN_BITS = int.from_bytes(b"\x7f" * BURST_SYMBOLS)
_TWELVE = _VS17.to_bytes(4) * BURST_SYMBOLS  # in UTF-32: a symbol's value is added to the last byte of each
# Four joiners carry two bits each; the fourth pair of a symbol is its parity. For tenants whose texts live in Word.
_JOINERS = "\u200b\u200c\u200d\u2060"
JOINERS_PER_SYMBOL = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """Positions (ten of 0..17, in wire order) and twelve 7-bit pads; the same again as the embedder uses them."""

    positions: tuple[int, ...]
    pads: bytes
    pick: Callable[[bytes], tuple[int, ...]]
    mask: int


@lru_cache(maxsize=16384)  # two-letter contexts repeat: a hit costs a tenth of the hash
def plan(context_key: bytes, context: str) -> Plan:
    digest = blake2b(context.encode("utf-8", "surrogatepass"), key=context_key, digest_size=32).digest()
    order, chosen = list(range(rs.LENGTH)), int.from_bytes(digest[:16])
    for index in range(DATA_SYMBOLS):
        chosen, offset = divmod(chosen, rs.LENGTH - index)
        order[index], order[index + offset] = order[index + offset], order[index]
    positions, pads = order[:DATA_SYMBOLS], bytes(byte & 0x7F for byte in digest[16 : 16 + BURST_SYMBOLS])
    return Plan(tuple(positions), pads, itemgetter(*positions), int.from_bytes(pads))


def letters_before(text: str, at: int | None = None) -> str:
    """The last (up to) sixteen skeleton letters of the `WINDOW_CHARS` visible characters before a burst at `at`, or the end."""
    end = len(text) if at is None else at
    letters = skeleton(text[max(0, end - _NEAR_CHARS) : end])
    # Composition may reach over the cut and change the first letters found there: three is more than it can.
    if len(letters) < BIND_LETTERS[-1] + 3:
        letters = skeleton(text[max(0, end - WINDOW_CHARS) : end])
    return letters[-BIND_LETTERS[-1] :]


def binder(bind_key: bytes, mark_id: int) -> Binder:
    """The keyed hash that knows the id already; `bind_symbols` continues copies of it."""
    return blake2b(mark_id.to_bytes(5), key=bind_key, digest_size=1)


def bind_symbols(start: Binder, letters: str) -> tuple[int, int]:
    short, long = start.copy(), start.copy()
    short.update(letters[-BIND_LETTERS[0] :].encode("utf-8", "surrogatepass"))
    long.update(letters[-BIND_LETTERS[1] :].encode("utf-8", "surrogatepass"))
    return short.digest()[0] & 0x7F, long.digest()[0] & 0x7F


def symbols(codeword: bytes, start: Binder, letters: str, layout: Plan) -> bytes:
    """The twelve padded symbols of one burst, in wire order: ten of the codeword, and two that bind it to its letters."""
    short, long = start.copy(), start.copy()
    short.update(letters[-BIND_LETTERS[0] :].encode("utf-8", "surrogatepass"))
    long.update(letters.encode("utf-8", "surrogatepass"))
    plain = bytes(layout.pick(codeword)) + short.digest() + long.digest()
    return ((int.from_bytes(plain) ^ layout.mask) & _SEVEN_BITS).to_bytes(BURST_SYMBOLS)


def spell_selectors(values: bytes) -> str:
    points = bytearray(_TWELVE)
    points[3::4] = values
    return utf_32_be_decode(points)[0]


def spell_joiners(values: bytes) -> str:
    return "".join(_joined(value) for value in values)


def _joined(value: int) -> str:
    pairs = (value >> 5 & 3, value >> 3 & 3, value >> 1 & 3)
    last = (value & 1) << 1 | ((value.bit_count()) & 1)
    return "".join(_JOINERS[pair] for pair in (*pairs, last))


def read_selectors(run: str) -> list[int]:
    return [ord(char) - _VS17 for char in run]


def read_joiners(run: str) -> list[int]:
    """Symbols of a run of joiners; a group whose parity fails is dropped, so it reads as a deletion."""
    groups = (
        run[at : at + JOINERS_PER_SYMBOL] for at in range(0, len(run) - JOINERS_PER_SYMBOL + 1, JOINERS_PER_SYMBOL)
    )
    return [value for group in groups if (value := _unjoined(group)) is not None]


def _unjoined(group: str) -> int | None:
    high, middle, low, last = (_JOINERS.index(char) for char in group)
    value = high << 5 | middle << 3 | low << 1 | last >> 1
    return value if value.bit_count() & 1 == last & 1 else None
