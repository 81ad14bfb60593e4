"""Does an answer recite the system prompt? Runs of its words are followed as they come. The text itself is not touched."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable

from gateway.core.exchange import Exchange, Kind

SHINGLE = 8  # words: shorter runs are shared by texts that have nothing to do with each other
CONFIDENTIAL = frozenset({"system", "developer"})
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_OPEN = re.compile(r"[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+\Z")
CHARACTERS_A_WORD = 2  # in scripts without spaces, two characters say about as much as a word


def shingles(exchange: Exchange) -> frozenset[int]:
    """Every run of eight words of the exchange's system passages."""
    texts = (one.text for one in exchange.passages if one.role in CONFIDENTIAL and one.kind is Kind.PROSE)
    return frozenset(hash(run) for text in texts for run in _runs(_WORD.findall(text.lower())))


def _runs(words: list[str]) -> Iterable[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(SHINGLE)), strict=False)


class Recital:
    """One text under way. `most` words in a row that the system prompt has too are a leak."""

    __slots__ = ("_found", "_last", "_most", "_open", "_run", "_shingles")

    def __init__(self, known: frozenset[int], most: int) -> None:
        self._shingles, self._most = known, most
        self._last: deque[str] = deque(maxlen=SHINGLE)
        self._open = ""
        self._run = 0.0
        self._found = False

    def feed(self, text: str, *, final: bool = False) -> bool:
        """Count the words that are complete. True from the word on that makes a leak of it."""
        text = self._open + text
        last = _OPEN.search(text)
        self._open = text[last.start() :] if last else ""
        self._count(text[: last.start()] if last else text)
        if final:
            self._count(self._open)
        return self._found

    def _count(self, text: str) -> None:
        for word in _WORD.findall(text.lower()):
            self._last.append(word)
            if len(self._last) == SHINGLE and hash(tuple(self._last)) in self._shingles:
                self._run = self._run + _weight(word) if self._run else sum(map(_weight, self._last))
                self._found = self._found or self._run >= self._most
            else:
                self._run = 0.0


def _weight(word: str) -> float:
    return 1 / CHARACTERS_A_WORD if len(word) == 1 and ord(word) >= 0x3040 else 1.0
