"""What a row of digit groups means: identity and bank cards, telephones, addresses of machines. Where rows stand is `digits`.

A row must look as people write that number (3-4-4 for a mobile), so that a column of figures does not become a card.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from gateway.detect import cues
from gateway.detect import validators as valid
from gateway.detect.view import View

Found = tuple[str, float, str] | None  # entity, score, rule


def _shapes(written: str) -> frozenset[tuple[int, ...]]:
    return frozenset(tuple(map(int, shape.split("-"))) for shape in written.split())


_MOBILE = re.compile(r"1(?:610[0-9]|740[0-5]|(?:[38][0-9]|4[579]|[59][0-35-9]|6[2567]|7[0-35-8])[0-9]{2})[0-9]{6,7}$")
_MOBILE_SHAPES = _shapes("11 3-2-3-3 3-3-3-2 3-3-5 3-4-4 3-8 4-3-4 4-4-3 5-6 6-5 7-4")
_CARD_SHAPES = _shapes("4-4-4-2 4-4-4-3 6-8-4 4-4-4-4 4-4-4-4-1 4-4-4-4-2 4-4-4-4-3 4-6-4 4-6-5 6-10 6-11 6-12 6-13")
_ID_SHAPES = _shapes("10-8 14-4 3-3-4-4-4 4-4-4-4-2 6-11 6-12 6-4-2-2-3 6-4-2-2-4 6-4-4-3 6-4-4-4 6-8-3 6-8-4")
_NOT_PERSONAL = re.compile(r"(?:(?:400|800)[0-9]{7}|95[0-9]{3}|96[0-9]{3,4}|10086|10010|10000|12306|12345)$")
_DIGITS = re.compile(r"[0-9]+")
# ITU-T E.164 country codes.
_COUNTRY = re.compile(
    r"1|7|2(?:0|7|[1-69][0-9])|3(?:[0-4]|6|9|[578][0-9])|4(?:[013-9]|2[0-9])|5(?:[1-8]|0[0-9]|9[0-9])|6(?:[0-6]|[789][0-9])|8(?:[1246]|[0578][0-9])|9(?:[0-58]|[679][0-9])"
)
_PRODUCT = re.compile(r"(?<![:/.\-0-9])[A-Za-z]{2,20}[/\-]$")
_DOTTED = {(".", ".", "."), (".", ".", ".", "/")}
_AREA = re.compile(r"0(?:10|2[0-9]|[3-9][0-9]{2})$")


class Row(NamedTuple):
    """Neighbouring groups of one cluster. `start` and `end` are places of the view; `tail` is an X that may follow."""

    digits: str
    shape: tuple[int, ...]
    separators: tuple[str, ...]
    start: int
    end: int
    view: View
    plus: bool = False
    tail: str = ""
    whole: bool = False  # the row is the whole cluster
    fraction: bool = False  # a decimal number, or what stands after its point

    def cued(self, name: str) -> bool:
        return self.view.cued(self.start, self.end, name)

    def contrary(self, name: str) -> bool:
        return self.view.contrary(self.start, name)

    @property
    def among(self) -> bool:
        """A stretch of a longer row of groups alike: a column of figures, not a number."""
        if self.whole:
            return False
        text, size, gap = self.view.text, self.shape[0], self.separators[0] if self.separators else " "
        before, behind = text[: self.start], text[self.end :]
        alike = gap + "0" * size
        return _alike(before[-len(alike) :][::-1], alike) or _alike(behind[: len(alike)], alike)

    def clock(self) -> bool:
        """The end of a time and what follows it, as in `15:01:57 2014`."""
        left = self.view.text[max(0, self.start - 2) : self.start]
        return len(left) == 2 and left[1] == ":" and left[0].isdigit()

    def named(self) -> bool:
        """The tail of a name, as in `testcase-5521982557782016`."""
        left = self.view.text[max(0, self.start - 2) : self.start]
        return len(left) == 2 and left[1] in "-_" and left[0].isalpha()

    def figure(self) -> bool:
        return cues.figure(self.view.raw, self.view.at(self.start))

    @property
    def spelt(self) -> bool:
        """Written digit by digit, as people do who want not to be found."""
        shape = self.shape
        return len(shape) >= 8 and (max(shape) == 1 or (set(shape[:-1]) == {2} and shape[-1] <= 2))

    def one_of(self, shapes: frozenset[tuple[int, ...]]) -> bool:
        even = len(set(self.separators)) <= 1
        return len(self.shape) == 1 or (even and self.shape in shapes) or self.spelt


_HEX = frozenset("0123456789abcdefABCDEF")


def _alike(piece: str, pattern: str) -> bool:
    """Do digits stand where noughts do, and the other signs where they are?"""
    pairs = zip(piece, pattern, strict=False)
    return len(piece) == len(pattern) and all(sign in _HEX if want == "0" else sign == want for sign, want in pairs)


def public(row: Row) -> bool:
    """A hotline or an emergency number: nobody's own."""
    return _NOT_PERSONAL.match(row.digits) is not None


