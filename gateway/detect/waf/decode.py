"""Texts inside a text: base64, base32, hex, percent, entities, escapes, binary, spaced, reversed, rot13, leet. At most two layers.

Every run is decoded, none is skipped for being one too many: the cost is linear in the text.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import string
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gateway.detect.waf.canonical import canonical

LAYERS = 2  # decodings: models follow two with ease, and a third is not seen outside of puzzles
# What must be in a text before a decoder is worth its time. They are scanned for together with the rules.
TRIGGERS: dict[str, str] = {
    "base64": r"[A-Za-z0-9+/_-]{16}",
    "hex": r"[0-9A-Fa-f]{2}(?:[ :]?[0-9A-Fa-f]{2}){11}",
    # Letters that need no escape are hidden by one; quotation marks and Chinese stand so in any JSON.
    "escapes": r"(?:\\x|\\u00)[46][1-9A-Fa-f](?:\\x|\\u00)[4-7][0-9A-Fa-f]|(?:\\x|\\u00)[57][0-9Aa](?:\\x|\\u00)[4-7][0-9A-Fa-f]",
    "characters": r"\\x[0-9A-Fa-f]{2}\\x|\\u[0-9A-Fa-f]{4}",
    "percent": r"%[0-9A-Fa-f]{2}",
    "entities": r"&(?:#[0-9]{2}|#x[0-9a-f]{2}|[a-z]{2,8};)",
    "binary": r"[01]{8}[ ,][01]{8}[ ,][01]{8}",
    "spaced": r"(?:\b[A-Za-z][ ._*|/-]{1,3}){6}",
    "leet": r"[A-Za-z][0134579@$][A-Za-z]",
    "rot13": r"rot-?13|caesar|c[ai]pher|vtaber|qvfertneq|flfgrz",
    "reversed": r"revers|backward|erongi|snoitcurtsni|tpmorp",
}


@dataclass(frozen=True, slots=True)
class View:
    """A text to be scanned, and how it was made: `chain` is the decoders, outermost first; empty for the text itself.

    `span` is where in the text above it stood.
    """

    text: str
    chain: tuple[str, ...] = ()
    span: tuple[int, int] = (0, 0)


def decoded(view: View, triggers: Iterable[str]) -> Iterator[View]:
    """What the text of a view hides, one layer down."""
    if len(view.chain) >= LAYERS:
        return
    span = view.span if view.chain else None
    for name in triggers:
        for found, start, end in _DECODERS[name](view.text):
            seen = canonical(found)
            if seen != view.text:
                yield View(seen, (*view.chain, name), span or (start, end))


Found = Iterator[tuple[str, int, int]]

_HEX = re.compile(r"(?:0x)?[0-9A-Fa-f]{2}(?:[ :,]?(?:0x)?[0-9A-Fa-f]{2}){11,}")
_BINARY = re.compile(r"[01]{8}(?:[ ,]+[01]{8}){3,}")
_ESCAPES = re.compile(r"(?:\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4})+")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_SPACED = re.compile(r"\b(?:[A-Za-z][ ._*|/-]{1,3}){5,}[A-Za-z]\b")
# One for each run of letters and these signs that has both; signs are looked for, since most runs have none.
LEET = re.compile(r"[0134579@$](?<![0134579@$]{2})(?:(?<=[A-Za-z].)|[0134579@$]*[A-Za-z])[A-Za-z0134579@$]*", re.DOTALL)
_LEET_LETTERS = str.maketrans("0134579@$!|", "oieastgasil")
_NOT_HEX = re.compile("[^0-9A-Fa-f]|0x")
LEET_SHARE = 6  # one word in so many must be spelt so: in code, a few always are
LEET_WORDS = 3  # words spelt with digits before a text counts as leet: names like utf8 and h264 are ordinary


@dataclass(frozen=True, slots=True)
class Encoding:
    """A pattern that begins with some letters of an alphabet. `flat` turns them into the letter A, and all else into spaces."""

    pattern: re.Pattern[str]
    flat: bytes


def _encoding(pattern: str, letters: bytes) -> Encoding:
    return Encoding(re.compile(pattern), bytes(ord("A") if byte in letters else ord(" ") for byte in range(256)))


BASE64 = _encoding(
    r"(?:[A-Za-z0-9+/_-]{16,}[\r\n]{0,2})+={0,2}", (string.ascii_letters + string.digits + "+/_-").encode()
)
BASE32 = _encoding(r"[A-Z2-7]{24,}={0,6}", (string.ascii_uppercase + "234567").encode())


def runs(encoding: Encoding, text: str, data: bytes, least: int) -> Iterator[re.Match[str]]:
    """Where the encoding's pattern matches, which begins with at least so many letters. `data` has a byte for each character.

    Looking for sixteen of the same byte takes a thirtieth of the time of trying a pattern at every word.
    """
    row, flat = b"A" * least, data.translate(encoding.flat)
    at = flat.find(row)
    while at >= 0:
        run = encoding.pattern.match(text, at)
        assert run is not None, "a pattern that does not begin with its own letters"
        yield run
        at = flat.find(row, run.end())


def _base64(text: str) -> Found:
    data = text.encode("ascii", "replace")
    for run in runs(BASE64, text, data, 16):
        yield from _readable(run, _from_base64(run[0]))
    for run in runs(BASE32, text, data, 24):
        yield from _readable(run, _from_base32(run[0]))


def _from_base64(run: str) -> bytes:
    body = run.encode("ascii").translate(_STANDARD, b"\r\n=")
    body = body[: len(body) - (len(body) % 4 == 1)]
    return binascii.a2b_base64(body + b"=" * (-len(body) % 4))


_STANDARD = bytes.maketrans(b"-_", b"+/")


def _from_base32(run: str) -> bytes:
    body = run.rstrip("=")
    body = body[: len(body) - {1: 1, 3: 1, 6: 1}.get(len(body) % 8, 0)]
    return base64.b32decode(body + "=" * (-len(body) % 8))


def _hex(text: str) -> Found:
    for run in _HEX.finditer(text):
        digits = _NOT_HEX.sub("", run[0])
        yield from _readable(run, bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _binary(text: str) -> Found:
    for run in _BINARY.finditer(text):
        yield from _readable(run, bytes(int(octet, 2) for octet in re.findall("[01]{8}", run[0])))


def _readable(run: re.Match[str], data: bytes) -> Found:
    """Only what decodes to text: most long words are not base64, and most base64 is not text."""
    if _UNPRINTABLE.search(data) is not None:  # whatever stands beside it, it is decoded as it is
        return
    text = data.decode("utf-8", "ignore")
    if len(text) >= 6 and len(text.encode()) >= len(data) * 0.9 and is_text(text):
        yield text, *run.span()


_UNPRINTABLE = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NOT_COUNTED = re.compile(r"[^A-Za-z0-9 \n]")


def is_text(text: str) -> bool:
    """Letters and spaces at least by two fifths (an encoding inside has many signs), and nothing unprintable but white space."""
    if text.isascii():
        counted = len(text) - len(_NOT_COUNTED.findall(text))
        return counted >= 0.4 * len(text) and _UNPRINTABLE.search(text.encode()) is None
    kept = sum(letter.isalnum() or letter in " \n" for letter in text)
    return kept >= 0.4 * len(text) and all(letter.isprintable() or letter in "\r\n\t" for letter in text)


def _escapes(text: str) -> Found:
    if _ESCAPES.search(text):
        yield _ESCAPES.sub(lambda run: _unescaped(run[0]), text), 0, len(text)


def _unescaped(run: str) -> str:
    return run.encode("ascii").decode("unicode_escape").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _percent(text: str) -> Found:
    if _PERCENT.search(text):
        yield (
            _PERCENT.sub(lambda run: bytes.fromhex(run[0].replace("%", "")).decode("utf-8", "replace"), text),
            0,
            len(text),
        )


def _entities(text: str) -> Found:
    yield html.unescape(text), 0, len(text)


def _spaced(text: str) -> Found:
    """`i g n o r e   a l l`: single letters set apart, words kept apart by the wider gap."""
    if _SPACED.search(text):
        yield _SPACED.sub(lambda run: _joined(run[0]), text), 0, len(text)


def _joined(run: str) -> str:
    words = re.split(r"[ ._*|/-]{2,3}(?=[A-Za-z])", run)
    return " ".join(re.sub(r"[ ._*|/-]", "", word) for word in words)


def _leet(text: str) -> Found:
    words = len(LEET.findall(text))
    if words >= max(LEET_WORDS, text.count(" ") / LEET_SHARE):
        yield text.translate(_LEET_LETTERS), 0, len(text)


def _rot13(text: str) -> Found:
    yield codecs.decode(text, "rot13"), 0, len(text)


def _reversed(text: str) -> Found:
    yield text[::-1], 0, len(text)
    yield "\n".join(" ".join(line.split()[::-1]) for line in text.splitlines()), 0, len(text)


_DECODERS: dict[str, Callable[[str], Found]] = {
    "base64": _base64,
    "hex": _hex,
    "escapes": _escapes,
    "characters": _escapes,
    "percent": _percent,
    "entities": _entities,
    "binary": _binary,
    "spaced": _spaced,
    "leet": _leet,
    "rot13": _rot13,
    "reversed": _reversed,
}
