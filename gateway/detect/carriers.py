"""Text written in another coat: JSON and URL escapes, HTML entities, base64, Chinese numerals, "(at)". One coat is taken off.

Gives a run's plain reading with the way back, as a `View`. What is found in it is redacted where the coat stands.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator

from gateway.detect.signs import NUMERALS, OTHER_SHAPES, TABLE
from gateway.detect.view import Around, View

ESCAPES = re.compile(
    r"\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|(?:%[0-9A-Fa-f]{2})+|&(?:#[0-9]{2,6}|#[xX][0-9a-fA-F]{2,5}|commat|period|colon|nbsp|hyphen);"
)
_WORDS = re.compile(
    r"[ ]{0,2}[(\[{](?:at|AT|At|@|dot|DOT)[)\]}][ ]{0,2}|(?<=[A-Za-z0-9])#(?=(?:[A-Za-z0-9\-]{1,30}\.){1,4}(?:com|cn|net|org|edu|io|de|uk|jp|dev)(?![A-Za-z]))|(?<=[A-Za-z0-9])艾特(?=[A-Za-z0-9])"
    r"|(?<=[A-Za-z0-9])[ ]{1,2}@[ ]{1,2}(?=[A-Za-z0-9])|(?<=[A-Za-z0-9]) \. (?=[a-z]{2})"
)
_NUMBER = re.compile(r"[{0}]{{7,}}|[{0}]{{3,}}(?:[ ,，、\-][{0}]{{3,}})+".format("".join(NUMERALS)))
_OTHERWISE = re.compile(f"[{OTHER_SHAPES}]|{_NUMBER.pattern}|{_WORDS.pattern}")  # what asks for another reading
_LETTERS_AS_DIGITS = re.compile(
    r"(?<![A-Za-z0-9])(?=[OolI]{0,4}[0-9])(?=[0-9]{0,17}[OolI])(?=(?:[OolI]{0,6}[0-9]){5})[0-9OolI]{10,18}[0-9OolIXx](?![A-Za-z0-9])"
)
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_\-])[A-Za-z0-9+/_\-]{22,}={0,2}(?![A-Za-z0-9+/=_\-])")
_CODED = re.compile(r"[A-Za-z0-9+/_\-]*")
MIN_WINDOW = 400  # signs: a window of a run too long to be read at once
MARGIN = 2  # code points before a run that its readings keep, for what may not stand to the left


def plain(text: str, start: int, end: int, around: Around) -> View:
    """The run as it stands, where nothing in it needs another reading."""
    return View(text, start, end, text, start, end, around)


def readings(text: str, start: int, end: int, coated: bool, around: Around) -> Iterator[View]:
    """The run as ASCII, then with its escapes undone: the first always, the second where there are any."""
    piece = text[start:end]
    if not _asks(piece):
        yield plain(text, start, end, around)
    else:
        signs, places = list(piece), list(range(start, end + 1))
        yield _view(text, start, end, around, *_spelt(*_ascii(signs, places)))
    if coated and ESCAPES.search(piece):
        yield _view(text, start, end, around, *_spelt(*_ascii(*_unescaped(piece, start))))
    lettered = "O" in piece or "o" in piece or "l" in piece or "I" in piece
    if lettered and _LETTERS_AS_DIGITS.search(piece):
        swapped = _LETTERS_AS_DIGITS.sub(lambda found: found.group().translate(_ALIKE), piece)
        yield _view(text, start, end, around, list(swapped), list(range(start, end + 1)))


def _asks(piece: str) -> bool:
    """Is there anything in a run that asks for another reading than the one it has?"""
    if not piece.isascii():
        return _OTHERWISE.search(piece) is not None
    bracketed = "(" in piece or "[" in piece or "{" in piece or "#" in piece or " @ " in piece
    return bracketed and _WORDS.search(piece) is not None


_ALIKE = str.maketrans("OolI", "0011")


def _view(text: str, start: int, end: int, around: Around, signs: list[str], places: list[int]) -> View:
    margin = [TABLE.get(ord(sign), sign) or "" for sign in text[max(0, start - MARGIN) : start]]
    left = "".join(margin)
    if len(left) < MARGIN and start > len(left):
        left = left.rjust(MARGIN)
    reading = left + "".join(signs)
    return View(reading, len(left), len(reading), text, start, end, around, tuple(places))


def _ascii(signs: list[str], places: list[int]) -> tuple[list[str], list[int]]:
    """Each sign as its ASCII shape; what cannot be seen is dropped, and belongs to the sign before it."""
    out: list[str] = []
    kept: list[int] = []
    for sign, place in zip(signs, places, strict=False):
        shape = TABLE.get(ord(sign), sign)
        if shape is not None:
            out.append(shape)
            kept.append(place)
    return out, [*kept, places[-1]]


def _spelt(signs: list[str], places: list[int]) -> tuple[list[str], list[int]]:
    """Chinese numerals in long rows as digits, "(at)" as @."""
    text = "".join(signs)
    for found in _NUMBER.finditer(text):
        signs[found.start() : found.end()] = [
            NUMERALS.get(sign, " " if sign in ",，、" else sign) for sign in found.group()
        ]
    for found in reversed(list(_WORDS.finditer(text))):
        low, high = found.span()
        word = found.group().strip(" ([{}])").lower()
        signs[low:high] = ["." if word in ("dot", ".") else "@"]
        places[low:high] = [places[low]]
    return signs, places


def _unescaped(piece: str, start: int) -> tuple[list[str], list[int]]:
    signs: list[str] = []
    places: list[int] = []
    last = 0
    for found in ESCAPES.finditer(piece):
        signs += piece[last : found.start()]
        places += range(start + last, start + found.start())
        decoded = _decoded(found.group())
        signs += decoded
        places += _spread(start + found.start(), len(decoded), found.group())
        last = found.end()
    signs += piece[last:]
    places += range(start + last, start + len(piece) + 1)
    return signs, places


def _spread(at: int, count: int, escape: str) -> list[int]:
    """Where each decoded sign stands: percent escapes carry several, of which a part must not be cut from the rest."""
    if escape[0] == "%" and count * 3 == len(escape):
        return [at + 3 * index for index in range(count)]
    return [at] * count


def _decoded(escape: str) -> str:
    if escape[0] == "\\":
        return chr(int(escape[2:], 16))
    if escape[0] == "%":
        return bytes.fromhex(escape.replace("%", "")).decode("utf-8", "replace")
    return html.unescape(escape)


def base64_texts(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Places of a run that are base64 of readable text, and that text. A window of a longer run is read as such."""
    if end - start >= MIN_WINDOW and _CODED.fullmatch(text, start, end):
        window = _window(text[start:end])
        if window:
            yield start, end, window
        return
    for found in _BASE64.finditer(text, start, end):
        decoded = _unbase64(found.group())
        if decoded is not None:
            yield found.start(), found.end(), decoded


def _window(coded: str) -> str:
    """What a stretch from the middle of base64 says: four signs make three bytes, from one of four places on."""
    for shift in range(4):
        whole = coded[shift : shift + (len(coded) - shift) // 4 * 4].replace("-", "+").replace("_", "/")
        decoded = base64.b64decode(whole).decode("utf-8", "ignore")
        if len(decoded) * 4 > len(whole) and all(sign.isprintable() or sign in "\n\r\t" for sign in decoded):
            return decoded
    return ""


def _unbase64(coded: str) -> str | None:
    body = coded.rstrip("=").replace("-", "+").replace("_", "/")
    if len(body) % 4 == 1:
        return None
    try:
        decoded = base64.b64decode(body + "=" * (-len(body) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    readable = sum(sign.isprintable() or sign in "\n\r\t" for sign in decoded)
    return decoded if decoded and readable == len(decoded) else None
