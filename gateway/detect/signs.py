"""Which characters stand for which, and what a run is. A run is a stretch of text nothing detectable can cross the ends of.

Runs are what makes streams exact: a text falls into the same runs however it is cut, and each is read whole. Reading
them is `patterns`; undoing encodings inside one is `carriers`.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable

PLATES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使"
MILITARY = "军南北沈兰成济广海空政参后装武文士"
NUMERALS = dict(zip("〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "00123456789" + "1" + "123456789", strict=True))
INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u202a-\u202e\u2066-\u2069\ufe0e\ufe0f\u180e\u034f"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"
SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_DOTS = "\u30fb\u2022\u2027\u00b7"
_NOT_IN_RUNS = "！，；：？\u3000"


def _plain(sign: str) -> str | None:
    """The one ASCII character a sign is another shape of."""
    digit = unicodedata.digit(sign, None)
    if digit is not None:
        return str(digit)
    same = unicodedata.normalize("NFKC", sign)
    return same if len(same) == 1 and "!" <= same <= "~" else None


def _table() -> dict[int, str | None]:
    table: dict[int, str | None] = {}
    blocks = (
        range(0xA0, 0x100),
        range(0x2070, 0x2190),
        range(0x2460, 0x2800),
        range(0xFE50, 0xFFF0),
        range(0x1D400, 0x1D800),
    )
    for block in blocks:
        table |= {code: plain for code in block if (plain := _plain(chr(code)))}
    for code in range(0x660, sys.maxunicode + 1 if sys.maxunicode < 0x1FC00 else 0x1FC00):
        if unicodedata.category(chr(code)) == "Nd":
            table[code] = str(unicodedata.decimal(chr(code)))
    table |= (
        dict.fromkeys(map(ord, _DASHES), "-")
        | dict.fromkeys(map(ord, SPACES), " ")
        | dict.fromkeys(map(ord, _DOTS), "·")
    )
    table |= dict.fromkeys(_members(INVISIBLE))
    return table


def _members(ranges: str) -> list[int]:
    return [code for code in (*range(0xA0, 0x2100), *range(0xFE00, 0xFF00)) if re.match(f"[{ranges}]", chr(code))]


TABLE = _table()  # code point → its ASCII shape, or None for what is not seen


def _class(codes: Iterable[int]) -> str:
    """Code points as the ranges of a regular expression's class."""
    out: list[list[int]] = []
    for code in sorted(codes):
        if out and code == out[-1][1] + 1:
            out[-1][1] = code
        else:
            out.append([code, code])
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in out)


