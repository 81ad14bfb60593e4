"""People in lists: with something between them, with nothing, with ranks and nations in brackets. What one name tells of the next.

Works within one clause, so that a stream and a whole text are read alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import log

from gateway.detect.names.rules import LISTED
from gateway.detect.names.surnames import BEGINS_LIKE_A_NAME, COMPOUND_SURNAME

Row = tuple[int, int]
LENGTH = 4  # names in one clause before it may be a list without separators
CROWDED = 0.6  # share of a clause's signs that are names, from which the rest of each run is one too
GAP = 6  # code points between two names of a list without separators: another name
AN_ITEM = 0.04  # how likely on average the signs of an item must be part of a name, where half of the items are
_RUN = re.compile(r"[\u3400-\u9fff·・•]+")
_ITEM = re.compile(r"(?:^|(?<=[、，,；;/|和及与)）.．①-⑳ ]))[\u3400-\u9fff·]{2,7}(?=$|[、，,；;/|和及与(（①-⑳。 ])")
_DOTS = "·・•"
# The signs foreign names are spelt with (the transcription tables of Xinhua use few others).
_FOREIGN = re.compile(
    "[阿埃艾爱安奥巴白拜班邦保鲍贝本比彼毕别宾波伯博布查达戴丹当道德登邓迪蒂顿多恩尔法凡菲费芬夫弗福富盖甘冈高戈哥格根古圭哈海汉赫黑亨侯胡华怀基吉季加贾杰金卡凯坎康考柯科克肯孔库昆拉腊莱赖兰朗劳雷蕾勒里理莉利列烈林琳卢鲁路伦罗洛马玛迈麦曼梅蒙门米密缪摩莫默姆纳娜南内尼涅纽农诺欧帕潘庞佩彭皮平珀普齐恰奇契强乔切琴泉让热仁日瑞若萨塞赛桑瑟森沙莎山舍申圣施史士舒斯丝松苏索塔泰坦汤特提廷图托瓦万旺威韦维魏温翁沃乌武西希锡夏香歇谢辛欣休许雪雅亚扬耶叶伊依易因英尤于约泽扎詹哲珍朱兹佐缅钦岑瓜丘贡珊妮琼霍]{2,7}"
)
_SEPARATORS = frozenset("、，, ；;和与及/|")


def in_lists(clause: str, found: list[Row], figures: Sequence[float], begins: Sequence[float]) -> list[Row]:
    """The people found, with those that a list they stand in tells of. `figures`, `begins`: of each sign, likelihoods."""
    found = _itemised(clause, found, figures)
    if sum(_names(clause, row) for row in found) < LENGTH:
        return found
    return _apart(clause, _filled(clause, _between(clause, found)), begins)


def _names(clause: str, row: Row) -> int:
    """How many names a row of signs may be."""
    one = any(dot in clause[row[0] : row[1]] for dot in _DOTS) or _FOREIGN.fullmatch(clause, *row)
    return 1 if one else max(1, (row[1] - row[0]) // 3)


def _itemised(clause: str, found: list[Row], figures: Sequence[float]) -> list[Row]:
    """Where half of the items between separators are people, or one where all sound foreign, the others that may be are."""
    items = [item.span() for item in _ITEM.finditer(clause)]
    named = [item for item in items if item in found]
    foreign = all(_FOREIGN.fullmatch(clause, *item) for item in items)
    if len(items) < 2 or len(named) < (1 if foreign else max(2, len(items) / 2)):
        return found
    more = [
        (low, high)
        for low, high in items
        if sum(figures[low:high]) >= AN_ITEM * (high - low)
        and all(low <= row[0] and row[1] <= high for row in found if row[0] < high and low < row[1])
    ]
    return sorted({*more, *(row for row in found if not any(low < row[1] and row[0] < high for low, high in more))})


def _between(clause: str, found: list[Row]) -> list[Row]:
    """What stands between two names and begins with a surname is one too."""
    between = [
        (left[1], right[0])
        for left, right in pairwise(found)
        if 2 <= right[0] - left[1] <= GAP and clause[left[1]] != "和" and LISTED.fullmatch(clause, left[1], right[0])
    ]
    return sorted(found + between)


def _filled(clause: str, found: list[Row]) -> list[Row]:
    """In a clause that consists of names, each run of signs in which one stands is nothing but names."""
    runs = [run.span() for run in _RUN.finditer(clause)]
    if sum(high - low for low, high in found) < CROWDED * sum(high - low for low, high in runs):
        return found
    return list(_reaching(runs, found))


def _reaching(runs: Sequence[Row], found: Sequence[Row]) -> Iterator[Row]:
    """Each name from where its run or the name before it ended up to the next, as far as one could be left out between."""
    taken = 0
    for at, (low, high) in enumerate(found):
        run = next((run for run in runs if run[0] <= low and high <= run[1]), (low, high))
        ahead = min(run[1], found[at + 1][0]) if at + 1 < len(found) else run[1]
        start = max(run[0], taken)
        wide = (start if low - start <= GAP else low, ahead if ahead - high <= GAP else high)
        taken = wide[1]
        yield wide


def _apart(clause: str, found: list[Row], begins: Sequence[float]) -> list[Row]:
    """Names that touch, each from where it likeliest begins: 张彦宁张|健民 is 张彦宁|张健民."""
    runs: list[list[Row]] = []
    for row in found:
        if runs and row[0] - runs[-1][-1][1] <= 1 and clause[runs[-1][-1][1] : row[0]] not in _SEPARATORS:
            runs[-1].append(row)
        else:
            runs.append([row])
    return [row for run in runs for row in _split(clause, run, begins)]


_UNUSUAL = -4.0  # a name that begins with no surname, or is longer than names are
_USUAL = {2: -0.7, 3: 0.0}
_LONGEST = 20
_BROKEN = -50.0  # a name that begins or ends with the dot within another
_LEAST = 0.02  # no likelihood is taken for less


def _split(clause: str, run: Sequence[Row], begins: Sequence[float]) -> list[Row]:
    """The likeliest way to cut a run of signs into names."""
    low, high = run[0][0], run[-1][1]
    if high - low < 4:
        return list(run)
    likely = [min(max(one, _LEAST), 1 - _LEAST) for one in begins]
    starts, others = [log(one) for one in likely], [log(1 - one) for one in likely]
    best: dict[int, tuple[float, int]] = {low: (0.0, low)}
    for end in range(low + 2, high + 1):
        best[end] = max(
            (best[at][0] + starts[at] + sum(others[at + 1 : end]) + _usual(clause[at:end]), at)
            for at in range(max(low, end - _LONGEST), end - 1)
            if at in best
        )
    return list(_traced(best, low, high))[::-1]


def _usual(name: str) -> float:
    if any(dot in name for dot in _DOTS):
        return _BROKEN if name[0] in _DOTS or name[-1] in _DOTS else 0.0
    size = len(name) - 1 if COMPOUND_SURNAME.match(name) else len(name)
    return _USUAL.get(size, _UNUSUAL) if BEGINS_LIKE_A_NAME.match(name) else _UNUSUAL


def _traced(best: Mapping[int, tuple[float, int]], low: int, high: int) -> Iterator[Row]:
    while high > low:
        yield best[high][1], high
        high = best[high][1]
