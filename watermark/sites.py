"""Where a burst may stand: after a clause's punctuation, or, if none comes for long, after a space between words.

`next_site` looks at an open span of prose and answers with the first place that is far enough from the last burst.
A site depends on what stands before it and on the one character after it. Not here: what prose is (`watermark.prose`),
what is written there (`watermark.burst`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from watermark.lines import is_prose_line
from watermark.prose import Span

# The place must be followed by a blank (after Latin punctuation), or by an ordinary letter, an opening quote or a
# line's end (after full-width punctuation): never by a combining sign, a joiner or another punctuation mark.
# Each sign is matched before what must stand around it: a class in front makes the search three times as fast.
_PUNCTUATION = r"(?<=[,.;:!?])(?=[ \n])|(?<=[，。；：！？、])(?=[A-Za-z\u3040-\u30ff\u3400-\u9fff \n“「『《（*])"
_AFTER_PUNCTUATION = re.compile(rf"[,.;:!?，。；：！？、](?:{_PUNCTUATION})")
_AFTER_ANYTHING = re.compile(rf"[,.;:!?，。；：！？、 ](?:{_PUNCTUATION}|(?<= )(?=[A-Za-zÀ-ɏ\uac00-\ud7a3]))")
CANDIDATES = frozenset(",.;:!?，。；：！？、 ")
_WORD_ENDINGS = frozenset(",.;:!?")
# Three plain words before Latin punctuation: leaves out numbers, dates, addresses, e-mails, paths, CSV, names of things.
# The look-back is bounded: the words are searched in the last characters only.
_PLAIN_WORDS = re.compile(
    r"(?:^|[\s“‘(*_\"，。；：！？、])[A-Za-zÀ-ɏͰ-ԯ\uac00-\ud7a3'’-]+(?:,? [*_“\"]{0,2}[A-Za-zÀ-ɏͰ-ԯ\uac00-\ud7a3'’-]+[*_”\"]{0,2}){2}$"
)
_TWO_WORDS = re.compile(r"(?:^|\s)[A-Za-zÀ-ɏ\uac00-\ud7a3'’-]+,? [A-Za-zÀ-ɏ\uac00-\ud7a3'’-]+$")
_HAN_BEFORE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff][”」』》）A-Za-z]{0,12}$")
_LOOKBACK_CHARS = 40


@dataclass(frozen=True, slots=True)
class Spacing:
    """Visible characters between bursts: at least `near`, and `far` forces one at the next space. Latin and Han."""

    near: int
    far: int
    near_han: int
    nearest: int = field(init=False)  # the smaller of the two: nearer than this nothing needs looking at

    def __post_init__(self) -> None:
        object.__setattr__(self, "nearest", min(self.near, self.near_han))


def next_site(buffer: str, span: Span, last: int, spacing: Spacing) -> int | None:
    """The first site in the span, as an index into `buffer`; `last` is the index of the last burst (may be < 0)."""
    start, end = max(span.start, last + spacing.nearest - 1), min(span.end + 1, len(buffer))
    far = last + spacing.far - 1  # from here on spaces count
    if start < far:
        site = _first(_AFTER_PUNCTUATION, buffer, range(start, min(end, far + 1)), span, last, spacing)
        if site is not None or end <= far + 1:
            return site
    return _first(_AFTER_ANYTHING, buffer, range(max(start, far), end), span, last, spacing)


def _first(pattern: re.Pattern[str], buffer: str, where: range, span: Span, last: int, spacing: Spacing) -> int | None:
    at = where.start
    while match := pattern.search(buffer, at, where.stop):
        at = match.end()
        if at > span.start and _is_site(buffer, at, at - last, spacing) and is_prose_line(span.line_prefix(buffer, at)):
            return at
    return None


def is_final_site(buffer: str, span: Span, last: int, spacing: Spacing) -> bool:
    """May a last burst stand at the very end of the text? Half the usual distance is enough there."""
    at = len(buffer)
    if not buffer or buffer[-1] not in CANDIDATES or buffer[-1] == " " or at - last < spacing.nearest // 2:
        return False
    return _follows_words(buffer, at) and is_prose_line(span.line_prefix(buffer, at))


def _is_site(buffer: str, at: int, gap: int, spacing: Spacing) -> bool:
    sign = buffer[at - 1]
    if sign == " ":
        return gap >= spacing.far and _TWO_WORDS.search(buffer, max(0, at - 1 - _LOOKBACK_CHARS), at - 1) is not None
    far_enough = gap >= (spacing.near if sign in _WORD_ENDINGS else spacing.near_han)
    return far_enough and _follows_words(buffer, at)


def _follows_words(buffer: str, at: int) -> bool:
    if "\u3400" <= buffer[at - 2 : at - 1] <= "\u9fff":
        return True
    start = max(0, at - 1 - _LOOKBACK_CHARS)
    if buffer[at - 1] in _WORD_ENDINGS and _PLAIN_WORDS.search(buffer, start, at - 1):
        return True
    return _HAN_BEFORE.search(buffer, start, at - 1) is not None