FANCY_DIGITS = {code for code, plain in TABLE.items() if plain and plain.isdigit()}
_FANCY = {code for code, plain in TABLE.items() if plain is None or plain not in " "} - set(map(ord, _NOT_IN_RUNS))
DIGIT = "0-9" + _class(FANCY_DIGITS)
OTHER_SHAPES = _class(TABLE)  # all that is not ASCII and is read as it, or is not seen
BODY = r"A-Za-z0-9._%+\-@:/#&;\\=~" + _class(_FANCY | set(map(ord, NUMERALS)))
_GAP = rf"[ {SPACES}]"
_AT = r"[(\[{](?:at|AT|At|@|dot|DOT)[)\]}]"
_TA = r"[)\]}](?:ta|TA|tA|@|tod|TOD)[(\[{]"
# What joins two runs into one: gaps between groups of digits, "(at)", and the Han letter a plate begins with.
_NUMERAL = "".join(NUMERALS)
_LETTER = rf"A-Za-zＡ-Ｚ{INVISIBLE}"  # what may follow the Han letter of a plate
_PLATED = rf"{DIGIT}A-Z{INVISIBLE}"
_ENDS = "号挂学警港澳领"  # what plates and papers may end with
_EXT = r"(?:ext|Ext|EXT|x)"
_TXE = r"(?:txe|txE|TXE|x)"
_JOIN = (
    rf"(?<=[{DIGIT})+]){_GAP}{{1,2}}(?=[{DIGIT}(+])|(?<=[A-Z]){_GAP}(?=[{DIGIT}])|(?<=[0-9]){_GAP}(?=[A-Zx])"
    rf"|{_GAP}{{0,2}}{_AT}{_GAP}{{0,2}}|[{PLATES}](?=[{_LETTER}])|使(?=[{DIGIT}])|(?<=WJ)[{PLATES}](?=[{DIGIT}])|[{MILITARY}]字第(?=[0-9A-Z])"
    rf"|(?<=[{PLATES}][A-Za-zＡ-Ｚ]){_GAP}(?=[A-ZＡ-Ｚ])|(?<=[{_PLATED}]{{4}})[{_ENDS}]|(?<=[0-9])转(?=[0-9])"
    rf"|(?<=[0-9]{{4}}){_GAP}{_EXT}\.?{_GAP}?(?=[0-9])|(?<=[{_NUMERAL}]{{3}}){_GAP}(?=[{_NUMERAL}])"
    rf"|(?<=[{_NUMERAL}]{{3}})[，、](?=[{_NUMERAL}])|(?<=[A-Za-z0-9])艾特(?=[A-Za-z0-9])|(?<=[0-9]{{5}})\n(?=[0-9])"
    rf"|(?<=[A-Za-z0-9]){_GAP}{{1,2}}(?=@)|(?<=@){_GAP}{{1,2}}(?=[A-Za-z0-9])|(?<=[A-Za-z0-9]){_GAP}\.{_GAP}(?=[a-z])"
)
_NIOJ = (
    rf"(?<=[{DIGIT}(+]){_GAP}{{1,2}}(?=[{DIGIT})+])|(?<=[{DIGIT}]){_GAP}(?=[A-Z])|(?<=[A-Zx]){_GAP}(?=[0-9])"
    rf"|{_GAP}{{0,2}}{_TA}{_GAP}{{0,2}}|(?<=[{_LETTER}])[{PLATES}]|(?<=[{DIGIT}])使|(?<=[{DIGIT}])[{PLATES}](?=JW)|(?<=[0-9A-Z])第字[{MILITARY}]"
    rf"|(?<=[A-ZＡ-Ｚ]){_GAP}(?=[A-Za-zＡ-Ｚ][{PLATES}])|[{_ENDS}](?=[{_PLATED}]{{4}})|(?<=[0-9])转(?=[0-9])"
    rf"|(?<=[0-9]){_GAP}?\.?{_TXE}{_GAP}(?=[0-9]{{4}})|(?<=[{_NUMERAL}]){_GAP}(?=[{_NUMERAL}]{{3}})"
    rf"|(?<=[{_NUMERAL}])[，、](?=[{_NUMERAL}]{{3}})|(?<=[A-Za-z0-9])特艾(?=[A-Za-z0-9])|(?<=[0-9])\n(?=[0-9]{{5}})"
    rf"|(?<=@){_GAP}{{1,2}}(?=[A-Za-z0-9])|(?<=[A-Za-z0-9]){_GAP}{{1,2}}(?=@)|(?<=[a-z]){_GAP}\.{_GAP}(?=[A-Za-z0-9])"
)
# What any of them begins with: most signs that end a run are none of these, and no join need be tried.
_JOINED = rf"[ {SPACES}(\[{{{PLATES}{MILITARY}{_ENDS}转，、艾\n]"
_JOINED_BACK = rf"[ {SPACES})\]}}{PLATES}{_ENDS}第转，、特\n]"
_PARTS = rf"(?:{_AT}{_GAP}{{0,2}}|[{BODY})\]]+|[(\[]|(?={_JOINED})(?:{_JOIN}))*"  # a bracket is a part of its own where "(at)" may begin
_PARTS_BACK = rf"(?:{_TA}{_GAP}{{0,2}}|[{BODY}(\[]+|[)\]]|(?={_JOINED_BACK})(?:{_NIOJ}))*"
RUN = re.compile(_PARTS)
_RUN_BACK = re.compile(_PARTS_BACK)
# The same from the end of what has arrived, where a join may be half there.
_LIVE_BACK = re.compile(
    rf"(?:[{PLATES}{MILITARY}{_ENDS}转艾]|特艾|[，、](?=[{_NUMERAL}]{{3}})|字[{MILITARY}]|第字[{MILITARY}]|{_GAP}?\.{_GAP}(?=[A-Za-z0-9]))?(?:(?:ta|TA|tA|a|A|@|tod|TOD|od|OD|d|D)?[(\[{{])?{_GAP}{{0,2}}"
    + _PARTS_BACK
)
# The usual end of a text: a word in small letters behind a gap that joins nothing, since a small letter stands before it.
_LAST_WORD = re.compile(r"([a-z] )[a-z]+ ?\Z")
# Another: a sign that no run has, as nearly every Han letter is.
_IN_NO_RUN = re.compile(rf"(?<![{_NUMERAL}])[，、]|[^，、{BODY}()\[\]{{}} {SPACES}{PLATES}{MILITARY}{_ENDS}转字第艾特]")
# What these begin decides whether a run goes on: gaps, brackets, a thousand's comma, the Han letters that join.
UNDECIDED = frozenset(" ,([{转艾" + SPACES + PLATES + MILITARY)
LOOKAHEAD = 10  # code points after such a sign that decide it: "  (dot)  " is nine
_STEP = 96  # code points looked back at first: most runs are a word


