"""A run as recognisers read it: plain ASCII where it was written otherwise, with the way back to the text's own places."""

from __future__ import annotations

from typing import NamedTuple

from gateway.detect import cues


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
    places: tuple[int, ...] | None = None

    def at(self, place: int) -> int:
        """A place of `text` as a place of `raw`."""
        if self.places is None:
            return place
        return self.places[place - self.start]

    def until(self, place: int) -> int:
        """Where the sign before `place` ends in `raw`."""
        if self.places is None:
            return place
        return self.places[place - self.start]

    def cued(self, start: int, end: int, name: str) -> bool:
        """Does a cue stand beside text[start:end], in the run itself or in the raw text around it?"""
        raw = self.raw
        return cues.before(raw, self.at(start), name) or cues.after(raw, self.until(end), name)

    def contrary(self, start: int, name: str) -> bool:
        return cues.contrary(self.raw, self.at(start), name)
