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
    binder,
    letters_before,
    plan,
    spell_joiners,
    spell_selectors,
    symbols,
)
from watermark.keys import Keys
from watermark.lines import is_prose_line
from watermark.payload import check_id, codeword
from watermark.prose import MODES, Guard
from watermark.sites import Spacing, is_final_site, is_site, may_precede, sites


@dataclass(frozen=True, slots=True)
class Profile:
    """How dense, in which alphabet. `spacing` None marks nothing."""

    name: str
    spacing: Spacing | None
    spell: Callable[[bytes], str] = spell_selectors


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
_SELECTOR = "\U000e0100-\U000e01ef"
_FOREIGN = re.compile(f"(?<![\u3400-\u9fff\U00020000-\U0003ffff])[{_SELECTOR}]")
_MAY_BE_FOREIGN = re.compile(f"[{_SELECTOR}]")

# What a fragment must not contain to be passed on unlooked-at. In prose, by the distance from the last burst: too near for
# any site; near enough for one after punctuation; far enough for one after a space.
_SIGNS = rf"`~$\\<{{}}\n\t|=({_SELECTOR}"
_TOO_NEAR = re.compile(f"[{_SIGNS}]").search
_NEAR = re.compile(f"[{_SIGNS},.;:!?，。；：！？、]").search
_FAR = re.compile(f"[{_SIGNS},.;:!?，。；：！？、 ]").search
# Elsewhere: what may end the mode, and selectors that are not ours.
_ENDS = {mode: re.compile(f"{signs.pattern}|[{_SELECTOR}]").search for mode, signs in MODES.items()}
_MOST_UNSEEN = 512  # characters passed on before the guard looks at them; bounds the memory


class Embedder:
    """Marks one text with one id. Use a fresh one per text; `feed` fragments in order, then `finish` once."""

    __slots__ = (
        "_binder", "_codeword", "_gap", "_guard", "_held", "_keys", "_limit", "_mark_id", "_open", "_recent", "_seen", "_spacing",
        "_spell", "_stop", "bursts",
    )  # fmt: skip

    def __init__(self, keys: Keys, mark_id: int, profile: str = "normal") -> None:
        if profile not in PROFILES:
            raise ValueError(f'no profile "{profile}"; hint: one of {", ".join(PROFILES)}')
        check_id(mark_id)
        spacing = PROFILES[profile].spacing
        self._spacing, self._spell = spacing, PROFILES[profile].spell
        self._keys, self._mark_id = keys.current, mark_id
        self._codeword = b""  # made for the first burst: machine texts and short ones have none
        self._guard = Guard()
        self._recent = ""  # the last visible characters, one held back and those unseen included
        self._seen = 0  # where in them begins what the guard has not looked at
        self._held = ""  # the last character, where a burst may follow it: the next one decides
        self._open = False  # did prose reach the end of what was looked at?
        self._gap = spacing.nearest // 2 + _HEAD_START if spacing else 0  # last burst → end of what was looked at
        self._stop, self._limit = _TOO_NEAR, 0  # while `_recent` is shorter, a fragment without `_stop` decides nothing
        self.bursts = 0

    def feed(self, text: str) -> str:
        """The next fragment; returns what may be sent now."""
        recent = self._recent + text
        if len(recent) < self._limit and self._stop(text) is None:
            self._recent = recent
            return text
        spacing = self._spacing
        if spacing is None or not text:
            return text
        if not text.isascii() and _MAY_BE_FOREIGN.search(text) and not (text := self._without_foreign(text)):
            return ""
        return self._after_held(text, spacing) if self._held else self._look(text, spacing)

    def finish(self) -> str:
        """The end of the text, or of the connection: what was held, and a last burst where one may stand."""
        spacing = self._spacing
        if spacing is None:
            return ""
        if self._seen < len(self._recent):
            self._stop, self._limit = _FAR, 0
            self._look("", spacing)  # what it holds back now was sent before
            held = ""
        else:
            held = self._held
        recent = self._recent
        if self._open and is_final_site(recent, self._gap, spacing) and is_prose_line(self._guard.line_so_far):
            return held + self._burst(recent, len(recent))
        return held

    def _after_held(self, text: str, spacing: Spacing) -> str:
        """The character that decides has come: a burst behind the one held back, or none."""
        before, self._held = self._held, ""
        if may_precede(before, text):
            before += self._burst(self._recent, len(self._recent))
            self._gap = 0
        self._await(spacing)
        return before + self.feed(text)

    def _look(self, text: str, spacing: Spacing) -> str:
        """Show the guard what it has not seen, place what may be placed, and decide what may pass unlooked-at next."""
        recent, seen = self._recent, self._seen
        if self._stop is _TOO_NEAR and self._limit and _NEAR(text) is None:
            self._stop, self._limit = _NEAR, self._limit + spacing.far - spacing.nearest
            if len(recent) + len(text) < self._limit:
                self._recent = recent + text
                return text
        buffer = recent + text
        spans = self._guard.spans(buffer, seen)
        size, sent, last = len(buffer), len(recent), seen - self._gap
        pieces: list[str] = []
        if size - last >= spacing.nearest:
            for site in sites(buffer, spans, last, spacing):
                pieces += (buffer[sent:site], self._burst(buffer, site))
                sent = last = site
        self._gap, self._recent = size - last, buffer[-WINDOW_CHARS:]
        self._seen = len(self._recent)
        self._open = bool(spans) and spans[-1].end == size
        if self._open and is_site(self._recent, self._gap, spacing) and is_prose_line(self._guard.line_so_far):
            self._held, self._limit = buffer[-1], 0
            size -= 1
        else:
            self._await(spacing)
        if not pieces:
            return buffer[sent:size]
        pieces.append(buffer[sent:size])
        return "".join(pieces)

    def _await(self, spacing: Spacing) -> None:
        """What the next fragments must not contain to pass at once, and for how many characters."""
        gap, seen = self._gap, self._seen
        if self._guard.deferred:
            self._limit = 0
        elif not self._guard.is_open:
            self._stop, self._limit = _ENDS[self._guard.mode], seen + _MOST_UNSEEN
        elif gap < spacing.nearest:
            self._stop, self._limit = _TOO_NEAR, seen + spacing.nearest - gap
        elif gap < spacing.far:
            self._stop, self._limit = _NEAR, seen + spacing.far - gap
        else:
            self._stop, self._limit = _FAR, seen + _MOST_UNSEEN

    def _burst(self, text: str, at: int) -> str:
        if not self._codeword:
            self._codeword, self._binder = codeword(self._mark_id, self._keys), binder(self._keys.bind, self._mark_id)
        letters = letters_before(text, at)
        layout = plan(self._keys.context, letters[-CONTEXT_LETTERS:])
        self.bursts += 1
        return self._spell(symbols(self._codeword, self._binder, letters, layout))

    def _without_foreign(self, text: str) -> str:
        before = _MAY_BE_FOREIGN.sub(" ", self._recent[-1:])
        return _FOREIGN.sub("", before + text)[len(before) :]


def embed(text: str, keys: Keys, mark_id: int, profile: str = "normal") -> str:
    """A whole text at once: by definition what the stream would give."""
    embedder = Embedder(keys, mark_id, profile)
    return embedder.feed(text) + embedder.finish()
