"""Clusters of digits, and the rows of groups in them. What a row means is `numbers`; letters are `tokens`' matter.

A cluster is cut into groups at its separators. The longest row of groups that makes sense from the left wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

from gateway.detect.numbers import folded, meaning
from gateway.detect.rows import Row, public
from gateway.detect.span import Span
from gateway.detect.view import Around, View

_CLUSTER = re.compile(
    r"\+?\(?\+?[0-9]+(?:(?:[ \-.·/_]{1,3}|\) ?-?| ?-?\(|转|[ ]?(?:ext|Ext|EXT|x)[. ]{0,2}|#)\(?[0-9]+){0,24}"
)
_FOUR = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", re.ASCII)
_DOTS = (".", ".", ".")
MIN_DIGITS, MAX_DIGITS = 4, 22  # of a row: from the shortest cued number to a card and its country's prefix
MAX_GROUPS, FEW_GROUPS = 19, 6  # of a row: written digit by digit, and written as people do
# How what is looked for digit by digit begins, by its number of digits: mobiles, identity cards, bank cards.
_BEGINS = {11: "1", 12: "0", 13: "8", 14: "3", 15: "03", 16: "2345689", 17: "123456789", 18: "1234568", 19: "234569"}
_GOES_ON = {11: "3456789", 12: "1", 13: "6"}
_new = tuple.__new__  # a named tuple's own constructor is one call more, for every number
_GROUP = re.compile(r"[0-9]+")
_FOLDED = re.compile(
    r"(?<![0-9A-Za-z_.])(?<![0-9]\n)([0-9]{5,14})\n([0-9]{5,14})(?![0-9A-WYZa-wyz_]|\.[0-9]|\n[0-9]{5})"
)


def numbers(view: View) -> list[Span]:
    """Everything made of digits in a run."""
    text, start, end = view.text, view.start, view.end
    run = text[start:end]
    spans: list[Span] = []
    if run.isdigit() and run.isascii():  # the usual run: digits and nothing else
        if MIN_DIGITS <= end - start <= MAX_DIGITS and not _glued(view, start, start):
            _read(_new(Row, (run, (end - start,), (), start, end, view, False, "", True, False)), spans)
        return spans
    if _FOUR.fullmatch(run) and not _glued(view, start, start):  # the address of a machine, and nothing else
        parts = run.split(".")
        row = Row("".join(parts), tuple(map(len, parts)), _DOTS, start, end, view, whole=True)
        if len(row.digits) >= MIN_DIGITS and not _followed(text, end, view) and _read(row, spans):
            return spans
    if "\n" in run:
        spans += _folded(view)
    for cluster in _CLUSTER.finditer(text, start, end):
        low, high = cluster.span()
        first = low if text[low].isdigit() else _first(text, low, high)
        if high - low < MIN_DIGITS or text.startswith("0x", first):
            continue  # 0x17500000176 is a hexadecimal number, and no extension of 0
        if not _glued(view, low, first):
            _rows(view, low, high, spans)
    return spans


def sole(text: str, start: int, end: int, around: Around) -> list[Span]:
    """What text[start:end] is, where it is digits alone and Chinese text stands at both sides, as it usually does."""
    spans: list[Span] = []
    if MIN_DIGITS <= end - start <= MAX_DIGITS:
        view = _new(View, (text, start, end, text, start, end, around, None))
        _read(_new(Row, (text[start:end], (end - start,), (), start, end, view, False, "", True, False)), spans)
    return spans


def _first(text: str, low: int, high: int) -> int:
    found = _GROUP.search(text, low, high)
    return found.start() if found else high


def _folded(view: View) -> Iterator[Span]:
    """One number broken over two lines, as a narrow cell does: only where no third line goes on."""
    for pair in _FOLDED.finditer(view.text, view.start, view.end):
        digits = pair[1] + pair[2]
        tail = view.text[pair.end() : pair.end() + 1] if len(digits) == 17 else ""
        row = Row(digits, (len(digits),), (), pair.start(), pair.end() + len(tail), view, tail=tail)
        found = folded(row)
        if found is not None:
            yield Span(view.at(row.start), view.until(row.end), *found)


def _glued(view: View, start: int, first: int) -> bool:
    """Part of a word or of a decimal number: A4111…, 0.138…, 13,812,…"""
    text = view.text
    if start == 0:
        return False
    left = text[start - 1]
    if left == ".":
        return start > 1 and text[start - 2].isdigit()
    if left == ",":
        return start > 1 and text[start - 2].isdigit() and _grouped(view, start)
    return left.isascii() and (left.isalnum() or left in "_$#&=~%") and not _cue_word(text, start)


_MEASURES = re.compile(r"(?:[0-9]\.[0-9][0-9,.\-]*|(?<![0-9])0),$")


def _grouped(view: View, start: int) -> bool:
    """Thousands, decimals behind a nought, one measure among others; elsewhere longer numbers behind a comma are their own."""
    group = _GROUP.match(view.text, start)
    if group is None or group.end() - start <= 3:
        return True
    at = view.at(start)
    return not view.head(start) and _MEASURES.search(view.raw, max(0, at - 24), at) is not None


_CUE_WORD = re.compile(
    r"(?:tel|phone|mobile|qq|ssn|id|no|card|ip|cell|=|#|[a-z]=|_?num(?:ber)?|_no|u003d|\\[nrt])$", re.IGNORECASE
)


def _cue_word(text: str, at: int) -> bool:
    return _CUE_WORD.search(text[max(0, at - 8) : at]) is not None


def _rows(view: View, start: int, end: int, spans: list[Span]) -> None:
    text = view.text
    groups = [matched.span() for matched in _GROUP.finditer(text, start, end)]
    if len(groups) == 1:
        _alone(view, groups, start, end, spans)
        return
    before = [0, *accumulate(high - low for low, high in groups)]  # digits before each group
    followed = _followed(text, end, view)
    count, index = len(groups), 0
    while index < count:
        settled = False
        for last in range(min(count, index + MAX_GROUPS), index, -1):
            size = before[last] - before[index]
            if size < MIN_DIGITS or (
                last - index > FEW_GROUPS and not _may_be(size, text, groups[index][0], groups[index + 1][0])
            ):
                continue
            row = _row(view, groups, index, last, start)
            if row is None or (last == count and followed and not row.tail):
                continue
            settled = _read(row, spans) or public(row)
            if settled:
                break
        index = last if settled else index + 1


def _alone(view: View, groups: list[tuple[int, int]], start: int, end: int, spans: list[Span]) -> None:
    """A cluster of one group, as most are."""
    row = _row(view, groups, 0, 1, start)
    if row is not None and (row.tail or not _followed(view.text, end, view)):
        _read(row, spans)


def _may_be(size: int, text: str, first: int, second: int) -> bool:
    """Could a number of so many digits begin with the digits at two places? Asked of rows written digit by digit."""
    if text[first] not in _BEGINS.get(size, ""):
        return False
    following = text[first + 1] if text[first + 1].isdigit() else text[second]
    return size not in _GOES_ON or following in _GOES_ON[size]


def _followed(text: str, end: int, view: View) -> bool:
    """Part of something longer to the right: a word, a decimal number, an amount with commas."""
    if end < view.end:
        right = text[end]
        if right.isascii() and (right.isalnum() or right in "_%"):
            return True
        return right == "." and text[end + 1 : end + 2].isdigit()
    raw, after = view.raw, view.raw_end
    return (
        raw[after : after + 1] == ","
        and raw[after + 1 : after + 4].isdigit()
        and not raw[after + 4 : after + 5].isdigit()
    )


def _row(view: View, groups: list[tuple[int, int]], first: int, last: int, start: int) -> Row | None:
    text = view.text
    low, high = groups[first][0], groups[last - 1][1]
    whole = first == 0 and last == len(groups)
    separators: tuple[str, ...] = ()
    shape: tuple[int, ...]
    if last - first == 1:
        digits, shape = text[low:high], (high - low,)
    else:
        some = groups[first:last]
        shape = tuple([b - a for a, b in some])
        digits = "".join([text[a:b] for a, b in some])
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS:
        return None
    if last - first > 1:
        separators = tuple([text[groups[at][1] : groups[at + 1][0]] for at in range(first, last - 1)])
    tail = _tail(text, high, view.end, separators) if len(digits) == 17 else ""
    fraction = separators == (".",) or (last - first == 1 and _after_point(text, low, view.start))
    plus = False
    if first == 0 and low > start:
        plus = "+" in text[start:low]
        if plus:
            bracketed = text[start] == "(" and any(")" in separator for separator in separators)
            low = start if bracketed else text.index("+", start)
        elif text[start] == "(" and any(")" in separator for separator in separators):
            low = start
    elif first > 0:
        plus = text[low - 1] == "+"
    return _new(Row, (digits, shape, separators, low, high + len(tail), view, plus, tail, whole, fraction))


def _after_point(text: str, low: int, start: int) -> bool:
    return low > start + 1 and text[low - 1] == "." and text[low - 2].isdigit()


def _tail(text: str, high: int, end: int, separators: tuple[str, ...]) -> str:
    """The X an identity number may end with, after the separator its groups have."""
    for joint in ("", separators[-1] if separators else ""):
        after = high + len(joint) + 1
        if text[high:after].upper() == joint + "X" and after <= end:
            right = text[after : after + 1]
            return text[high:after] if not (right.isascii() and right.isalnum()) else ""
    return ""


def _read(row: Row, spans: list[Span]) -> bool:
    """What a row means joins the finds; was it anything?"""
    found = meaning(row)
    if found is None:
        return False
    view, places = row.view, row.view.places
    low, high = (row.start, row.end) if places is None else (view.at(row.start), view.until(row.end))
    spans.append(_new(Span, (low, high, *found, "pii")))
    return True
