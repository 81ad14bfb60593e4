"""What makes a number valid: check digits, dates, issuer ranges. Pure functions over ASCII; where numbers stand is not known here.

Sources: GB 11643-1999 and ISO 7064 (ID card), GB 32100-2015 and GB 11714-1997 (organisations), ISO/IEC 7812 (cards),
ISO 13616 (IBAN), ISO 3779 (VIN), GA 36-2018 (plates).
"""

from __future__ import annotations

import hashlib
import re
from operator import mul

_CODES = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83"
PROVINCES = frozenset(_CODES.split())  # GB/T 2260
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_SUM = sum(_ID_WEIGHTS)
_USCC_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUES = bytes(_USCC_SIGNS.find(chr(code)) % 256 for code in range(256))  # 255: no sign of these
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ZERO = ord("0")
_LUHN = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))  # each digit twice, its digits summed
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True)) | {
    d: d for d in "0123456789"
}
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
# Issuer ranges of ISO/IEC 7812 in use: Visa, Mastercard, Amex, Diners, Discover, JCB, Maestro, UnionPay, old ICBC.
_ISSUERS = re.compile(
    r"4|5[1-5]|2(?:2[2-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[689])|6(?:011|4[4-9]|5)|35|5[06-9]|62|81|9558|63|67|60"
)
_IBAN = (
    "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DK:18 "
    "DO:28 EE:20 EG:29 ES:24 FI:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HR:21 HU:28 IE:22 IL:23 "
    "IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 "
    "MR:27 MT:31 MU:30 NL:18 NO:15 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 SA:24 SC:31 SE:24 SI:19 SK:24 "
    "SM:27 ST:25 SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20"
)
_IBAN_LENGTHS = {pair[:2]: int(pair[3:]) for pair in _IBAN.split()}


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B."""
    signs = digits.encode()
    single, double = signs[-1::-2], signs[-2::-2]
    return (sum(single) - len(single) * _ZERO + sum(double.translate(_LUHN))) % 10 == 0


def issued(digits: str) -> bool:
    """Do the first digits belong to a card scheme, and is the length one that scheme uses?"""
    if digits[:2] == "62" or digits[:4] == "9558":
        return 16 <= len(digits) <= 19
    if digits[:2] in ("34", "37"):
        return len(digits) == 15
    if digits[0] == "4":
        return len(digits) in (13, 16, 19)
    if digits[:2] in ("30", "36", "38", "39"):
        return len(digits) in (14, 16)
    if "51" <= digits[:2] <= "55" or "2221" <= digits[:4] <= "2720":
        return len(digits) == 16
    return _ISSUERS.match(digits) is not None and len(digits) in (16, 19)


def date(year: int, month: int, day: int) -> bool:
    """A day of the calendar between 1900 and 2039: nobody older holds a card, and the clock is not asked."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return (
        1900 <= year < 2040 and 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1] and (month != 2 or day < 29 or leap)
    )


def day(digits: str) -> tuple[int, int, int]:
    """Eight digits as year, month and day."""
    return int(digits[:4]), int(digits[4:6]), int(digits[6:8])


def id_plausible(number: str) -> bool:
    """GB 11643: a province and a real date, whatever the check digit says."""
    return number[:2] in PROVINCES and date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def id_checksum(number: str) -> bool:
    """ISO 7064 MOD 11-2 over 17 digits."""
    total: int = sum(map(mul, _ID_WEIGHTS, number.encode())) - _ZERO * _ID_SUM
    return "10X98765432"[total % 11] == number[17].upper()


def id_old_plausible(number: str) -> bool:
    """GB 11643-1989: 15 digits, the year in two."""
    return number[:2] in PROVINCES and date(1900 + int(number[6:8]), int(number[8:10]), int(number[10:12]))


def uscc(code: str) -> bool:
    """GB 32100-2015: 18 signs, the last one a check."""
    values = code.encode().translate(_USCC_VALUES)
    if len(values) != 18 or max(values) == 255:
        return False
    total: int = sum(map(mul, _USCC_WEIGHTS, values))
    return values[17] == (31 - total % 31) % 31


def uscc_digits(code: str) -> bool:
    """The same where no letter shows what it is: the place must be one, and the organisation's own code inside right."""
    return uscc(code) and (code[2:4] in PROVINCES or code[2:4] == "10") and org_code(code[8:17])


def org_code(code: str) -> bool:
    """GB 11714-1997: eight signs and a check, written with or without a hyphen."""
    signs = code.replace("-", "")
    total = sum(weight * int(sign, 36) for weight, sign in zip(_ORG_WEIGHTS, signs, strict=False))
    return "0X987654321"[(total % 11)] == signs[8] if total % 11 else signs[8] == "0"


def iban(text: str) -> bool:
    """ISO 13616: the country's length, then MOD 97-10."""
    if _IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1


def vin(text: str) -> bool:
    """ISO 3779 with the check digit of 49 CFR 565: also used by makers in China (GB 16735)."""
    total = sum(weight * int(_VIN_VALUES.get(sign, "0")) for weight, sign in zip(_VIN_WEIGHTS, text, strict=True))
    return "0123456789X"[total % 11] == text[8]


def hk_id(letters: str, digits: str, check: str) -> bool:
    """Hong Kong identity card: MOD 11 over one or two letters and six digits."""
    values = [36] if len(letters) == 1 else []
    values += [ord(letter) - 55 for letter in letters] + [int(digit) for digit in digits]
    total = sum(weight * value for weight, value in zip(range(9, 1, -1), values, strict=True))
    return "0A987654321"[total % 11] == check


def tw_id(text: str) -> bool:
    """Taiwan identity card: the letter stands for two digits."""
    number = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(text[0]) + 10
    total = number // 10 + number % 10 * 9
    total += sum(weight * int(digit) for weight, digit in zip((8, 7, 6, 5, 4, 3, 2, 1, 1), text[1:], strict=True))
    return total % 10 == 0


def sg_id(text: str) -> bool:
    """Singapore NRIC/FIN: weights 2 7 6 5 4 3 2."""
    total = sum(weight * int(digit) for weight, digit in zip((2, 7, 6, 5, 4, 3, 2), text[1:8], strict=True))
    offset = {"S": 0, "T": 4, "F": 0, "G": 4, "M": 3}[text[0]]
    letters = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}[
        text[0]
    ]
    return letters[(total + offset) % 11] == text[8]


def nhs(digits: str) -> bool:
    """NHS number: MOD 11 over nine digits; a check of ten is not given out."""
    total = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), digits, strict=False))
    return (11 - total % 11) % 11 == int(digits[9])


def us_ssn(digits: str) -> bool:
    """Social Security numbers never have area 000, 666 or 9xx, group 00, serial 0000."""
    return digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def bitcoin(text: str) -> bool:
    """An address: base58 with four check bytes, or bech32 by its shape."""
    if text.startswith("bc1"):
        return True
    number = 0
    for sign in text:
        number = number * 58 + _BASE58.index(sign)
    data = number.to_bytes(25, "big") if number < 1 << 200 else b""
    return len(data) == 25 and hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4] == data[-4:]
