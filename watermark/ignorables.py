"""Scrubbing what comes in: invisible characters out, except where a script or an emoji needs them.

The same characters carry our own marks, other people's hidden instructions to a model, and nothing at all. What is
taken out is reported as runs, never as text. Not here: reading the marks among them (`watermark.decoder`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SMUGGLING_RUN = 3  # shorter runs are pasted junk; from here on somebody put them there
_MARK_RUN = 6  # as many selectors in a row as our decoder can use

# Default_Ignorable_Code_Point (Unicode, DerivedCoreProperties.txt), plus the interlinear annotation signs.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_PICTURE = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2934\u2935\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001f3fa\U0001f400-\U0001faff]"
)
_ONE_PICTURE = f"{_PICTURE}[\ufe0e\ufe0f]?[\U0001f3fb-\U0001f3ff]?"
# Regional flags are the only registered use of tag characters: England, Scotland, Wales.
_TAG_FLAG = "\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073)\U000e007f"
_JOINING = "\u0600-\u06ff\u0700-\u077f\u07c0-\u07ff\u08a0-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u17ff\u1800-\u18af\ufb50-\ufdff\ufe70-\ufefc"
_RIGHT_TO_LEFT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"
_LEGITIMATE = "|".join(
    (
        _TAG_FLAG,
        f"{_ONE_PICTURE}(?:\u200d{_ONE_PICTURE})*",
        "[0-9#*]\ufe0f?\u20e3",
        f"(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])",  # Persian and Indic joining, one at a time
        f"(?<=[{_RIGHT_TO_LEFT}])[\u200e\u200f\u061c]|[\u200e\u200f\u061c](?=[{_RIGHT_TO_LEFT}])",
        "(?<=[\u1800-\u180a\u1820-\u18aa])[\u180b-\u180f]",  # Mongolian forms
        "(?<=[\u1100-\u11ff])[\u115f\u1160]|[\u115f\u1160](?=[\u1100-\u11ff])",  # old Hangul
    )
)
_SEARCH = re.compile(f"[{_IGNORABLE}]")
_SCAN = re.compile(f"({_LEGITIMATE})|[{_IGNORABLE}]+?(?=[^{_IGNORABLE}]|$|{_LEGITIMATE})")
_RUNS = re.compile(f"[{_IGNORABLE}]+")
# Without one of these in a text, nothing in it needs an invisible character: pictures, keycaps, joining scripts.
_NEEDING = re.compile(f"[{_PICTURE[1:-1]}\u20e3\u1100-\u11ff{_JOINING}{_RIGHT_TO_LEFT}]")
_SELECTORS = re.compile(f"[\U000e0100-\U000e017f]{{{_MARK_RUN}}}|[\u200b\u200c\u200d\u2060]{{{4 * _MARK_RUN}}}")


@dataclass(frozen=True, slots=True)
class Removed:
    """A run of invisible characters that stood at `start:end` of the text given (code points)."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """The text without them, where they stood, and whether some may be marks (then `decode` the original)."""

    text: str
    removed: tuple[Removed, ...] = ()
    may_be_marked: bool = False

    @property
    def smuggled(self) -> tuple[Removed, ...]:
        """Runs long enough to carry something: worth an event."""
        return tuple(run for run in self.removed if run.length >= SMUGGLING_RUN)


def visible(text: str) -> str:
    """What `scrub` leaves of a text, for callers who need not know what went: many runs then cost a search each."""
    if text.isascii() or not _SEARCH.search(text):
        return text
    return _SCAN.sub(r"\1", text) if _NEEDING.search(text) else _RUNS.sub("", text)


def may_be_marked(text: str) -> bool:
    """May some of its invisible characters be marks? Then `decode` it."""
    return _SELECTORS.search(text) is not None


def scrub(text: str) -> Scrubbed:
    """Remove default-ignorable characters that no emoji, Persian, Indic, Mongolian or Hangul spelling needs.

    A text without any comes back as the same object after one scan. Glyph choices after Han characters go too:
    they would let every character carry a hidden byte, and the text reads the same without them.
    """
    if text.isascii() or not _SEARCH.search(text):
        return Scrubbed(text)
    if not _NEEDING.search(text):
        runs = tuple([Removed(*match.span()) for match in _RUNS.finditer(text)])
        return Scrubbed(_RUNS.sub("", text), runs, may_be_marked(text))
    kept: list[str] = []
    removed: list[Removed] = []
    at = 0
    for match in _SCAN.finditer(text):
        if match[1] is None:
            kept.append(text[at : match.start()])
            _join(removed, match.start(), match.end())
            at = match.end()
    if not removed:
        return Scrubbed(text)
    return Scrubbed("".join([*kept, text[at:]]), tuple(removed), may_be_marked(text))


def _join(removed: list[Removed], start: int, end: int) -> None:
    if removed and removed[-1].end == start:
        start = removed.pop().start
    removed.append(Removed(start, end))
