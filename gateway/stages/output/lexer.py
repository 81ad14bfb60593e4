"""Finds bounded patterns in a text that arrives in pieces, and lets go of everything that can no longer belong to a match.

The law: what is found depends on the joined text alone. A position is decided once no pattern that could begin there
reaches the end of what has arrived; until then the text from there on is held back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import re2

from gateway.detect.waf.scan import Lookout
from policies import bounded

HEAD = 5  # characters of a pattern that the look-out watches for: with three, "pass" and "key" send ordinary words on
TOGETHER = 17  # patterns in one automaton of beginnings: all in one take RE2 a second and 13 MB more to make, one each is a call each

Text = str | bytes  # ASCII goes to RE2 as bytes: places are the same, and its Python side need not translate them


@dataclass(frozen=True, slots=True)
class Match:
    """Which pattern matched what. `start` counts the characters of the lexer's whole input."""

    number: int
    text: str
    start: int


class End:
    """The answer that lets nothing more through: neither the match nor what follows."""


Answer = Callable[[Match], str | type[End] | None]
"""What to put in a match's place; None leaves its first character as it is, and looks on from the next."""


class Grammar:
    """Patterns, in order of preference, made ready once. `cases` says of each whether case matters.

    Long patterns are only ever tried at a place where their first characters stand: followed from everywhere at once,
    counted repeats would cost an automaton of its own for every place. `signs`, where they are known, are the characters one
    of which every match begins with, as a class's members: a text without any needs no other look-out.
    """

    def __init__(self, patterns: Sequence[str], cases: Sequence[bool], signs: str = "") -> None:
        flagged = list(zip(patterns, cases, strict=True))
        self._each = [_compiled(_cased(bounded.rewritten(one), case)) for one, case in flagged]
        self._any = _compiled("|".join(_cased(bounded.rewritten(one), case) for one, case in flagged))
        begun = [_cased(bounded.beginning(one), case) for one, case in flagged]
        some = [begun[first : first + TOGETHER] for first in range(0, len(begun), TOGETHER)]
        self._begun = [_compiled(f"(?:{'|'.join(one)})\\z") for one in some]
        heads = _heads(flagged)
        self._heads = _compiled(heads)
        self.sees: Callable[[str], object] = re.compile(f"[{signs}]").search if signs else Lookout(heads).sees

    def candidate(self, data: Text, start: int) -> int | None:
        """The next place where a match may begin, or the beginning of one be cut off by the end."""
        found = self._heads.search(data, start)
        return None if found is None else found.start()

    def may_go_on(self, data: Text, start: int) -> bool:
        """May what stands from here to the end become a match, or a longer one?"""
        return any(one.match(data, start) is not None for one in self._begun)

    def match(self, data: Text, start: int) -> tuple[int, int] | None:
        """(pattern, end) of the preferred match that begins right here."""
        if self._any.match(data, start) is None:
            return None
        for number, one in enumerate(self._each):
            found = one.match(data, start)
            if found is not None:
                return number, found.end()
        return None


def _cased(pattern: str, case: bool) -> str:
    return f"(?:{pattern})" if case else f"(?i:{pattern})"


def _compiled(pattern: str) -> re.Pattern[Any]:
    options = re2.Options()
    options.max_mem = 64 << 20  # bytes: counted repeats are written out
    options.log_errors = False
    compiled: re.Pattern[Any] = re2.compile(pattern, options)
    return compiled


def _heads(patterns: Sequence[tuple[str, bool]]) -> str:
    """A pattern of the first characters of every pattern, and of fewer of them at the end."""
    heads = [_cased(bounded.head(one, HEAD), case) for one, case in patterns]
    cut = [_cased(bounded.head(one, size), case) + r"\z" for one, case in patterns for size in range(1, HEAD)]
    return "|".join(dict.fromkeys([*heads, *cut]))


class Lexer:
    """One text under way. `before` is the character in front of it, for word boundaries."""

    __slots__ = ("_answer", "_before", "_done", "_grammar", "_held", "_sees", "ended")

    def __init__(self, grammar: Grammar, answer: Answer, before: str = "", done: int = 0) -> None:
        self._grammar, self._sees, self._answer = grammar, grammar.sees, answer
        self._held, self._before, self._done = "", before, done
        self.ended = False

    def feed(self, text: str) -> str:
        """More text in; what is decided out."""
        if self.ended:
            return ""
        if not self._held and not self._sees(self._before + text):
            self._before = text[-1:] or self._before
            self._done += len(text)
            return text
        self._held += text
        return self._decide(final=False)

    def finish(self) -> str:
        """The rest, now that nothing more comes."""
        return self._decide(final=True) if self._held else ""

    def _decide(self, *, final: bool) -> str:
        data, first = self._before + self._held, len(self._before)
        text: Text = data.encode() if data.isascii() else data
        out: list[str] = []
        kept = looked = first
        open_from = len(data)
        while (place := self._grammar.candidate(text, looked)) is not None:
            if not final and self._grammar.may_go_on(text, place):
                open_from = place
                break
            found = self._grammar.match(text, place)
            looked = place + 1
            if found is None:
                continue
            number, end = found
            put = self._answer(Match(number, data[place:end], self._done + place - first))
            if put is None:
                continue
            out.append(data[kept:place])
            if not isinstance(put, str):
                self.ended, self._held = True, ""
                return "".join(out)
            out.append(put)
            kept = looked = end
        out.append(data[kept:open_from])
        self._before = data[open_from - 1 : open_from] if open_from else ""
        self._done += open_from - first
        self._held = data[open_from:]
        return "".join(out)
