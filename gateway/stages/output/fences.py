"""Which lines of an answer are code, by the letter of CommonMark where it matters: what a reader's program would run or fetch.

Where programs may disagree about a fence, it is not believed: from there on nothing counts as code. Believing too
little only makes active content plain; believing too much would let it through.
"""

from __future__ import annotations

import re

_FENCE = re.compile(r"(?P<indent> *)(?P<mark>`{3,}|~{3,})(?P<info>.*)", re.DOTALL)
_ANY_FENCE = re.compile(r"`{3,}|~{3,}")
_HTML = re.compile(r" {0,3}</?[A-Za-z!?]")
LONGEST_LINE = 512  # characters of a line that are looked at: a longer line opens and closes nothing
DEEPEST = 3  # spaces: a fence further in is code of another kind, unless a list says otherwise


class Fences:
    """The state between lines. `inside` says whether the next line is code."""

    __slots__ = ("_believes", "_html", "_indent", "_mark", "inside")

    def __init__(self) -> None:
        self.inside = False
        self._believes = True
        self._html = False
        self._mark, self._indent = "", 0

    def line(self, line: str) -> None:
        """Take in a whole line, without its line break."""
        if self.inside:
            self._within(line)
        elif self._mark:
            self._within_doubtful(line)
        elif self._believes:
            self._outside(line)

    def _within(self, line: str) -> None:
        if self._leaves(line) or (len(line) >= LONGEST_LINE and line.lstrip().startswith(self._mark)):
            self.inside, self._mark, self._believes = False, "", False
        elif self._closes(line):
            self.inside, self._mark = False, ""

    def _within_doubtful(self, line: str) -> None:
        """In a fence that lists or quotations may end: it is not believed, but its end is still its end."""
        if self._closes(line) or self._leaves(line):
            self._mark = ""

    def _closes(self, line: str) -> bool:
        found = _FENCE.fullmatch(line.rstrip(" \t\r"))
        return (
            found is not None
            and not found["info"]
            and found["mark"].startswith(self._mark)
            and len(found["indent"]) <= self._indent + DEEPEST
        )

    def _leaves(self, line: str) -> bool:
        """A line further out than the fence ends the list item that it may be in."""
        plain = line.strip()
        return bool(plain) and self._indent > len(line) - len(line.lstrip(" "))

    def _outside(self, line: str) -> None:
        plain = line.rstrip("\r")
        if not plain.strip():
            self._html = False
            return
        if _HTML.match(plain):
            self._html = True
        if len(line) >= LONGEST_LINE:
            self._believes = _ANY_FENCE.search(line) is None
            return
        found = _FENCE.fullmatch(plain)
        if found is not None and (found["mark"][0] == "~" or "`" not in found["info"]):
            self._open(found)
        elif self._is_odd(plain):
            self._believes = False

    def _open(self, found: re.Match[str]) -> None:
        if self._html:
            self._believes = False  # a fence in an HTML block is no fence
            return
        self._mark, self._indent = found["mark"], len(found["indent"])
        self.inside = self._indent <= DEEPEST

    @staticmethod
    def _is_odd(line: str) -> bool:
        """Marks of a fence in a place where only some would see a fence, and that the same line does not take back."""
        return len(_ANY_FENCE.findall(line)) % 2 == 1
