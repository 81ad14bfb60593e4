"""Text as a model would understand it, for matching only: what is sent on stays what came. Decoding is in `decode`."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# Characters that show nothing: soft hyphen, joiners, directional marks, fillers, variation selectors, tags.
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_MARKS = re.compile("[\u0300-\u036f]")

# After the Unicode consortium's confusables (UTS #39), the letters that stand for a Latin one.
_LOOKALIKES = {
    "а": "a", "е": "e", "о": "o", "р": "p", "с": "c", "у": "y", "х": "x", "і": "i", "ј": "j", "ѕ": "s", "һ": "h",
    "ԁ": "d", "ԛ": "q", "ԝ": "w", "ӏ": "l", "ո": "n", "ս": "u", "օ": "o", "ց": "g", "զ": "q", "հ": "h",
    "к": "k", "м": "m", "т": "t", "в": "b", "н": "h", "ь": "b", "г": "r", "п": "n", "ɡ": "g", "ɑ": "a", "ı": "i", "ȷ": "j",
    "А": "A", "В": "B", "Е": "E", "К": "K", "М": "M", "Н": "H", "О": "O", "Р": "P", "С": "C", "Т": "T", "У": "Y",
    "Х": "X", "І": "I", "Ј": "J", "Ѕ": "S", "Ԍ": "G", "Ԛ": "Q", "Ԝ": "W", "Ү": "Y", "ү": "y", "ѵ": "v", "Ѵ": "V",
    "α": "a", "ο": "o", "ν": "v", "ρ": "p", "ι": "i", "κ": "k", "υ": "u", "τ": "t", "χ": "x", "γ": "y", "ε": "e",
    "η": "n", "ω": "w", "ϲ": "c", "ϳ": "j", "σ": "o", "Α": "A", "Β": "B", "Ε": "E", "Ζ": "Z", "Η": "H", "Ι": "I",
    "Κ": "K", "Μ": "M", "Ν": "N", "Ο": "O", "Ρ": "P", "Τ": "T", "Υ": "Y", "Χ": "X", "Ᏼ": "B", "Ꭺ": "A", "Ꮯ": "C",
    "Ꭰ": "D", "Ꭼ": "E", "Ꮐ": "G", "Ꮋ": "H", "Ꭻ": "J", "Ꮶ": "K", "Ꮮ": "L", "Ꮇ": "M", "Ꮲ": "P", "Ꮪ": "S", "Ꭲ": "T",
    "Ꮩ": "V", "Ꮃ": "W", "Ꮓ": "Z", "Ꮍ": "Y", "Ꮢ": "R", "ᴀ": "a", "ʙ": "b", "ᴄ": "c", "ᴅ": "d", "ᴇ": "e", "ɢ": "g",
    "ʜ": "h", "ɪ": "i", "ᴊ": "j", "ᴋ": "k", "ʟ": "l", "ᴍ": "m", "ɴ": "n", "ᴏ": "o", "ᴘ": "p", "ʀ": "r", "ꜱ": "s",
    "ᴛ": "t", "ᴜ": "u", "ᴠ": "v", "ᴡ": "w", "ʏ": "y", "ᴢ": "z",
}  # fmt: skip
_FOLDED = str.maketrans(_LOOKALIKES)
_LOOKALIKE = re.compile(f"[{''.join(_LOOKALIKES)}]")
_FOREIGN = re.compile("[\u0370-\u058f]")
_WORD_OF_TWO_SCRIPTS = re.compile(r"[A-Za-z][\u0370-\u058f]|[\u0370-\u058f][A-Za-z]")
_LONG_WORD = re.compile(r"[A-Za-z\u0370-\u058f]{4,}")


def canonical(text: str) -> str:
    """Compatibility forms, accents, look-alike letters and invisible characters folded away. Idempotent; grows at most 4×.

    Accents go because they hide a word from a rule as well as a foreign letter does; rules are written without them.
    """
    if text.isascii():
        return text
    singly = _singly(text) if len(text) >= LONG else None
    return _together(text) if singly is None else singly


def _singly(text: str) -> str | None:
    """The canonical form, if that is one character for each of the text's."""
    folded = _each().take(np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16))
    return str(folded.tobytes(), "utf-16-le") if folded.all() else None