def meaning(row: Row) -> Found:
    """What a row stands for, how sure that is, and by which rule; None for nothing."""
    size = len(row.digits) + bool(row.tail)
    if row.spelt:
        return _spelt(row, size)
    if row.plus or (
        row.digits.startswith("00") and len(row.shape) > 2 and row.shape[0] > 1 and not row.digits.startswith("0086")
    ):
        return _international(row)
    if row.separators in _DOTTED and size <= 14 and max(row.shape) <= 3:
        return _ipv4(row)
    return (
        (_eighteen(row) if size == 18 else _id_old(row) if size == 15 else None)
        or (_card(row) if size >= 13 and not row.tail else None)
        or (_mobile(row) if 11 <= size <= 15 else None)
        or (_landline(row) if 7 <= size <= 17 else None)
        or (_health(row) if size == 10 else None)
        or (_american(row) if 9 <= size <= 17 else None)
        or _cued(row, size)
    )


def folded(row: Row) -> Found:
    """A number broken over two lines: only with its check digit, and a card or a telephone only with its word."""
    size = len(row.digits) + bool(row.tail)
    if size == 18 and valid.id_plausible(row.digits) and valid.id_checksum(row.digits + row.tail.upper()):
        return "CN_ID_CARD", 0.9, "id_folded"
    if row.cued("CARD") and valid.issued(row.digits) and valid.luhn(row.digits):
        return _card(row)
    return _mobile(row) if size == 11 and row.cued("PHONE") else None


def _spelt(row: Row, size: int) -> Found:
    """Digits one by one: only what a validator vouches for, or the whole cluster. Else a column of figures would cost dear."""
    if size == 18 and (
        row.whole or (valid.id_plausible(row.digits) and valid.id_checksum(row.digits + row.tail[-1:].upper()))
    ):
        return _eighteen(row) or _card(row)
    if size in (14, 15, 16, 17, 18, 19) and (row.whole or (row.cued("CARD") and valid.issued(row.digits))):
        return _card(row)
    if row.digits.startswith("1361") and row.separators[0] == ".":
        return None  # an object identifier
    return _mobile(row) if size in (11, 12, 13, 15) else None


def _eighteen(row: Row) -> Found:
    """An identity card, unless only a word beside it says so and a card's issuer and check digit say otherwise."""
    found = _id_card(row)
    if found and found[2] == "id_cue" and not row.tail and valid.issued(row.digits) and valid.luhn(row.digits):
        return _card(row) or found
    return found


