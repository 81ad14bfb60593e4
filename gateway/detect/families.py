"""What must occur for each family of recognisers to be asked: the triggers of the pattern tier, as data.

A trigger is necessary, never sufficient. Both engines must know its syntax, so it has no look-around.
"""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.detect import announced, columns, secrets, signs
from gateway.detect.triggers import Trigger

DIGITS, MAIL, MACHINE, SECRET, VALUE, CHAT, COAT, CODED, PEM, PLATE, OWN, BORN, PAPER, URL, HANDLE, HEAD = (
    1 << bit for bit in range(16)
)
# HEAD is nobody's to be read: it says that a table may begin there.
ANNOUNCING = VALUE | CHAT | BORN | PAPER | URL  # what follows the trigger is meant, and begins where it ends
_UNDER = (
    (re.compile("微信|威信|v信|薇信|wechat|weixin|(?<![a-z])[vw]x(?![a-z])"), CHAT),
    (re.compile("出生|生日|(?<![a-z])(?:dob|d\\.o\\.b|birth|born)"), BORN),
    (re.compile("机构代码|organi[sz]ation code"), PAPER),
    (re.compile("密码|口令|密钥|passw|(?<![a-z])pwd|secret|api[ _]?key|access[ _]?key"), VALUE),
)


@lru_cache(maxsize=1_024)
def under(head: str) -> int:
    """What the head of a column announces of the cells below it, as a word before them would; 0 for nothing."""
    return next((family for words, family in _UNDER if words.search(head) is not None), 0)


def _ranges(signs_class: str) -> str:
    r"""A class's ranges as both engines write them: `\x{a0}` for what Python escapes as `\U000000a0` or as itself."""
    wide = re.sub(r"\\U000([0-9a-f]{5})", r"\\x{\1}", signs_class)
    return "".join(sign if sign.isascii() else f"\\x{{{ord(sign):x}}}" for sign in wide)


_FANCY = _ranges(signs.DIGIT.removeprefix("0-9"))
_HIDDEN = _ranges(signs.INVISIBLE)
_NUMERALS = "".join(signs.NUMERALS)

TRIGGERS: tuple[Trigger, ...] = (
    Trigger(r"(?:^|[^0-9])[0-9]{3}", DIGITS),
    Trigger(r"[0-9][ .\-][0-9][ .\-][0-9][ .\-][0-9]", DIGITS),
    Trigger(r"[0-9]{2}[ .\-][0-9]{2}[ .\-][0-9]{2}", DIGITS),
    Trigger(rf"[0-9](?:[{_ranges(signs.SPACES)}][0-9]){{3}}", DIGITS),
    Trigger(rf"[{_NUMERALS}]{{3}}[ ，、\-{_ranges(signs.SPACES)}][{_NUMERALS}]{{4}}", DIGITS),
    Trigger(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]", DIGITS),
    Trigger(rf"[{_FANCY}][^A-Za-z]{{0,2}}[{_FANCY}0-9]", DIGITS | MAIL | MACHINE),
    Trigger(rf"(?:^|[^{_NUMERALS}])[{_NUMERALS}]{{7}}", DIGITS),
    Trigger(rf"[0-9A-Za-z@.][{_HIDDEN}]+[0-9A-Za-z@.]", DIGITS | MAIL),
    Trigger(r"(?:^|[^0-9A-Za-z])[0-9OolI]{11}", DIGITS),
    Trigger(r"(?:^|[^0-9A-Za-z])(?:0x[0-9a-fA-F]{40}|bc1[a-z0-9]{25}|[13][A-Za-z0-9]{25})", DIGITS),
    Trigger("[@＠]", MAIL),
    Trigger(r"[(\[{（［](?:at|AT|At|@)[)\]}）］]|[A-Za-z0-9]艾特[A-Za-z0-9]", MAIL),
    Trigger(r"[A-Za-z0-9]#(?:[A-Za-z0-9\-]{1,30}\.){1,4}(?:com|cn|net|org|edu|io|de|uk|jp|dev)", MAIL),
    Trigger(r"[0-9A-Fa-f]{2}[:\-][0-9A-Fa-f]{2}[:\-][0-9A-Fa-f]{2}", MACHINE),
    Trigger(r"[0-9A-Fa-f]{1,4}[:.][0-9A-Fa-f]{0,4}[:.][0-9A-Fa-f:]", MACHINE),
    Trigger(r"::[0-9A-Fa-f]", MACHINE),
    Trigger(rf"[{signs.PLATES}][{_HIDDEN}]{{0,3}}[A-Za-zＡ-Ｚ]", PLATE),
    Trigger(rf"[{signs.MILITARY}]字第[0-9A-Z]", PLATE),
    Trigger(rf"使[0-9{_FANCY}]{{6}}|WJ[{signs.PLATES}]?[0-9{_FANCY}]{{2}}", PLATE),
    Trigger(r"\\[ux][0-9a-fA-F]{2}|%[0-9A-Fa-f]{2}|&#[xX]?[0-9a-fA-F]{2}|&(?:commat|period);", COAT),
    Trigger(r"(?:^|[^A-Za-z0-9+/_\-])[A-Za-z0-9+/_\-]{22}", CODED),
    Trigger(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----", PEM),
    *(Trigger(words, VALUE, caseless=True) for words in announced.PASSWORDS),
    Trigger(announced.PASSWORDS_HAN, VALUE),
    Trigger(announced.BASIC, VALUE),
    Trigger(announced.IN_URL, URL),
    Trigger(announced.IN_URL_DIGIT, URL),
    *(Trigger(words, CHAT, caseless=True) for words in announced.CHATS),
    *(Trigger(words, BORN, caseless=True) for words in announced.BIRTHS),
    *(Trigger(words, PAPER, caseless=True) for words in announced.PAPERS),
    Trigger(
        r"[\x{ff21}-\x{ff3a}\x{ff41}-\x{ff5a}]{6}|[\x{ff21}-\x{ff3a}\x{ff41}-\x{ff5a}]{2}[\x{ff0d}\x{ff3f}]", DIGITS
    ),
    Trigger("wxid_[a-z0-9]{6}", HANDLE),
    *(Trigger(words, HEAD, caseless=True) for words in columns.TRIGGERS),
    *(Trigger(must, SECRET) for _, must, _ in secrets.SHAPES.values()),
)
