"""A run as recognisers read it: plain ASCII where it was written otherwise, with the way back to the text's own places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gateway.detect import cues


class Around(NamedTuple):
    """What is known of the text round a run. `wanting` gathers places of it behind which somebody wanted to see more than
    has come; `heads` tells for the beginnings of cells in tables what stands at the head of their columns, in lower case.
    """

    wanting: list[int]
    heads: Mapping[int, str]


class View(NamedTuple):
    """`text[start:end]` is the run as read; `raw` is the text it stands in. `places` maps code points of `text` from
    `start` on to code points of `raw`, with one more for the end; None where they are the same.
    """

    text: str
    start: int
    end: int
    raw: str
    raw_start: int
    raw_end: int
    around: Around
    places: tuple[int, ...] | None = None

    def at(self, place: int) -> int:
        """A place of `text` as a place of `raw`."""
        return place if self.places is None else self.places[place - self.start]

    def until(self, place: int) -> int:
        """Where the sign before a place ends: signs that are not seen belong to the one before."""
        return place if self.places is None else self.places[place - self.start]

    def before(self, start: int) -> str:
        """The window before a place, in lower case."""
        at = self.at(start)
        return self.raw[max(0, at - cues.BEFORE) : at].lower()

    def behind(self, end: int) -> str:
        """The short window behind a place, in lower case."""
        at = self.until(end)
        comment = cues.COMMENT.match(self.raw, at)
        low = at if comment is None else comment.end()
        piece = self.raw[low : low + cues.AFTER]
        stop = cues.STOP.search(piece)
        if stop is not None:
            return piece[: stop.start()].lower()
        if len(piece) < cues.AFTER:
            self.around.wanting.append(at)
        return piece.lower()

    def head(self, start: int) -> str:
        """The head of the column in which a cell begins at a place; nothing where none does."""
        heads = self.around.heads
        return heads.get(self.at(start), "") if heads else ""

    def cued(self, start: int, end: int, name: str) -> bool:
        """Does a cue stand beside text[start:end], in the run itself, in the raw text around it, or above it in a table?"""
        if cues.said(name, self.before(start)):
            return True
        head = self.head(start)
        return (head != "" and cues.said(name, head)) or cues.said(name, self.behind(end))

    def told(self, start: int, name: str) -> bool:
        """Does a cue stand before a place, or above it in a table?"""
        head = self.head(start)
        return (head != "" and cues.said(name, head)) or cues.said(name, self.before(start))

    def nearer(self, start: int, name: str, other: str) -> bool:
        """Is the last cue before a place one for `name`, and not one for `other`?"""
        before = self.before(start)
        return cues.last(name, before) > cues.last(other, before)

    def contrary(self, start: int, name: str) -> bool:
        """Does a word right before, or above in a table, say that the number is something else?"""
        words = cues.CONTRARY[name]
        if words.search(self.before(start)) is not None:
            return True
        head = self.head(start)
        return head != "" and words.search(head) is not None
