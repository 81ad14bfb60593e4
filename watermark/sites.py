"""Where a burst may stand: after a clause's punctuation, or, if none comes for long, after a space between words.

`sites` walks open spans of prose and answers with each first place that is far enough from the last burst.
A site depends on what stands before it and on the one character after it. Not here: what prose is (`watermark.prose`),
what is written there (`watermark.burst`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from watermark.prose import Span

# The place must be followed by a blank (after Latin punctuation), or by an ordinary letter, an opening quote or a
# line's end (after full-width punctuation): never by a combining sign, a joiner or another punctuation mark.
# Each sign is matched before what must stand around it: a class in front makes the search three times as fast.
_WORD_ENDINGS, _FULL_WIDTH = ",.;:!?", "，。；：！？、"
_AFTER_ENDING, _AFTER_FULL_WIDTH, _AFTER_SPACE = (
    r"[ \n]",
    r"[A-Za-z\u3040-\u30ff\u3400-\u9fff \n“「『《（*]",
    r"[A-Za-zÀ-ɏ\uac00-\ud7a3]",
)
_PUNCTUATION = rf"(?<=[{_WORD_ENDINGS}])(?={_AFTER_ENDING})|(?<=[{_FULL_WIDTH}])(?={_AFTER_FULL_WIDTH})"
_AFTER_PUNCTUATION = re.compile(rf"[{_WORD_ENDINGS}{_FULL_WIDTH}](?:{_PUNCTUATION})")
_AFTER_ANYTHING = re.compile(rf"[{_WORD_ENDINGS}{_FULL_WIDTH} ](?:{_PUNCTUATION}|(?<= )(?={_AFTER_SPACE}))")
_FOLLOWS = (
    {" ": re.compile(_AFTER_SPACE).match}
    | dict.fromkeys(_WORD_ENDINGS, re.compile(_AFTER_ENDING).match)
    | dict.fromkeys(_FULL_WIDTH, re.compile(_AFTER_FULL_WIDTH).match)
)

# Three plain words before Latin punctuation: leaves out numbers, dates, addresses, e-mails, paths, CSV, names of things.
# Read backwards, from the sign on: so a pattern is tried at one place instead of forty. Bounded: the words are sought in
# the last characters only.
_LETTER = r"[A-Za-zÀ-ɏͰ-ԯ\uac00-\ud7a3'’-]"
_PLAIN_WORDS = re.compile(
    rf"\n?(?:[*_”\"]{{0,2}}{_LETTER}+[*_“\"]{{0,2}} ,?){{2}}{_LETTER}+[\s“‘(*_\"，。；：！？、]"
).match
_NARROW = r"[A-Za-zÀ-ɏ\uac00-\ud7a3'’-]"
_TWO_WORDS = re.compile(rf"\n?{_NARROW}+ ,?{_NARROW}+\s").match
_HAN_BEFORE = re.compile(r"\n?[”」』》）A-Za-z]{0,12}[\u3040-\u30ff\u3400-\u9fff]").match
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


def sites(buffer: str, spans: list[Span], last: int, spacing: Spacing) -> Iterator[int]:
    """Every site in the spans, as indices into `buffer`; `last` is the index of the last burst (may be < 0)."""
    size, nearest = len(buffer), spacing.nearest - 1
    for span in spans:
        end = min(span.end + 1, size)
        while last + nearest < end and (site := _next(buffer, span, last, spacing)) is not None:
            last = site
            yield site


def _next(buffer: str, span: Span, last: int, spacing: Spacing) -> int | None:
    at, end = max(span.start, last + spacing.nearest - 1), min(span.end + 1, len(buffer))
    far = last + spacing.far - 1  # from here on spaces count
    while at < end:
        near = at < far
        match = (_AFTER_PUNCTUATION if near else _AFTER_ANYTHING).search(buffer, at, min(end, far + 1) if near else end)
        if match is None:
            if not near:
                return None
            at = max(at, far)
            continue
        at = match.end()
        if at > span.start and _is_site(buffer, at, at - last, spacing) and span.is_prose(buffer, at):
            return at
    return None


def is_site(recent: str, gap: int, spacing: Spacing) -> bool:
    """May a burst stand at the end of `recent`, as far as what stands before it can say?"""
    return gap >= spacing.nearest and recent[-1] in _FOLLOWS and _is_site(recent, len(recent), gap, spacing)


def may_precede(sign: str, text: str) -> bool:
    """Does the beginning of `text` allow a burst between `sign` and it?"""
    return _FOLLOWS[sign](text) is not None


def is_final_site(recent: str, gap: int, spacing: Spacing) -> bool:
    """May a last burst stand at the very end of the text? Half the usual distance is enough there."""
    sign = recent[-1:]
    return sign in _FOLLOWS and sign != " " and gap >= spacing.nearest // 2 and _follows_words(recent, len(recent))


def _is_site(buffer: str, at: int, gap: int, spacing: Spacing) -> bool:
    sign = buffer[at - 1]
    if sign == " ":
        return gap >= spacing.far and _TWO_WORDS(_backwards(buffer, at - 1)) is not None
    far_enough = gap >= (spacing.near if sign in _WORD_ENDINGS else spacing.near_han)
    return far_enough and _follows_words(buffer, at)


def _follows_words(buffer: str, at: int) -> bool:
    if "\u3400" <= buffer[at - 2 : at - 1] <= "\u9fff":
        return True
    before = _backwards(buffer, at - 1)
    return (buffer[at - 1] in _WORD_ENDINGS and _PLAIN_WORDS(before) is not None) or _HAN_BEFORE(before) is not None


def _backwards(buffer: str, end: int) -> str:
    """The characters before `end`, last first; the text's beginning reads as a line's."""
    start = end - _LOOKBACK_CHARS
    return buffer[start:end][::-1] if start > 0 else buffer[:end][::-1] + "\n"
