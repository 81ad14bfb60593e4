"""Chinese people, places and addresses: what the network of `han` sees, and for people what LAC says to it. Runs in a worker process.

LAC costs twenty times as much, so it is asked only about clauses in which the network does not rule a person out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from gateway.detect.names.addresses import address_parts, address_shaped, building, crossing, led_to
from gateway.detect.names.han import LABELS, Reader
from gateway.detect.names.lac import Lac
from gateway.detect.names.people import people, segmented, votes
from gateway.detect.names.rules import TITLES
from gateway.detect.names.tails import NO_PERSON, house_number, rest, room, storey
from gateway.detect.span import Span

HAN = re.compile(r"[\u3400-\u9fff]{2}")
SURNAME_TITLED = 0.55  # 王经理, where the models are sure: above the default threshold, so that policy may leave it out
# How likely, by the network alone, a sign is part of somebody's name: below the one it is not, above the other it is, and LAC is
# asked only about clauses in which one lies between.
NOBODY, SOMEBODY = 0.2, 0.9
_BETWEEN = frozenset("和与及到至或、，")  # what stands between two places that are two
PART_OF_ADDRESS = 0.15
_ADDRESS = LABELS.index("B-ADR")


class Chinese:
    """Both models, loaded once: 35 MB on disk, 100 MB in memory, half a second."""

    def __init__(self) -> None:
        self._reader = Reader()
        self._second = Lac()

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """Spans of each text. A text is taken for one clause."""
        chosen = [at for at, text in enumerate(texts) if HAN.search(text)]
        found: list[list[Span]] = [[] for _ in texts]
        for at, words in zip(chosen, self._words([texts[at] for at in chosen]) if chosen else (), strict=True):
            if words:
                found[at] = list(_spans(texts[at], _apart(texts[at], words)))
        return found

    def _words(self, clauses: list[str]) -> list[list[tuple[int, int, str]]]:
        """Of each clause: people, places, organisations and parts of addresses."""
        likely, places = self._reader.together(clauses)
        part, tags = likely[:, 1] + likely[:, 2], _labels(likely)
        sure = (part < NOBODY) | (part > SOMEBODY)
        placed = tags >= LABELS.index("B-LOC")
        words: list[list[tuple[int, int, str]]] = [
            list(_places(tags[low:high].tolist())) if placed[low:high].any() else [] for low, high in places
        ]
        some = [at for at, (low, high) in enumerate(places) if part[low:high].max() > NOBODY]
        own = np.concatenate([likely[slice(*places[at]), 1:3] for at in some]) if some else likely[:0, 1:3]
        asked = [at for at in some if not sure[slice(*places[at])].all()]
        second = dict(zip(asked, self._second.people([clauses[at] for at in asked]), strict=True))
        other = [second[at] if at in second else likely[slice(*places[at]), 1:3] for at in some]
        said, low = votes(own, np.concatenate(other) if other else own), 0
        for at in some:
            high = low + len(clauses[at])
            words[at] += ((*row, "PER") for row in people(clauses[at], said.of(low, high)))
            low = high
        return words


def _labels(likely: Any) -> Any:
    """The likeliest label of each sign; part of an address already where it is only so likely."""
    address = likely[:, _ADDRESS:]
    part = address.sum(axis=1) > PART_OF_ADDRESS
    return np.where(part, _ADDRESS + address.argmax(axis=1), likely.argmax(axis=1))


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
    return next(((start, end) for start, end in _words(text) if start < place < end), (place, place))


@lru_cache(maxsize=1)
def _words(text: str) -> list[tuple[int, int]]:
    return [place for place, _ in segmented(text)]


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
        yield Span(low, high, "PERSON", 0.85 if high - low > 1 else SURNAME_TITLED, "people")
