"""A run as recognisers read it: plain ASCII where it was written otherwise, with the way back to the text's own places."""

from __future__ import annotations

from typing import NamedTuple

from gateway.detect import cues


class View(NamedTuple):
    """`text[start:end]` is the run as read; `raw` is the text it stands in. `places` maps code points of `text` from
    `start` on to code points of `raw`, with one more for the end; None where they are the same. `wanting` gathers places
    of `raw` behind which somebody wanted to see more than has come.
    """

    text: str
    start: int
    end: int
    raw: str
    raw_start: int
    raw_end: int
    wanting: list[int]
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
        piece = self.raw[at : at + cues.AFTER]
        stop = cues.STOP.search(piece)
        if stop is not None:
            return piece[: stop.start()].lower()
        if len(piece) < cues.AFTER:
            self.wanting.append(at)
        return piece.lower()

    def cued(self, start: int, end: int, name: str) -> bool:
        """Does a cue stand beside text[start:end], in the run itself or in the raw text around it?"""
        return cues.said(name, self.before(start)) or cues.said(name, self.behind(end))

    def contrary(self, start: int, name: str) -> bool:
        """Does a word right before say that the number is something else?"""
        return cues.CONTRARY[name].search(self.before(start)) is not None