def _id_card(row: Row) -> Found:
    number = row.digits + row.tail[-1:].upper()
    if row.one_of(_ID_SHAPES) or (
        len(set(row.separators)) <= 1 and valid.id_plausible(number) and valid.id_checksum(number)
    ):
        if valid.id_plausible(number):
            if valid.id_checksum(number):
                return "CN_ID_CARD", 1.0, "id_checksum"
            return "CN_ID_CARD", 0.9 if row.cued("CN_ID_CARD") else 0.75, "id_plausible"
        if number[0] == "9" and valid.id_checksum(number) and valid.date(*_date(number[6:14])):
            return "CN_RESIDENCE_PERMIT", 0.9, "residence_checksum"
        if not row.tail and valid.uscc_digits(number):
            return "CN_USCC", 1.0, "uscc"
        if number[0] == "9" and row.cued("RESIDENCE"):
            return "CN_RESIDENCE_PERMIT", 0.7, "residence_cue"
        if row.cued("CN_ID_CARD"):
            return "CN_ID_CARD", 0.6, "id_cue"
    return None


def _date(digits: str) -> tuple[int, int, int]:
    return int(digits[:4]), int(digits[4:6]), int(digits[6:8])


def _id_old(row: Row) -> Found:
    if len(row.shape) == 1 and valid.id_old_plausible(row.digits) and row.cued("ID_SURE") and not row.figure():
        return "CN_ID_CARD", 0.8, "id_15"
    if len(row.shape) == 1 and row.cued("IMEI"):
        return "IMEI", 0.9 if valid.luhn(row.digits) else 0.6, "imei"
    if len(row.shape) == 1 and row.cued("REGISTRATION"):
        return "CN_REGISTRATION", 0.7, "registration_15"
    return None


def _card(row: Row) -> Found:
    digits = row.digits
    if len(digits) > 19 or not row.one_of(_CARD_SHAPES) or (row.fraction and not row.cued("CARD")):
        return None
    entity = "CN_BANK_CARD" if digits[:2] == "62" or digits[:4] == "9558" else "CREDIT_CARD"
    issued = valid.issued(digits)
    if issued and valid.luhn(digits):
        if (len(row.shape) > 1 and not row.among) or row.cued("CARD"):
            return entity, 1.0, "card_luhn"
        if len(row.shape) == 1 and not (row.contrary("CARD") or row.named() or row.figure()) and len(digits) != 13:
            return entity, 0.9, "card_luhn"
        return None
    if row.cued("CARD") and not row.contrary("CARD") and len(digits) >= 14:
        return (entity, 0.85, "card_issuer") if issued else ("CN_BANK_CARD", 0.6, "card_cue")
    return None


def _mobile(row: Row) -> Found:
    digits, shape = row.digits, row.shape
    for prefix in ("0086", "086", "86", "0"):
        if digits.startswith(prefix) and len(digits) == 11 + len(prefix):
            digits = digits[len(prefix) :]
            shape = shape[1:] if shape[0] == len(prefix) else (shape[0] - len(prefix), *shape[1:])
            break
    if len(digits) != 11 or _MOBILE.match(digits) is None:
        if len(digits) == 11 and digits[0] == "1" and digits[1] in "3456789" and len(shape) == 1 and row.cued("PHONE"):
            return "CN_MOBILE", 0.6, "mobile_cue"
        return None
    if row.fraction or row.figure():
        return None
    own = row.separators[len(row.separators) + 1 - len(shape) :] if len(shape) > 1 else ()
    even = len({separator.strip() for separator in own}) <= 1
    if (
        len(own) > 0
        and not row.spelt
        and (not even or (max(map(len, own)) > 1 and own[0] == "  "))
        and not row.cued("PHONE")
    ):
        return None  # columns of a table, coordinates
    if (
        shape in _MOBILE_SHAPES or row.spelt or (even and shape[0] >= 3 and row.cued("PHONE"))
    ):  # live number ranges: no cue is needed
        return "CN_MOBILE", 0.95, "mobile"
    return None


