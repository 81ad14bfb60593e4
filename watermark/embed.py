"""The streaming embedder: text in, the same text with invisible bursts out, at most one character later.

The joined output depends on the joined input alone, never on how it was cut. Memory is O(1): the last 48 visible
characters, the guard's counters, the distance to the last burst. Whoever calls this decides whether a text is to be
marked at all; JSON, tool arguments and reasoning should not come here (`PROFILES["off"]` passes everything through).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from watermark.burst import (
    CONTEXT_LETTERS,
    WINDOW_CHARS,
    bind_symbols,
    letters_before,
    plan,
    spell_joiners,
    spell_selectors,
    symbols,
)
from watermark.keys import Keys
from watermark.payload import codeword
from watermark.prose import DELIMITERS, Guard, Span
from watermark.sites import CANDIDATES, Spacing, is_final_site, next_site


@dataclass(frozen=True, slots=True)
class Profile:
    """How dense, in which alphabet. `spacing` None marks nothing."""

    name: str
    spacing: Spacing | None
    spell: Callable[[list[int]], str] = spell_selectors


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("off", None),
        Profile("sparse", Spacing(near=120, far=200, near_han=70)),
        Profile("normal", Spacing(near=40, far=80, near_han=24)),
        Profile("dense", Spacing(near=12, far=60, near_han=10)),
        # 48 joiners a burst: only where nothing else survives, so as rarely as "normal" allows
        Profile("zw", Spacing(near=60, far=100, near_han=36), spell_joiners),
    )
}
_HEAD_START = 16  # the first burst may come this much earlier: short answers are the hard ones

# A selector that the model wrote itself would read as a damaged burst. It stays only where it chooses a Han glyph.
_FOREIGN = re.compile(r"(?<![\u3400-\u9fff\U00020000-\U0003ffff])[\U000E0100-\U000E01EF]")
_MAY_BE_FOREIGN = re.compile("[\U000e0100-\U000e01ef]")


class Embedder:
    """Marks one text with one id. Use a fresh one per text; `feed` fragments in order, then `finish` once."""

    __slots__ = (
        "_codeword",
        "_gap",
        "_guard",
        "_held",
        "_id",
        "_keys",
        "_open",
        "_recent",
        "_spacing",
        "_spell",
        "bursts",
    )

    def __init__(self, keys: Keys, mark_id: int, profile: str = "normal") -> None:
        if profile not in PROFILES:
            raise ValueError(f'no profile "{profile}"; hint: one of {", ".join(PROFILES)}')
        self._spacing, self._spell = PROFILES[profile].spacing, PROFILES[profile].spell
        self._keys, self._id = keys.current, mark_id
        self._codeword = codeword(mark_id, self._keys)
        self._guard = Guard()
        self._recent = ""  # the last visible characters, one held back included
        self._held = 0  # 0 or 1: the last character may be followed by a burst, the next one decides
        self._open = False  # did prose reach the end of what was fed?
        self._gap = self._spacing.nearest // 2 + _HEAD_START if self._spacing else 0
        self.bursts = 0

    def feed(self, text: str) -> str:
        """The next fragment; returns what may be sent now."""
        if self._spacing is None:
            return text
        if not text.isascii() and _MAY_BE_FOREIGN.search(text):
            text = self._without_foreign(text)
        return self._advance(text, self._spacing) if text else ""

    def finish(self) -> str:
        """The end of the text, or of the connection: what was held, and a last burst where one may stand."""
        if not self._held or self._spacing is None:
            return ""
        end, held = len(self._recent), self._recent[-1]
        self._held = 0
        span = Span(end - 1, end, self._guard.line_so_far, end)
        if self._open and is_final_site(self._recent, span, end - self._gap, self._spacing):
            return held + self._burst(self._recent)
        return held

    def _advance(self, text: str, spacing: Spacing) -> str:
        start, held = len(self._recent), self._held
        buffer = self._recent + text
        spans = self._spans(text, buffer, start)
        last, sent = start - self._gap, start - held
        pieces: list[str] = []
        if len(buffer) - last >= spacing.nearest:
            for span in spans:
                while (site := next_site(buffer, span, last, spacing)) is not None:
                    pieces += (buffer[sent:site], self._burst(buffer[max(0, site - WINDOW_CHARS) : site]))
                    sent = last = site
        self._held = 1 if buffer[-1] in CANDIDATES else 0
        self._open = bool(spans) and spans[-1].end == len(buffer)
        self._gap = len(buffer) - last
        self._recent = buffer[-WINDOW_CHARS:]
        pieces.append(buffer[sent : len(buffer) - self._held])
        return "".join(pieces)

    def _spans(self, text: str, buffer: str, start: int) -> list[Span]:
        guard = self._guard
        # The held character's own stretch of prose: the site behind it is decided by this fragment's first character.
        spans = [Span(start - 1, start, guard.line_so_far, start)] if self._held and self._open else []
        if not guard.is_plain or DELIMITERS.search(text):
            return spans + guard.spans(buffer, start)
        span = guard.plain_span(buffer, start)
        return [*spans, span] if span else spans

    def _burst(self, window: str) -> str:
        letters = letters_before(window)
        layout = plan(self._keys.context, letters[-CONTEXT_LETTERS:])
        binds = bind_symbols(self._keys.bind, self._id, letters)
        self.bursts += 1
        return self._spell(symbols(self._codeword, binds, layout))

    def _without_foreign(self, text: str) -> str:
        before = _MAY_BE_FOREIGN.sub(" ", self._recent[-1:])
        return _FOREIGN.sub("", before + text)[len(before) :]


def embed(text: str, keys: Keys, mark_id: int, profile: str = "normal") -> str:
    """A whole text at once: by definition what the stream would give."""
    embedder = Embedder(keys, mark_id, profile)
    return embedder.feed(text) + embedder.finish()
