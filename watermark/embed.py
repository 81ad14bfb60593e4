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
    binder,
    letters_before,
    plan,
    spell_joiners,
    spell_selectors,
    symbols,
)
from watermark.keys import Keys
from watermark.payload import codeword
from watermark.prose import Guard, Span
from watermark.sites import CANDIDATES, Spacing, is_final_site, next_site


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

# What a fragment must not contain to be passed on at once, by the distance from the last burst: too near for any site;
# near enough for one after punctuation; far enough for one after a space.
_DELIMITERS = rf"`~$\\<{{}}\n\t|=({_SELECTOR}"
_TOO_NEAR = re.compile(f"[{_DELIMITERS}]")
_NEAR = re.compile(f"[{_DELIMITERS},.;:!?，。；：！？、]")
_FAR = re.compile(f"[{_DELIMITERS},.;:!?，。；：！？、 ]")
_MOST_UNSEEN = 512  # characters passed on before the guard looks at them; bounds the memory


class Embedder:
    """Marks one text with one id. Use a fresh one per text; `feed` fragments in order, then `finish` once."""

    __slots__ = (
        "_binder", "_codeword", "_gap", "_guard", "_held", "_keys", "_open", "_recent", "_room", "_spacing", "_spell",
        "_stop", "_unseen", "bursts",
    )  # fmt: skip

    def __init__(self, keys: Keys, mark_id: int, profile: str = "normal") -> None:
        if profile not in PROFILES:
            raise ValueError(f'no profile "{profile}"; hint: one of {", ".join(PROFILES)}')
        self._spacing, self._spell = PROFILES[profile].spacing, PROFILES[profile].spell
        self._keys = keys.current
        self._codeword, self._binder = codeword(mark_id, self._keys), binder(self._keys.bind, mark_id)
        self._guard = Guard()
        self._recent = ""  # the last visible characters, one held back and those unseen included
        self._unseen = 0  # how many of them the guard has not looked at
        self._held = 0  # 0 or 1: the last character may be followed by a burst, the next one decides
        self._open = False  # did prose reach the end of what was looked at?
        self._gap = (
            self._spacing.nearest // 2 + _HEAD_START if self._spacing else 0
        )  # last burst → end of what was looked at
        self._stop, self._room = _TOO_NEAR, 0  # a fragment shorter than `_room` without `_stop` in it decides nothing
        self.bursts = 0

    def feed(self, text: str) -> str:
        """The next fragment; returns what may be sent now."""
        size = len(text)
        if size < self._room and self._stop.search(text) is None:
            self._room -= size
            self._unseen += size
            self._recent += text
            return text
        if self._spacing is None:
            return text
        if self._room and self._stop is _TOO_NEAR and _NEAR.search(text) is None:
            self._stop, self._room = _NEAR, self._room + self._spacing.far - self._spacing.nearest
            return self.feed(text)
        if _MAY_BE_FOREIGN.search(text):
            text = self._without_foreign(text)
        return self._look(text, self._spacing) if text else ""

    def finish(self) -> str:
        """The end of the text, or of the connection: what was held, and a last burst where one may stand."""
        if self._spacing is None:
            return ""
        held = self._held
        if self._unseen:
            self._look("", self._spacing)
        if not self._recent or not self._open:
            return self._recent[-1:] * held
        end = len(self._recent)
        span = Span(end - 1, end, self._guard.line_so_far, end)
        if is_final_site(self._recent, span, end - self._gap, self._spacing):
            return self._recent[-1:] * held + self._burst(self._recent)
        return self._recent[-1:] * held

    def _look(self, text: str, spacing: Spacing) -> str:
        """Show the guard what it has not seen, place what may be placed, and decide what may pass unlooked-at next."""
        seen, buffer = len(self._recent) - self._unseen, self._recent + text
        spans = self._spans(buffer, seen)
        sent = len(self._recent) - self._held
        last = seen - self._gap
        pieces: list[str] = []
        if len(buffer) - last >= spacing.nearest:
            for span in spans:
                while (site := next_site(buffer, span, last, spacing)) is not None:
                    pieces += (buffer[sent:site], self._burst(buffer[max(0, site - WINDOW_CHARS) : site]))
                    sent = last = site
        self._gap = len(buffer) - last
        self._open = bool(spans) and spans[-1].end == len(buffer)
        self._settle(buffer[-1:], spacing)
        self._recent, self._unseen = buffer[-WINDOW_CHARS:], 0
        pieces.append(buffer[sent : len(buffer) - self._held])
        return "".join(pieces)

    def _settle(self, final: str, spacing: Spacing) -> None:
        gap = self._gap
        self._held = int(final in CANDIDATES and gap >= (spacing.far if final == " " else spacing.nearest))
        if self._held or not self._guard.is_plain:
            self._room = 0
        elif gap < spacing.nearest:
            self._stop, self._room = _TOO_NEAR, spacing.nearest - gap
        elif gap < spacing.far:
            self._stop, self._room = _NEAR, spacing.far - gap
        else:
            self._stop, self._room = _FAR, _MOST_UNSEEN

    def _spans(self, buffer: str, seen: int) -> list[Span]:
        guard = self._guard
        # The held character's own stretch of prose: the site behind it is decided by this fragment's first character.
        spans = [Span(seen - 1, seen, guard.line_so_far, seen)] if self._held and self._open else []
        return spans + guard.spans(buffer, seen)

    def _burst(self, window: str) -> str:
        letters = letters_before(window)
        layout = plan(self._keys.context, letters[-CONTEXT_LETTERS:])
        self.bursts += 1
        return self._spell(symbols(self._codeword, bind_symbols(self._binder, letters), layout))

    def _without_foreign(self, text: str) -> str:
        before = _MAY_BE_FOREIGN.sub(" ", self._recent[-1:])
        return _FOREIGN.sub("", before + text)[len(before) :]


def embed(text: str, keys: Keys, mark_id: int, profile: str = "normal") -> str:
    """A whole text at once: by definition what the stream would give."""
    embedder = Embedder(keys, mark_id, profile)
    return embedder.feed(text) + embedder.finish()