def _landline(row: Row) -> Found:
    digits, shape = row.digits, row.shape
    if _NOT_PERSONAL.match(digits) or (shape[0] == 4 and len(shape) == 3 and shape[1:] == (2, 2)):
        return None
    if digits[:3] == "861" or (digits[:2] == "86" and len(shape) > 1 and shape[0] == 2):
        digits, shape = "0" + digits[2:], (shape[1] + 1, *shape[2:]) if len(shape) > 1 else shape
    if len(shape) >= 2 and _AREA.match(digits[: shape[0]]) and shape[1] in (7, 8) and digits[shape[0]] in "2345678":
        if len(shape) == 2 or (len(shape) == 3 and shape[2] <= 6):
            return "CN_LANDLINE", 0.85, "landline"
        return None
    if (
        len(shape) >= 3
        and _AREA.match(digits[: shape[0]])
        and shape[1:] in ((4, 4), (3, 4), (4, 3))
        and digits[shape[0]] in "2345678"
    ):
        return "CN_LANDLINE", 0.85, "landline"
    if (
        len(shape) == 1
        and 10 <= len(digits) <= 12
        and digits[0] == "0"
        and row.cued("PHONE")
        and not (row.cued("ACCOUNT") or row.contrary("PHONE"))
    ):
        return "CN_LANDLINE", 0.7, "landline_cue"
    return None


_AMERICAN = {(3, 3, 4), (1, 3, 3, 4)}


def _american(row: Row) -> Found:
    digits, shape = row.digits, row.shape
    if shape[:-1] in _AMERICAN and not row.separators[-1].strip(" -.#ext").strip():
        digits, shape = digits[: -shape[-1]], shape[:-1]  # an extension
    if shape == (3, 2, 4) and row.separators in (("-", "-"), (" ", " ")):
        if valid.us_ssn(digits):
            return "US_SSN", 0.85, "ssn"
        if digits[0] == "9" and digits[3] in "56789":
            return "US_ITIN", 0.75, "itin"
        return None
    bare = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
    if (
        len(bare) == 10
        and bare[0] in "23456789"
        and shape[-2:] == (3, 4)
        and len(shape) in (3, 4)
        and not _NOT_PERSONAL.match(bare)
        and not row.contrary("PHONE")
    ):
        return "PHONE_NUMBER", 0.75, "phone_american"
    if shape == (9,) and row.cued("SSN") and valid.us_ssn(digits):
        return "US_SSN", 0.7, "ssn_cue"
    return None


def _health(row: Row) -> Found:
    """Britain's NHS number: three, three and four digits, MOD 11, and its word."""
    if row.shape in ((10,), (3, 3, 4)) and row.cued("NHS"):
        return "UK_NHS", 0.85 if valid.nhs(row.digits) else 0.6, "nhs"
    return None


def _international(row: Row) -> Found:
    digits = row.digits.lstrip("0")
    rest = digits[2:] if digits.startswith("86") else ""
    if len(rest) in (11, 12) and _MOBILE.match(rest.removeprefix("0")):
        return "CN_MOBILE", 0.95, "mobile"
    if (rest and 10 <= len(rest) <= 12 and _AREA.match("0" + rest.removeprefix("0")[:2])) or (
        rest and _AREA.match("0" + rest.removeprefix("0")[:3])
    ):
        return "CN_LANDLINE", 0.85, "landline"
    if not row.plus and not row.cued("PHONE") and (len(set(row.shape)) == 1 or row.shape[0] not in (2, 4)):
        return None  # a row of figures that begins with noughts
    if len(row.shape) == 1 and len(digits) < 10 and not row.cued("PHONE"):
        return None
    if 8 <= len(digits) <= 18 and _COUNTRY.match(digits) and row.whole:
        return "PHONE_NUMBER", 0.8, "phone_international"
    return None


