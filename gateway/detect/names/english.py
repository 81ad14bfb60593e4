"""English people and places: what the network of `tagger` sees, less what only looks like a name. Runs in a worker process.

Code, addresses of machines and titles are not people; what stands in a street or a company is not somebody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from gateway.detect.names.tagger import Tagger, Token, in_lists, rows_of, tokens
from gateway.detect.span import Span

LEAST = {"PER": 0.35, "LOC": 0.4}  # likelihoods below are not worth a find; policy's threshold is another matter
_NAMES = {"PER": "PERSON", "LOC": "LOCATION"}
# What stands without a space around no name: addresses, paths, calls, identifiers. Lotus Notes writes Jane Roe@SALES: that is one.
_NO_PROSE = re.compile(r"[_`$]|@(?![A-Z]{2,}(?![\w.]))|\w\\\w|://|\w/[\w.-]*/|[a-z]\.[a-z]|^\w+\(")
_WIDEST = 80  # signs looked at on each side for a space
_TITLES = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "dr",
        "prof",
        "mister",
        "madam",
        "sir",
        "lady",
        "lord",
        "captain",
        "capt",
        "colonel",
        "rev",
        "professor",
        "doctor",
    ]
)
_ODD = re.compile(r"[0-9_=<>{}\[\]|\\/*#$%^~+]|^\W*$|[a-z]{2}[A-Z]")
_GREETING = 5  # words and signs of the longest line that greets: "With kind regards,"
_SHORT = 2  # letters at least


class English:
    """The network, loaded once. Words it has seen are remembered by its bounded cache alone."""

    def __init__(self) -> None:
        self._tagger = Tagger()

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """Spans of each text. A score is the network's likelihood."""
        lines = [(at, line) for at, text in enumerate(texts) for line in _parts(tokens(text))]
        figures = self._tagger.likelihoods([line for _, line in lines])
        found: list[list[Span]] = [[] for _ in texts]
        for (at, line), likely in zip(lines, figures, strict=True):
            found[at] += self._spans(texts[at], line, likely)
        return found

    def _spans(self, text: str, words: list[Token], likely: Any) -> Iterator[Span]:
        for kind, entity in _NAMES.items():
            for first, last, figure in rows_of(likely, LEAST[kind], kind):
                if kind == "PER":
                    first, last = _without_address(words, *self._whole(words, first, last))
                    if _is_label(words, first, last):
                        continue
                yield from _span(text, words, first, last, entity, figure)

    def _whole(self, words: list[Token], first: int, last: int) -> tuple[int, int]:
        """With the capitalised words that touch it, where they are listed names or words never met before."""
        while last < len(words) and _touch(words[last - 1], words[last]) and self._may_be_name(words[last].text):
            last += 1
        while first > 0 and _touch(words[first - 1], words[first]) and self._may_be_name(words[first - 1].text):
            first -= 1
        return first, last

    def _may_be_name(self, word: str) -> bool:
        if not word[0].isupper() or len(word) < _SHORT:
            return False
        return in_lists(word) != "-" or not self._tagger.knows(word)


def _parts(words: list[Token]) -> Iterator[list[Token]]:
    """A text whole, but for what stands under a short line that ends with a comma: a signature stands for itself."""
    start = line = 0
    for at, word in enumerate(words):
        if word.text != "\n":
            continue
        if 1 < at - line <= _GREETING and words[at - 1].text == ",":
            yield words[start:at]
            start = at + 1
        line = at + 1
    if start < len(words):
        yield words[start:]


def _without_address(words: list[Token], first: int, last: int) -> tuple[int, int]:
    """Jane Roe jroe@example.com: the name without the address that the network took for more of it."""
    end = words[last - 1]
    glued = last < len(words) and words[last].text == "@" and words[last].start == end.end
    return (first, last - 1) if glued and last - first > 1 and end.text.islower() else (first, last)


def _is_label(words: list[Token], first: int, last: int) -> bool:
    """One word with a colon behind it, at the start of a line, that is no listed name: "Translate: …", "Summary: …".

    In plays and chats a speaker stands so, and the network learnt it from them; in prompts it is nearly always a command.
    """
    if last - first != 1 or last == len(words) or words[last].text != ":" or (first and words[first - 1].text != "\n"):
        return False
    return in_lists(words[first].text) == "-"


def _touch(one: Token, other: Token) -> bool:
    return other.start == one.end + 1 and one.text[-1].isalpha()


def _span(text: str, words: list[Token], first: int, last: int, entity: str, figure: float) -> Iterator[Span]:
    low, high = _trimmed(words, first, last)
    if low < high and _wordy(text[low:high]) and not _in_code(text, low, high):
        yield Span(low, high, entity, round(figure, 2), "people")


def _trimmed(words: list[Token], first: int, last: int) -> tuple[int, int]:
    """Without titles before and signs around."""
    while first < last and (not words[first].text[0].isalpha() or words[first].text.lower() in _TITLES):
        first += 1
    while last > first and not words[last - 1].text[0].isalpha():
        last -= 1
    return (words[first].start, words[last - 1].end) if first < last else (0, 0)


def _in_code(text: str, low: int, high: int) -> bool:
    """Does what stands around without a space look like anything but prose?"""
    before = text[max(0, low - _WIDEST) : low]
    behind = text[high : high + _WIDEST].split(None, 1)
    start = low - (len(before) - max(before.rfind(" "), before.rfind("\n")) - 1)
    end = high if not behind or text[high : high + 1].isspace() else high + len(behind[0])
    return _NO_PROSE.search(text[start:end]) is not None or text[high : high + 1] == "(" or text[low - 1 : low] == "@"


def _wordy(name: str) -> bool:
    return len(name) >= _SHORT and _ODD.search(name) is None
