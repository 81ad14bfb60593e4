"""Telephone numbers among rows of digits: Chinese, American, with a country before them, or told by a word. Other numbers are `numbers`."""

from __future__ import annotations

import re

from gateway.detect import validators as valid
from gateway.detect.rows import NOT_PERSONAL, Found, Row, shapes

MOBILE = re.compile(r"1(?:610[0-9]|740[0-5]|(?:[38][0-9]|4[579]|[59][0-35-9]|6[2567]|7[0-35-8])[0-9]{2})[0-9]{6,7}$")


_MOBILE_SHAPES = shapes("11 3-2-3-3 3-3-3-2 3-3-5 3-4-4 3-8 4-3-4 4-4-3 5-6 6-5 7-4")


# ITU-T E.164 country codes.
_COUNTRY = re.compile(
    r"1|7|2(?:0|7|[1-69][0-9])|3(?:[0-4]|6|9|[578][0-9])|4(?:[013-9]|2[0-9])|5(?:[1-8]|0[0-9]|9[0-9])|6(?:[0-6]|[789][0-9])|8(?:[1246]|[0578][0-9])|9(?:[0-58]|[679][0-9])"
)


_AREA = re.compile(r"0(?:10|2[0-9]|[3-9][0-9]{2})$")
# The area codes that are in use, and a number of the length they have: 11 or 12 digits in all, told without a word beside them.
_IN_USE = re.compile(
    r"0(?:10|2[0-57-9])[2-8][0-9]{7}$"
    r"|0(?:3(?:1[0-9]|35|49|5[0-9]|7[0-79]|9[1-68])|4(?:1[1-9]|2[179]|3[1-9]|5[1-9]|6[4789]|7[0-9]|8[23])"
    r"|5(?:1[0-9]|2[37]|3[0-9]|4[36]|5[0-9]|6[1-6]|7[0-9]|80|9[1-9])|6(?:3[1-5]|6[0238]|9[12])"
    r"|7(?:01|1[0-9]|2[248]|3[0-9]|4[3-6]|5[0-9]|6[0-36890]|7[0-9]|9[0-9])"
    r"|8(?:1[2-8]|2[5-7]|3[0-9]|5[1-9]|7[0-9]|8[3678]|9[1-8])|9(?:0[1-9]|1[1-9]|3[0-9]|4[13]|5[1-5]|7[0-79]|9[0-9]))"
    r"[2-8][0-9]{6,7}$"
)


def mobile(row: Row) -> Found:
    digits, shape = row.digits, row.shape
    if len(digits) == 11 and len(shape) == 1 and MOBILE.match(digits) is not None:  # as it is usually written
        return None if row.fraction or row.figure() else ("CN_MOBILE", 0.95, "mobile")
    for prefix in ("0086", "086", "86", "0"):
        if digits.startswith(prefix) and len(digits) == 11 + len(prefix):
            digits = digits[len(prefix) :]
            shape = shape[1:] if shape[0] == len(prefix) else (shape[0] - len(prefix), *shape[1:])
            break
    if len(digits) != 11 or MOBILE.match(digits) is None:
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


def landline(row: Row) -> Found:
    digits, shape = row.digits, row.shape
    if NOT_PERSONAL.match(digits) or (shape[0] == 4 and len(shape) == 3 and shape[1:] == (2, 2)):
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
    if shape in ((11,), (12,)) and _IN_USE.match(digits) and not _no_telephone(row):
        return "CN_LANDLINE", 0.55, "landline_bare"
    return None


def _no_telephone(row: Row) -> bool:
    """Do the words beside a number, or the name it is part of, say that it is something else?"""
    return row.figure() or row.named() or row.fraction or row.contrary("PHONE") or row.told("ACCOUNT")


_AMERICAN = {(3, 3, 4), (1, 3, 3, 4)}


def american(row: Row) -> Found:
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
        and not NOT_PERSONAL.match(bare)
        and not row.contrary("PHONE")
    ):
        return "PHONE_NUMBER", 0.75, "phone_american"
    if shape == (9,) and row.cued("SSN") and valid.us_ssn(digits):
        return "US_SSN", 0.7, "ssn_cue"
    return None


def international(row: Row) -> Found:
    digits = row.digits.lstrip("0")
    rest = digits[2:] if digits.startswith("86") else ""
    if len(rest) in (11, 12) and MOBILE.match(rest.removeprefix("0")):
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


def telephone(row: Row, size: int) -> Found:
    """A number that a word says is one, if no nearer word says that it is something else."""
    if row.contrary("PHONE") or row.figure() or row.clock():
        return None
    if size == 8 and len(row.shape) == 1 and valid.date(*valid.day(row.digits)):
        return None
    if (
        len(row.shape) == 2
        and row.shape[0] == row.shape[1]
        and (row.separators[0] == "/" or row.digits[:2] in ("19", "20"))
    ):
        return None  # a share of a whole, years
    if len(row.shape) == 3 and max(row.shape[:2]) <= 2 and row.shape[2] in (2, 4) and len(set(row.separators)) == 1:
        return None  # a day, a month and a year
    if size in (7, 8) and row.digits[0] in "2345678" and row.shape in LOCAL:
        return "CN_LANDLINE", 0.6, "landline_cue"
    if row.whole and size >= (8 if len(row.shape) == 1 else 6) and not row.digits.startswith(("20", "19")):
        return "PHONE_NUMBER", 0.6, "phone_cue"
    return None


LOCAL = {(7,), (8,), (4, 4), (3, 4)}
