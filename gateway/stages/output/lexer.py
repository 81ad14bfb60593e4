"""Finds bounded patterns in a text that arrives in pieces, and lets go of everything that can no longer belong to a match.

The law: what is found depends on the joined text alone. A position is decided once no pattern that could begin there
reaches the end of what has arrived; until then the text from there on is held back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import re2

from gateway.detect.waf.scan import Lookout
from policies import bounded

HEAD = 3  # characters of a pattern that the fast look-out watches for


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
    """Patterns, in order of preference, made ready once. `cases` says of each whether case matters."""

    def __init__(self, patterns: Sequence[str], cases: Sequence[bool]) -> None:
        flagged = list(zip(patterns, cases, strict=True))
        self.whole = _compiled("|".join(f"({_cased(bounded.rewritten(one), case)})" for one, case in flagged))
        self.begun = _compiled("(?:" + "|".join(_cased(bounded.beginning(one), case) for one, case in flagged) + r")\z")
        self.lookout = _lookout(flagged)


def _cased(pattern: str, case: bool) -> str:
    return f"(?:{pattern})" if case else f"(?i:{pattern})"


def _compiled(pattern: str) -> re.Pattern[str]:
    options = re2.Options()
    options.max_mem = 64 << 20  # bytes: counted repeats are written out
    options.log_errors = False
    compiled: re.Pattern[str] = re2.compile(pattern, options)
    return compiled


def _lookout(patterns: Sequence[tuple[str, bool]]) -> Lookout:
    """Matches wherever a pattern may begin, or a beginning may be cut off by the end. Cheap; may match too often."""
    heads = [_cased(bounded.head(one, HEAD), case) for one, case in patterns]
    cut = [_cased(bounded.head(one, size), case) + r"\z" for one, case in patterns for size in range(1, HEAD)]
    return Lookout("|".join(dict.fromkeys([*heads, *cut])))


class Lexer:
    """One text under way. `before` is the character in front of it, for word boundaries."""

    __slots__ = ("_answer", "_before", "_done", "_grammar", "_held", "ended")

    def __init__(self, grammar: Grammar, answer: Answer, before: str = "", done: int = 0) -> None:
        self._grammar, self._answer = grammar, answer
        self._held, self._before, self._done = "", before, done
        self.ended = False

    def feed(self, text: str) -> str:
        """More text in; what is decided out."""
        if self.ended:
            return ""
        if not self._held and not self._grammar.lookout.sees(self._before + text):
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
        out: list[str] = []
        kept = looked = first
        while True:
            open_from = len(data) if final else self._open_from(data, looked)
            found = self._grammar.whole.search(data, looked)
            if found is None or found.start() >= open_from:
                break
            put = self._answer(Match(_number(found), found[0], self._done + found.start() - first))
            if put is None:
                looked = found.start() + 1
                continue
            if not isinstance(put, str):
                self.ended, self._held = True, ""
                return "".join([*out, data[kept : found.start()]])
            out += [data[kept : found.start()], put]
            kept = looked = found.end()
        out.append(data[kept:open_from])
        self._before = data[open_from - 1 : open_from] if open_from else ""
        self._done += open_from - first
        self._held = data[open_from:]
        return "".join(out)

    def _open_from(self, data: str, start: int) -> int:
        """Where the text begins that may yet become a match."""
        begun = self._grammar.begun.search(data, start)
        return begun.start() if begun is not None else len(data)


def _number(found: re.Match[str]) -> int:
    return next(index for index, text in enumerate(found.groups()) if text is not None)
