"""Tables in a text: which head stands above a cell. What a head's word means is `cues`' matter; nothing is looked for here.

A table is a line of heads and the lines below it: CSV, TSV, Markdown, columns lined up by spaces, arrays of rows in JSON. What
a cell's head is depends on the text before the cell alone, so that it is the same however the text arrives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gateway.detect import cues

MAX_LINE = 2_048  # code points of a line in which cells are told apart
MAX_HEAD = 24  # code points of a head: what stands in longer ones is prose
MAX_CELLS = 60
_AHEAD = 32  # code points behind a place in which a word that began before it ends

_HAN = (
    "身份证|身份證|身分证|身分證|证件|證件|证号|證號|护照|護照|通行证|通行證|回乡证|回鄉證|台胞证|台胞證|居留|永居|军官证|士官证|军人"
    "|社保|医保|社会保障|驾驶证|驾照|手机|手機|电话|電話|座机|固话|传真|联系方式|联络|号码|微信|威信|薇信|v信|扣扣|企鹅|账号|账户|帐号"
    "|帐户|賬號|户头|卡号|卡號|银行卡|信用卡|借记卡|储蓄卡|工资卡|税号|纳税人|信用代码|机构代码|注册号|营业执照|出生|生日|车架|车辆识别"
    "|车牌|号牌|密码|密碼|口令|密钥|令牌|串号|设备号|社安号|社会安全号"
)
_LATIN = (
    "passport|travel document|account|acct|phone|mobile|whatsapp|contact|wechat|weixin|social security|birth|licen[cs]e|chassis|imei|meid"
    "|passw|secret|api[ _]?key|permit|green card|hkid|hong kong id|identity|id ?card|id_card|id ?number|national id|taxpayer"
    "|organi[sz]ation code"
)
_SHORT = (
    "a/c|card|cell|dl|dob|d[.]o[.]b|born|fax|iban|itin|nhs|pwd|qq|ssn|tax|tel|vat|vin|visa|vx|wx"  # cells of their own
)
# What must stand in a line for it to be a table's heads: one of the words, and soon behind it what ends a cell.
_MARK = r"(?:[,|\t;\"\n]|  )"
TRIGGERS = (
    rf"(?:{_HAN})[^\n,|\t;]{{0,6}}{_MARK}",
    rf"(?:{_LATIN})[A-Za-z0-9 _.#'*()\r-]{{0,12}}{_MARK}",
    rf"(?:^|[\n,|\t;\"* \[\]_])(?:{_SHORT})[ ._#]?(?:on|no|num|number|id|code|card|号码?|账号|群)?[.#]?['\"* \r]?{_MARK}",
)
_TELLING = re.compile("|".join(TRIGGERS), re.IGNORECASE | re.ASCII)  # ASCII: as a scan folds letters

_NO_HEAD = re.compile(r"[=:：{}<>。！？；，]|[0-9]{4}|[!?]$|(?<!no)(?<!tel)[.]$", re.IGNORECASE)
_RULE = re.compile(r"[\s|+\-=:]+$")  # |---|:-:| and +----+
_EMPTY_ROW = re.compile(r"[\s,\[\]{}]*$")
_SPACES = re.compile(r" {2,}|\t+")
_ARRAY = re.compile(r'\s*"')
_AROUND = " \t\r\"'`*"  # what stands round a cell's words, and is none of them
_END = re.compile(r"[\n\]]")


class Table(NamedTuple):
    """`mark` is what parts the cells: | tab , ; two spaces, or [ for a row of JSON."""

    mark: str
    heads: tuple[str, ...]


Shape = tuple[str, int] | None  # of a line that may be a row: what parts its cells, and how many there are


class Above:
    """What a text that arrives must remember: the table under way, and of its last line what has left."""

    __slots__ = ("_awake", "line", "shape", "table")

    def __init__(self, line: str = "", table: Table | None = None, shape: Shape = None) -> None:
        self.line, self.table, self.shape = line, table, shape
        self._awake: bool | None = None

    def wakes(self, text: str) -> bool:
        """May a head stand above something in `text`, which goes on where `line` ends?"""
        if self.table is not None:
            return True
        if not self.line or ("\n" not in text and "]" not in text):
            return False
        if self._awake is None:
            self._awake = _TELLING.search(f"\n{self.line}{text[:_AHEAD]}") is not None
        return self._awake

    def after(self, text: str) -> Above:
        """The same where `text` has left too."""
        whole, at, table, shape = self.line + text, 0, self.table, self.shape
        while (end := _end(whole, at)) is not None:
            table, shape = _next(table, shape, whole[at:end])
            at = end
        return Above(whole[at : at + MAX_LINE + 1], table, shape)


TOP = Above()  # the beginning of a text
_NONE: Mapping[int, str] = {}


def heads(above: Above, text: str, told: Sequence[int]) -> Mapping[int, str]:
    """Where cells of tables begin in `text`, and the heads they stand under, in lower case. `told`: where triggers end."""
    whole, shift = above.line + text, len(above.line)
    found: dict[int, str] = {}
    at, table, shape, index = 0, above.table, above.shape, 0
    while at < len(whole):
        if table is None and (at or not shift):
            while index < len(told) and told[index] + shift <= at:
                index += 1
            if index == len(told):
                return found
            at = max(at, _line_before(whole, told[index] + shift - 1))
        end = _end(whole, at)
        unit = whole[at:end]
        if table is not None:
            for head, place in _headed(table, unit[:MAX_LINE]):
                if shift <= at + place < at + min(len(unit), MAX_LINE):
                    found[at + place - shift] = head
        if end is None:
            return found
        table, shape = _next(table, shape, unit)
        at = end
    return found


def _line_before(text: str, place: int) -> int:
    """Where the line above a place begins: it tells whether that place's is the first of a table."""
    return text.rfind("\n", 0, max(0, text.rfind("\n", 0, place))) + 1


def _end(text: str, start: int) -> int | None:
    """Where a line ends, or a row of JSON in it: behind its end. None where that has not come."""
    for sign in _END.finditer(text, start):
        at = sign.start()
        if text[at] == "\n":
            return at + 1
        if at - start > MAX_LINE:  # no row any more; looking back from every bracket behind here would take forever
            return text.find("\n", at) + 1 or None
        opened = text.rfind("[", start, at)
        if opened >= 0 and text.find('"', opened, at) >= 0:
            return at + 1
    return None


def _next(table: Table | None, shape: Shape, unit: str) -> tuple[Table | None, Shape]:
    """The table under way after a whole line, and that line's shape."""
    if len(unit) > MAX_LINE:
        return None, None
    if table is not None and _goes_on(table, unit):
        return table, None
    mark = _mark(unit)
    cells = _cells(mark, unit) if mark else []
    if not 2 <= len(cells) <= MAX_CELLS or max(map(len, cells)) > MAX_HEAD:
        return None, None
    first = shape != (mark, len(cells))  # a row among others heads nothing
    return _table(mark, cells, unit) if first else None, (mark, len(cells))


def _goes_on(table: Table, unit: str) -> bool:
    if table.mark == "[" and _EMPTY_ROW.match(unit):
        return True
    if not unit.strip():
        return False
    return _RULE.match(unit) is not None or 2 <= len(_cells(table.mark, unit)) <= len(table.heads) + 1


def _table(mark: str, cells: list[str], unit: str) -> Table | None:
    """A line of heads, if this is one."""
    if _TELLING.search(f"\n{unit}") is None:
        return None
    if not all(map(_may_head, cells)) or (mark != "|" and not all(cells)):
        return None
    return Table(mark, tuple(map(_head, cells)))


def _head(cell: str) -> str:
    """As a word before its cells would be said; nothing where it says nothing: an order's id is nobody's."""
    said = f"{cell.lower()}:"
    tells = _TELLING.search(f"\n{cell}\n") is not None or any(not_.search(said) for not_ in cues.CONTRARY.values())
    return said if tells else ""


def _may_head(cell: str) -> bool:
    return _NO_HEAD.search(cell) is None and cell.count("(") == cell.count(")")


def _mark(unit: str) -> str:
    if "|" in unit:
        return "|"
    opened = unit.rfind("[")
    if opened >= 0 and _ARRAY.match(unit, opened + 1):
        return "["
    return next((mark for mark in ("\t", ",", ";") if mark in unit), "  " if "  " in unit.strip() else "")


def _cells(mark: str, unit: str) -> list[str]:
    """The words of a whole line's cells."""
    begins = _starts(mark, unit)
    ends = [*(begin - len(mark) for begin in begins[1:]), len(unit)]
    if mark == "  ":
        ends = [*begins[1:], len(unit)]
    cells = [unit[low:high].strip("\r\n]}) ").strip(_AROUND) for low, high in zip(begins, ends, strict=True)]
    return cells[:-1] if mark == "|" and not cells[-1] else cells


def _headed(table: Table, unit: str) -> Iterator[tuple[str, int]]:
    """The heads of a line's cells and where their words begin; the last may not have come yet, nor more of the line."""
    rows = [_starts(table.mark, unit)]
    if table.mark == "[":  # what is the last array once all has come is not known yet
        rows = [_starts("[", unit, opened) for opened in (place for place, sign in enumerate(unit, 1) if sign == "[")]
    for starts in rows:
        for head, start in zip(table.heads, starts, strict=False):
            if head:
                at = start
                while at < len(unit) and unit[at] in _AROUND:
                    at += 1
                yield head, at


def _starts(mark: str, unit: str, opened: int = 0) -> list[int]:
    """Where each cell begins: behind what parts it from the one before."""
    if mark == "|":
        first = len(unit) - len(unit.lstrip())
        return [first + 1 if unit[first : first + 1] == "|" else 0, *_behind("|", unit, first + 1)]
    if mark == "  ":
        first = len(unit) - len(unit.lstrip())
        return [first, *(gap.end() for gap in _SPACES.finditer(unit.rstrip(), first))]
    if mark != "[":
        return [0, *(_unquoted(mark, unit, 0, len(unit)) if '"' in unit else _behind(mark, unit, 0))]
    opened = opened or unit.rfind("[") + 1
    end = unit.find("[", opened)
    return [opened, *_unquoted(",", unit, opened, end if end >= 0 else len(unit))]


def _behind(sign: str, unit: str, at: int) -> Iterator[int]:
    while (at := unit.find(sign, at) + 1) > 0:
        yield at


def _unquoted(sign: str, unit: str, at: int, end: int) -> Iterator[int]:
    """Behind every sign that stands in no quotes."""
    quoted = False
    for place in range(at, end):
        if unit[place] == '"':
            quoted = not quoted
        elif unit[place] == sign and not quoted:
            yield place + 1
