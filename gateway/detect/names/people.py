"""Chinese people in a clause: what the network of `han` and LAC see, weighed with how names begin and what stands beside them.

How likely each sign is part of a name is theirs to say; which rows of signs are somebody's name is decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import rjieba

from gateway.detect.names.lists import Row, in_lists
from gateway.detect.names.rules import TITLE
from gateway.detect.names.surnames import BEGINS_LIKE_A_NAME

_PEOPLE = frozenset({"nr", "nrt", "nrfg"})  # the segmenter's tags for people
_LEAST_ODDS = 1e-4  # no likelihood is taken for less, nor for more than the rest of one
# Likelihoods of a sign, the network's and LAC's taken together.
BEGINS, GOES_ON = 0.15, 0.1
START = 0.6  # that a sign begins a name: in lists without separators another does
PARTICLE = 0.35  # of a sign that is a word of its own more often than part of a name
_PARTICLES = frozenset("的了在是和与及或将被把对向从到说可也都就又而于等让给跟同之")
_WITHIN = frozenset("·・•. '-")  # between the parts of a name
LATIN = 1.0  # more than `ENOUGH`: words in Latin letters are the other language's matter
ALONE = 0.75  # of a surname that a title follows
# What speaks for a name, as `evidence` lists it: six round numbers, near what regression says on the training parts of GSDSimp and
# Weibo NER (`benchmarks/training/weigh_han.py`), and less than its constant, since a name missed weighs more than one too many.
WEIGHTS = (0.5, 0.8, -0.45, 0.25, 0.5, 1.0)
NOTHING_ELSE = 0.5  # for a line that is a name: a signature, a row of a form
ENOUGH = 0.05
_STATES = frozenset(
    "中美英法德日韩朝俄苏印巴以阿伊埃叙约越泰缅老柬菲马新尼澳加墨古智秘委哥欧非亚京沪港台蒙希土意西葡荷比瑞挪芬丹波匈捷"
)
_KNOWN_AS = f"{TITLE}|记者|导演|演员|作者|歌手|选手|主演|秘书长|司令|大使|教练|作家|诗人|画家|代表|发言人|委员|市长|省长|首相|总理|总监|球员|队员|学者|专家|皇帝|将军|国王|公爵|爵士"
_BEFORE = re.compile(f"(?:{_KNOWN_AS})$")
_BEHIND = re.compile(f"{TITLE}|说|表示|认为|指出|总理|首相|市长|省长|秘书长|将军")
_TITLE = re.compile(f"{TITLE}|总理|首相|市长|省长|县长|镇长|秘书长|将军|总(?![是在结共统计体算部监之])")
_LONGEST_TITLE = 4


class Votes(NamedTuple):
    """Of each sign: the logits of the network, of LAC and of both, that it is part of a name; how likely it is, and begins one."""

    own: list[float]
    other: list[float]
    both: list[float]
    part: list[float]
    begins: list[float]

    def of(self, low: int, high: int) -> Votes:
        """Those of some signs."""
        return Votes(*(figures[low:high] for figures in self))


def votes(own: Any, other: Any) -> Votes:
    """`own`, `other`: one row a sign, how likely it begins a name and goes on with one. Both together: the middle of the odds."""
    first, second = _logits(own.sum(axis=1)), _logits(other.sum(axis=1))
    both, begins = (first + second) / 2, (_logits(own[:, 0]) + _logits(other[:, 0])) / 2
    likely = (1 / (1 + np.exp(-figures)) for figures in (both, begins))
    return Votes(*(figures.tolist() for figures in (first, second, both, *likely)))


def people(clause: str, said: Votes) -> list[Row]:
    """Where people are named in a clause."""
    found = [row for row in candidates(clause, said) if _is_name(clause, row, said)]
    return in_lists(clause, found, said.part, said.begins)


def candidates(clause: str, said: Votes) -> list[Row]:
    """Rows of signs that may be a name."""
    rows = list(_likely(clause, said.part, said.begins))
    words = dict(segmented(clause)) if rows else {}
    return [_whole(low, high, words) for low, high in rows]


def _logits(likely: Any) -> Any:
    kept = np.clip(likely, _LEAST_ODDS, 1 - _LEAST_ODDS)
    return np.log(kept / (1 - kept))


def _likely(clause: str, figures: Sequence[float], begins: Sequence[float]) -> Iterator[Row]:
    """Rows that a sign of `BEGINS` begins, and that go on while signs have `GOES_ON` and begin no other."""
    start = -1
    for at, (sign, figure, new) in enumerate(zip(clause + "\n", [*figures, 0.0], [*begins, 0.0], strict=True)):
        if start >= 0 and (figure < _least(sign) or new > START):
            yield start, at
            start = -1
        if start < 0 and figure >= BEGINS and (sign.isalnum()):
            start = at


def _least(sign: str) -> float:
    """How likely a sign must be part of a name for one to go on with it."""
    return PARTICLE if sign in _PARTICLES else GOES_ON if sign.isalnum() or sign in _WITHIN else ALONE


def segmented(clause: str) -> Iterator[tuple[Row, str]]:
    """The segmenter's words with their places and tags."""
    at = 0
    for word, tag in rjieba.tag(clause):
        yield (at, at + len(word)), tag
        at += len(word)


def _whole(low: int, high: int, words: Mapping[Row, str]) -> Row:
    """With the sign or two that the segmenter's name has more at either end."""
    for (start, end), tag in words.items():
        if tag in _PEOPLE and end - start <= 4 and start < high and low < end:
            if start <= low and high < end <= high + 2:
                high = end
            elif low - 2 <= start < low and end >= high:
                low = start
    return low, high


def _is_name(clause: str, row: Row, said: Votes) -> bool:
    low, high = row
    word, size = clause[low:high], high - low
    if size == 1:
        return said.part[low] >= ALONE and _TITLE.match(clause, high) is not None
    if size == 2 and all(sign in _STATES for sign in word):
        return sum(said.part[low:high]) / 2 >= ALONE  # 中美, 印巴
    alone = clause.strip(" \n。，、：:") == word
    weighed = sum(weight * one for weight, one in zip(WEIGHTS, evidence(clause, row, said), strict=True))
    return weighed + NOTHING_ELSE * alone > ENOUGH + LATIN * word.isascii()


def evidence(clause: str, row: Row, said: Votes) -> tuple[float, ...]:
    """Logits of the network and of LAC on average, the lowest of both, and whether a surname, a title before or behind it speaks for it."""
    low, high = row
    size = high - low
    return (
        sum(said.own[low:high]) / size,
        sum(said.other[low:high]) / size,
        min(said.both[low:high]),
        size <= 3 and BEGINS_LIKE_A_NAME.match(clause, low + (clause[low] in "老小阿大"), high) is not None,
        _BEFORE.search(clause, max(0, low - _LONGEST_TITLE), low) is not None,
        _BEHIND.match(clause, high) is not None,
    )