# What has come behind a run's end and may still become a join, whatever stands before it: gaps, a bracket and the beginning of
# "at" or "ext", a Han letter that joins, a thousand's comma.
_PENDING = re.compile(
    rf"(?:{_GAP}{{0,2}}(?:[(\[{{](?:[aA][tT]?|@|[dD][oO]?[tT]?)?)?|{_GAP}(?:[eE][xX]?[tT]?|x)\.?{_GAP}?"
    rf"|{_GAP}\.{_GAP}?|[{PLATES}转]|[{MILITARY}](?:字第?)?|艾特?|,[^\sA-Za-z]{{0,3}})\Z"
)
_SAID = re.compile(rf"[{_NUMERAL}]{{3}}[，、]\Z")
_LINE_END = re.compile(r"[0-9]{5}\n\Z")


# Signs of Chinese text that no run has and that nothing joins: digits between two of them are a run, and nothing else.
APART = frozenset(map(chr, range(0x4E00, 0xA000))) - set(PLATES + MILITARY + _ENDS + _NUMERAL + "转字第艾特")
APART |= set("，。：；！？、")


def undecided(text: str, end: int) -> bool:
    """May what has come behind a run's end still join more to it?"""
    sign = text[end]
    if sign == "\n":
        return _LINE_END.match(text, max(0, end - 5)) is not None
    if sign in "，、":
        return _SAID.match(text, max(0, end - 3)) is not None
    return sign in UNDECIDED and _PENDING.match(text, end) is not None


def run_start(text: str, inside: int, floor: int) -> int:
    """Where the run begins that `inside` stands in or at the end of; never before `floor`."""
    return _back(_RUN_BACK, text, inside, floor)


def live_start(text: str, floor: int) -> int:
    """Where the run begins that the end of the text may still continue; the text's length if there is none."""
    size = len(text)
    if size > floor and _IN_NO_RUN.match(text, size - 1) is not None:
        return size
    word = _LAST_WORD.match(text, max(floor, text.rfind(" ", 0, size - 1) - 1))
    return word.end(1) if word is not None else _back(_LIVE_BACK, text, size, floor)


def _back(pattern: re.Pattern[str], text: str, end: int, floor: int) -> int:
    step = _STEP
    while True:
        low = max(floor, end - step)
        # A few more characters than may be taken, so that what joins can be seen whole.
        piece = text[low:end][::-1]
        matched = pattern.match(piece)
        size = matched.end() if matched else 0
        if low == floor or size < len(piece) - LOOKAHEAD:
            return end - size
        step *= 8
