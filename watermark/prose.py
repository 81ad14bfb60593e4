"""Where a text is prose and where it is machine text, decided while it arrives, from what came before alone.

`Guard.spans` names the stretches in which an invisible character can do no harm: not inside fenced or inline code,
math, HTML, link targets, braces, tables, indented or code-like lines. State is O(1): a mode, a few counters, the first
32 characters of the line. In doubt the answer is "not prose": an unmarked sentence costs little, broken code does not.
Not here: choosing sites (`watermark.sites`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from watermark.lines import FIRST_LINE, LINE_CHARS, begins_machine_text, is_prose_line, without_marker

MAX_RUN = 32  # longer runs of one delimiter are cut, so no run can make us remember more
_MAX_DEPTH = 1000

# One alternative per thing that can end prose. A fragment without any of these first characters needs no parsing.
_PROSE = re.compile(r"`{1,32}|~{1,32}|\$[$\d]?|\\[^\n]?|<[^\n]?|[{}\n\t|=(]")
_SIGN = re.compile(r"[`~$\\<{}\n\t|=(]").search  # those first characters: a class is found twenty times as fast
MODES = {
    "prose": _PROSE,
    "fence": re.compile(r"`{1,32}|~{1,32}|\n"),
    "ticks": re.compile(r"`{1,32}|\n"),
    "dollar": re.compile(r"\\[^\n]?|\$|\n|[.!?] ?"),
    "dollars": re.compile(r"\\[^\n]?|\$\$?|\n"),
    "paren": re.compile(r"\\[^\n]?|\n"),
    "bracket": re.compile(r"\\[^\n]?|\n"),
    "link": re.compile(r"[)\n]"),
    "tag": re.compile(r"[>\n]"),
    "name": re.compile(r"[^\w:/!?|｜.-]"),
    "raw": re.compile(r"<[^\n]?|\n"),
    "machine": re.compile(r"(?!)"),
}
_MATH = {"dollar": "$", "dollars": "$$", "paren": "\\)", "bracket": "\\]"}
_PARAGRAPHMODES = frozenset(("ticks", "dollars", "paren", "bracket", "tag", "name"))  # a blank line ends them
_FENCE_RUN = 3
_TAG_CHARS = 16
_DOCUMENTS = ("!doctype", "?xml", "?php", "html", "svg")  # a whole machine document follows
_RAW_TAGS = frozenset(
    [
        "pre",
        "code",
        "script",
        "style",
        "textarea",
        "think",
        "thinking",
        "math",
        "head",
        "table",
        "tool_call",
        "tool_calls",
        "function",
        "xml",
        "samp",
        "kbd",
    ]
)
_INLINE_TAGS = frozenset(
    [
        "a",
        "abbr",
        "b",
        "br",
        "cite",
        "details",
        "em",
        "font",
        "i",
        "ins",
        "mark",
        "p",
        "q",
        "s",
        "small",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "u",
    ]
)


@dataclass(slots=True)
class Span:
    """`buffer[start:end]` is open for sites; its line began with `carried + buffer[line_start:]`."""

    start: int
    end: int
    carried: str
    line_start: int
    settled: bool | None = None  # what the whole beginning of the line says, once asked

    def is_prose(self, buffer: str, at: int) -> bool:
        """Does the line read as prose as far as `at`?"""
        if self.settled is not None:
            return self.settled
        start = self.line_start
        prefix = (self.carried + buffer[start : min(at, start + LINE_CHARS)])[:LINE_CHARS]
        if len(prefix) < LINE_CHARS:
            return is_prose_line(prefix)
        self.settled = is_prose_line(prefix)
        return self.settled


class Guard:
    """The state machine. Feed it buffers whose first part it has seen; it answers with open spans."""

    __slots__ = (
        "_begun", "_block", "_carried", "_depth", "_fence", "_line_open", "_mode", "_raw", "_run", "_sticky", "_tag", "deferred",
    )  # fmt: skip

    def __init__(self) -> None:
        self._mode = "prose"
        self._begun = False  # was there a line with something on it?
        self._carried = FIRST_LINE  # first characters of the current line, as far as seen
        self._line_open = True  # no sign of code on this line so far
        self._block = False  # inside an HTML block, until a blank line
        self._depth = 0  # open braces
        self._sticky = False  # braces that look like a block stay open across lines
        self._fence = ""
        self._run = 0  # inline code: backticks that opened it; fence: 1 while on its opening line
        self._tag = ""
        self._raw = ""
        self.deferred = 0  # last characters of the buffer, to be looked at again

    @property
    def line_so_far(self) -> str:
        """The first characters of the current line."""
        return self._carried

    @property
    def mode(self) -> str:
        """One of `MODES`."""
        return self._mode

    def spans(self, buffer: str, start: int) -> list[Span]:
        """Open spans of `buffer[start:]`, where `buffer[:start]` was seen before (all but `deferred`)."""
        if self._mode == "prose" and not self.deferred and _SIGN(buffer, start) is None:
            return self._undisturbed(buffer, start)
        found: list[Span] = []
        at = line_start = start - self.deferred
        self.deferred, size = 0, len(buffer)
        while True:
            match = MODES[self._mode].search(buffer, at)
            end = match.start() if match else size
            if end > at and self.is_open:
                found.append(Span(at, end, self._carried, line_start))
            if self._mode == "name":
                self._tag = (self._tag + buffer[at:end])[:_TAG_CHARS]
            if match is None or (match.end() == size and _may_go_on(match[0])):
                self.deferred = size - end
                break
            at = match.end()
            line = (
                (self._carried + buffer[line_start : line_start + LINE_CHARS])[:LINE_CHARS]
                if end > line_start
                else self._carried
            )
            self._meet(match[0], line[: len(self._carried) + end - line_start], buffer, end)
            if match[0] == "\n":
                line_start, self._carried = at, ""
        self._carried = (self._carried + buffer[line_start : min(end, line_start + LINE_CHARS)])[:LINE_CHARS]
        return found

    def _undisturbed(self, buffer: str, start: int) -> list[Span]:
        """Nothing in what is new ends prose: the same as `spans`, at a third of the cost."""
        carried, size = self._carried, len(buffer)
        if len(carried) < LINE_CHARS:
            self._carried = (carried + buffer[start : start + LINE_CHARS])[:LINE_CHARS]
        return [Span(start, size, carried, start)] if size > start and self.is_open else []

    @property
    def is_open(self) -> bool:
        """Would more text be prose?"""
        return self._line_open and not self._depth and not self._block and self._mode == "prose"

    def _meet(self, sign: str, line: str, buffer: str, at: int) -> None:
        """One delimiter, on a line that so far reads `line`."""
        if sign == "\n":
            self._end_line(line, buffer[at - 1 : at])
        elif self._mode == "prose":
            self._in_prose(sign, line, buffer[at - 1 : at])
        elif self._mode == "fence":
            self._in_fence(sign, line, buffer[at + len(sign) : at + len(sign) + 1])
        elif self._mode == "ticks":
            self._leave_if(len(sign) == self._run)
        elif self._mode in _MATH:
            # A sentence's end: the sign was no formula's, but a variable's or a price's.
            self._leave_if(sign == _MATH[self._mode] or (self._mode == "dollar" and sign[-1] == " "))
        elif self._mode == "raw":
            self._open_tag(sign)
        elif self._mode == "name" and sign != ">":
            self._mode = "machine" if self._tag.lower().startswith(_DOCUMENTS) else "tag"
        elif self._mode in ("tag", "name"):
            self._close_tag()
        else:
            self._leave_if(self._mode == "link")

    def _leave_if(self, over: bool) -> None:
        if over:
            self._mode = "prose"

    def _end_line(self, line: str, before: str) -> None:
        blank = not line.strip()
        if (blank and self._mode in _PARAGRAPHMODES) or self._mode in ("dollar", "link"):
            self._mode = "prose"
        if self._mode == "fence":
            self._run = 0
        if not self._begun and not blank:
            self._begun = True
            self._mode = "machine" if self._mode == "prose" and begins_machine_text(line) else self._mode
        if self._depth and not self._sticky:
            self._sticky = before in "{[,(" or line.lstrip().startswith(("{", "["))
            self._depth = self._depth if self._sticky else 0
        self._block = self._block and not blank
        self._line_open = True

    def _in_prose(self, sign: str, line: str, before: str) -> None:
        first = sign[0]
        if first in "`~":
            self._open_code(sign, line)
        elif first == "$":
            # "$5" is a price: it would keep a whole line of prose unmarked.
            self._mode = "dollars" if sign == "$$" else "dollar" if sign == "$" else "prose"
        elif first == "\\":
            self._mode = {"\\(": "paren", "\\[": "bracket"}.get(sign, "prose")
            self._line_open = self._line_open and not sign[1:].isalnum()
        elif first == "<":
            self._block = self._block or (not line.strip() and sign[1:].isalpha())
            self._open_tag(sign)
        elif first == "(":
            self._open_paren(before)
        elif first in "{}":
            self._depth = min(self._depth + 1, _MAX_DEPTH) if first == "{" else max(self._depth - 1, 0)
            self._sticky = self._sticky and self._depth > 0
        else:  # a table, a tab, an assignment
            self._line_open = False

    def _open_code(self, sign: str, line: str) -> None:
        at_line_start = not without_marker(line).strip()
        if len(sign) >= _FENCE_RUN and at_line_start:
            self._mode, self._fence, self._run = "fence", sign, 1
        elif sign[0] == "`":
            self._mode, self._run = "ticks", len(sign)

    def _in_fence(self, sign: str, line: str, after: str) -> None:
        if sign[0] != self._fence[0] or len(sign) < len(self._fence):
            return
        if self._run or (not line.strip(" >") and after in ("", "\n", " ", "\r")):
            self._mode, self._line_open = "prose", False

    def _open_paren(self, before: str) -> None:
        if before == "]":
            self._mode = "link"
        elif before == "_" or (before.isascii() and before.isalnum()):  # a call: f(
            self._line_open = False

    def _open_tag(self, sign: str) -> None:
        if len(sign) > 1 and (sign[1] in "/!?|｜" or sign[1].isalpha()):
            self._mode, self._tag = "name", sign[1]

    def _close_tag(self) -> None:
        name = self._tag.lower()
        if self._raw:
            if name == "/" + self._raw:
                self._raw, self._block = "", False
        elif name in _RAW_TAGS:
            self._raw = name
        self._mode = "raw" if self._raw else "machine" if name.startswith(_DOCUMENTS) else "prose"
        self._block = self._block and name.lstrip("/") not in _INLINE_TAGS


def _may_go_on(sign: str) -> bool:
    return sign in ("$", "\\", "<", ".", "!", "?") or (sign[0] in "`~" and len(sign) < MAX_RUN)
