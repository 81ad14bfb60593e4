"""What a row of digit groups means: identity and bank cards, telephones, addresses of machines. Where rows stand is `digits`.

A row must look as people write that number (3-4-4 for a mobile), so that a column of figures does not become a card.
"""

from __future__ import annotations

import re

from gateway.detect import validators as valid
from gateway.detect.rows import NOT_PERSONAL, Found, Row, shapes
from gateway.detect.telephones import LOCAL, american, international, landline, mobile, telephone

_CARD_SHAPES = shapes("4-4-4-2 4-4-4-3 6-8-4 4-4-4-4 4-4-4-4-1 4-4-4-4-2 4-4-4-4-3 4-6-4 4-6-5 6-10 6-11 6-12 6-13")
_ID_SHAPES = shapes("10-8 14-4 3-3-4-4-4 4-4-4-4-2 6-11 6-12 6-4-2-2-3 6-4-2-2-4 6-4-4-3 6-4-4-4 6-8-3 6-8-4")

_HEALTH = {(10,), (3, 3, 4)}
_DIGITS = re.compile(r"[0-9]+")

_PRODUCT = re.compile(r"(?<![:/.\-0-9])[A-Za-z]{2,20}[/\-]$")
_DOTTED = {(".", ".", "."), (".", ".", ".", "/")}


def meaning(row: Row) -> Found:
    """What a row stands for, how sure that is, and by which rule; None for nothing."""
    size = len(row.digits) + bool(row.tail)
    if len(row.shape) >= 8 and row.spelt:
        return _spelt(row, size)
    if size == 10 and row.shape in _HEALTH and row.told("NHS"):
        return _health(row)
    if row.plus or (
        row.digits.startswith("00")
        and len(row.shape) > 2
        and row.shape[0] > 1
        and not row.digits.startswith("0086")
        and row.shape != (3, 2, 4)
    ):
        return international(row)
    if row.separators in _DOTTED and size <= 14 and max(row.shape) <= 3:
        return _ipv4(row)
    return (
        (_eighteen(row) if size == 18 else _id_old(row) if size == 15 else None)
        or (_card(row) if size >= 13 and not row.tail else None)
        or (mobile(row) if 11 <= size <= 15 else None)
        or (landline(row) if 7 <= size <= 17 else None)
        or (_health(row) if size == 10 else None)
        or (american(row) if 9 <= size <= 17 else None)
        or _cued(row, size)
    )


def folded(row: Row) -> Found:
    """A number broken over two lines: only with its check digit, and a card or a telephone only with its word, or in a text
    in Chinese that goes on before and behind it."""
    size = len(row.digits) + bool(row.tail)
    if size == 18 and valid.id_plausible(row.digits) and valid.id_checksum(row.digits + row.tail.upper()):
        return "CN_ID_CARD", 0.9, "id_folded"
    if (wrapped := row.amid()) and valid.issued(row.digits) and valid.luhn(row.digits) and size >= 16:
        return "CN_BANK_CARD" if row.digits[:2] == "62" else "CREDIT_CARD", 0.7, "card_folded"
    if row.cued("CARD") and valid.issued(row.digits) and valid.luhn(row.digits):
        return _card(row)
    return mobile(row) if size == 11 and (wrapped or row.cued("PHONE")) else None


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
    return mobile(row) if size in (11, 12, 13, 15) else None


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
        if number[0] == "9" and valid.id_checksum(number) and valid.date(*valid.day(number[6:14])):
            return "CN_RESIDENCE_PERMIT", 0.9, "residence_checksum"
        if not row.tail and valid.uscc_digits(number):
            return "CN_USCC", 1.0, "uscc"
        if number[0] == "9" and row.cued("RESIDENCE"):
            return "CN_RESIDENCE_PERMIT", 0.7, "residence_cue"
        if row.cued("CN_ID_CARD"):
            return "CN_ID_CARD", 0.6, "id_cue"
    return None


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


def _health(row: Row) -> Found:
    """Britain's NHS number: three, three and four digits, MOD 11, and its word."""
    if row.shape in _HEALTH and row.cued("NHS"):
        return "UK_NHS", 0.85 if valid.nhs(row.digits) else 0.6, "nhs"
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
    if private or len(octets[0]) + len(octets[1]) >= 5 or sum(map(len, octets)) >= 9 or row.cued("IP"):
        return "IP_ADDRESS", 0.95, "ipv4"
    slash = text[row.end : row.end + 1] in ("/", ":") or view.raw[view.raw_start - 1 : view.raw_start] in ("=", "[")
    return ("IP_ADDRESS", 0.85, "ipv4") if slash or sum(map(len, octets)) >= 7 else ("IP_ADDRESS", 0.4, "ipv4_short")


_DATED = {(2, 2, 4), (1, 2, 4), (2, 1, 4), (1, 1, 4)}


def _dated(row: Row) -> tuple[int, int, int]:
    """A day and a month, either first, and a year."""
    one, other = int(row.digits[: row.shape[0]]), int(row.digits[row.shape[0] : -4])
    return (int(row.digits[-4:]), other, one) if other <= 12 else (int(row.digits[-4:]), one, other)


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
    if row.shape in _DATED and row.cued("BIRTH") and valid.date(*_dated(row)):
        return "DATE_OF_BIRTH", 0.7, "birth_cue"
    if row.fraction:
        return None
    if NOT_PERSONAL.match(row.digits):
        account = 9 <= size <= 12 and len(row.shape) == 1 and row.told("ACCOUNT")
        return ("BANK_ACCOUNT", 0.6, "account_cue") if account and not row.contrary("CARD") else None
    if 9 <= size <= 12 and len(row.shape) == 1 and row.cued("ACCOUNT") and not row.contrary("CARD"):
        return "BANK_ACCOUNT", 0.6, "account_cue"
    dialled = row.whole or row.shape in LOCAL
    if dialled and len(row.shape) <= 5 and 6 <= size <= 15 and row.cued("PHONE"):
        return telephone(row, size)
    if row.shape == (8,) and row.cued("PERMIT"):
        return "CN_TW_PERMIT", 0.6, "permit_cue"
    if 9 <= size <= 12 and row.cued("CARD") and not row.contrary("CARD") and len(row.shape) == 1:
        return "BANK_ACCOUNT", 0.55, "account_cue"
    return None