def _together(text: str) -> str:
    """The canonical form of what must be looked at as a whole."""
    # Searching for what is to be folded costs a tenth of folding, and most texts hold none of it.
    seen = _expanded(text if _INVISIBLE.search(text) is None else _INVISIBLE.sub("", text))
    if _MARKS.search(seen) is not None:
        seen = _MARKS.sub("", seen)
    if _LOOKALIKE.search(seen) is not None:
        seen = seen.translate(_FOLDED)
    return unicodedata.normalize("NFC", seen)


LONG = 64  # characters from which on a table is faster
_CHARACTERS = 1 << 16


@lru_cache(maxsize=1)
def _each() -> NDArray[np.uint16]:
    """The canonical form of every character that has one by itself, whatever stands beside it; nought for the rest.

    The rest are those that fold to none or several, those that join the letter before them, and halves of pairs.
    """
    table = np.zeros(_CHARACTERS, np.uint16)
    joining = _joining()
    for code in range(1, _CHARACTERS):
        if 0xD800 <= code < 0xE000:
            continue
        folded = _together(chr(code))
        if len(folded) == 1 and folded <= "\uffff" and folded not in joining and chr(code) not in joining:
            table[code] = ord(folded)
    return table


def _joining() -> frozenset[str]:
    """Characters that may become one with the one before them, or change places with it."""
    every = [chr(code) for code in range(_CHARACTERS)]
    pairs = [unicodedata.decomposition(one).split() for one in every]
    seconds = {chr(int(pair[1], 16)) for pair in pairs if len(pair) == 2 and not pair[0].startswith("<")}
    return frozenset(seconds | {one for one in every if unicodedata.combining(one)} | set(_JAMO))


_JAMO = [chr(code) for code in range(0x1160, 0x1200)]  # vowels and ends of Korean syllables


_LIGATURES = re.compile("[\u3300-\u33ff\ufb50-\ufdff\ufe70-\ufeff\u2a74\u2057\u3250-\u32ff]+")


def _expanded(text: str) -> str:
    """NFKD, but for the few blocks where one character becomes up to eighteen and no attack hides."""
    if _LIGATURES.search(text) is None:
        return unicodedata.normalize("NFKD", text)
    pieces, last = [], 0
    for kept in _LIGATURES.finditer(text):
        pieces += [unicodedata.normalize("NFKD", text[last : kept.start()]), kept[0]]
        last = kept.end()
    return "".join([*pieces, unicodedata.normalize("NFKD", text[last:])])


def disguised_words(text: str) -> int:
    """How many words mix Latin with look-alike letters so that they read as plain Latin: `ignоre` with a Cyrillic о.

    Real words of two scripts (`Δx`, `β-carotene`, `kΩ`) do not fold to Latin whole, or are shorter than four letters.
    """
    if text.isascii() or _FOREIGN.search(text) is None or _WORD_OF_TWO_SCRIPTS.search(text) is None:
        return 0
    return sum(map(_is_disguised, _LONG_WORD.findall(text)))


@lru_cache(maxsize=1024)  # texts of one script repeat their words
def _is_disguised(word: str) -> bool:
    foreign = _FOREIGN.findall(word)
    return 0 < len(foreign) < len(word) and "".join(foreign).translate(_FOLDED).isascii()


def origin(text: str, start: int, end: int) -> tuple[int, int]:
    """A span of the canonical text, as the span of the text it came from. Exact but where letters were composed."""
    if text.isascii():
        return start, end
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    widths = np.ones(len(codes), np.int64)
    odd = np.flatnonzero((_each().take(codes, mode="clip") == 0) | (codes >= _CHARACTERS))
    if not len(odd):
        return start, end
    widths[odd] = [_width(text[place]) for place in odd.tolist()]
    ends = np.cumsum(widths)
    return int(np.searchsorted(ends, start, "right")), min(int(np.searchsorted(ends, end)) + 1, len(text))


@lru_cache(maxsize=4096)
def _width(character: str) -> int:
    return len(canonical(character))