def _ipv4(row: Row) -> Found:
    view, text = row.view, row.view.text
    octets = [found.group() for found in _DIGITS.finditer(text, row.start, row.end)]
    if len(octets) == 5 and int(octets.pop()) > 32:
        return None
    if any(int(octet) > 255 or (len(octet) > 1 and octet[0] == "0") for octet in octets):
        return None
    if (row.start > view.start and text[row.start - 1] == ".") or (
        text[row.end : row.end + 1] == "." and text[row.end + 1 : row.end + 2].isdigit()
    ):
        return None
    if octets[0] in ("0", "127", "255") or text[row.end : row.end + 2] == ".x":
        return None
    if row.contrary("IP"):
        return None
    if (
        _PRODUCT.search(text, max(view.start, row.start - 24), row.start)
        and max(map(len, octets)) <= 2
        and text[row.end : row.end + 1] != ":"
    ):
        return None  # Chrome/16.11.3.16
    if text.startswith(("1.3.", "2.5.4.", "2.5.29."), row.start) and not row.cued("IP"):
        return None  # object identifiers
    private = octets[0] == "10" or (octets[0] == "172" and 16 <= int(octets[1]) < 32)
    if private or row.cued("IP") or len(octets[0]) + len(octets[1]) >= 5 or sum(map(len, octets)) >= 9:
        return "IP_ADDRESS", 0.95, "ipv4"
    slash = text[row.end : row.end + 1] in ("/", ":") or view.raw[view.raw_start - 1 : view.raw_start] in ("=", "[")
    return ("IP_ADDRESS", 0.85, "ipv4") if slash or sum(map(len, octets)) >= 7 else ("IP_ADDRESS", 0.4, "ipv4_short")


def _telephone(row: Row, size: int) -> Found:
    """A number that a word says is one, if no nearer word says that it is something else."""
    if row.contrary("PHONE") or row.figure() or row.clock():
        return None
    if size == 8 and len(row.shape) == 1 and valid.date(*_date(row.digits)):
        return None
    if (
        len(row.shape) == 2
        and row.shape[0] == row.shape[1]
        and (row.separators[0] == "/" or row.digits[:2] in ("19", "20"))
    ):
        return None  # a share of a whole, years
    if size in (7, 8) and row.digits[0] in "2345678" and row.shape in _LOCAL:
        return "CN_LANDLINE", 0.6, "landline_cue"
    if row.whole and size >= (8 if len(row.shape) == 1 else 6) and not row.digits.startswith(("20", "19")):
        return "PHONE_NUMBER", 0.6, "phone_cue"
    return None


_LOCAL = {(7,), (8,), (4, 4), (3, 4)}


def _cued(row: Row, size: int) -> Found:
    """Numbers that only the words beside them tell."""
    if len(row.shape) == 1 and 5 <= size <= 12 and row.digits[0] != "0" and row.cued("QQ"):
        return "CN_QQ", 0.8, "qq_cue"
    if row.shape == (9,) and row.cued("PASSPORT"):
        return "US_PASSPORT", 0.6, "passport_cue"
    if len(row.shape) == 1 and 7 <= size <= 9 and row.cued("LICENCE"):
        return "US_DRIVER_LICENSE", 0.6, "licence_cue"
    if size == 8 and row.cued("BIRTH") and valid.date(int(row.digits[:4]), int(row.digits[4:6]), int(row.digits[6:])):
        return "DATE_OF_BIRTH", 0.7, "birth_cue"
    if 3 <= len(row.shape) <= 3 and row.shape[0] == 4 and row.cued("BIRTH"):
        return "DATE_OF_BIRTH", 0.7, "birth_cue"
    if _NOT_PERSONAL.match(row.digits) or row.fraction:
        return None
    if 9 <= size <= 12 and len(row.shape) == 1 and row.cued("ACCOUNT") and not row.contrary("CARD"):
        return "BANK_ACCOUNT", 0.6, "account_cue"
    telephone = row.whole or row.shape in _LOCAL
    if telephone and len(row.shape) <= 5 and 6 <= size <= 15 and row.cued("PHONE"):
        return _telephone(row, size)
    if row.shape == (8,) and row.cued("PERMIT"):
        return "CN_TW_PERMIT", 0.6, "permit_cue"
    if 9 <= size <= 12 and row.cued("CARD") and not row.contrary("CARD") and len(row.shape) == 1:
        return "BANK_ACCOUNT", 0.55, "account_cue"
    return None
