"""The visible choice: which of two equal words, and whether a space stands between Han and Latin, by exchange.

Off unless policy asks for it. Chinese prose only; every pair is interchangeable where its pattern matches. It serves one
purpose: two people who got the same answer hold two texts that differ in a few places, so that the fingerprint can tell
them apart after every invisible mark is gone. A lead, never proof. Runs before `watermark.embed`; what is stored must be
what this returns. Not here: comparing (`watermark.content.told_apart`).
"""

from __future__ import annotations

import re
from hashlib import blake2b

from watermark.burst import WINDOW_CHARS
from watermark.keys import EpochKeys
from watermark.lines import LINE_CHARS, is_prose_line
from watermark.prose import Guard

HELD_CHARS = 6  # the longest choice with what must follow it
_HAN, _LATIN = "\u3400-\u9fff", "A-Za-z0-9"
_OPENING = "(?:(?<=[，。；：！？\n])|^)"
# Each: a pattern that matches either form, and the two forms. What makes the two differ in meaning is left out:
# 十分钟, 经常性, 非常规, 另外一个, 大概念.
_PAIRS = (
    (f"{_OPENING}(?:例如|比如)", "例如", "比如"),
    (f"{_OPENING}(?:此外|另外)(?=，)", "此外", "另外"),
    (f"{_OPENING}(?:因此|因而)(?=，)", "因此", "因而"),
    (f"{_OPENING}(?:如果|假如)", "如果", "假如"),
    (f"{_OPENING}(?:尽管|虽然)", "尽管", "虽然"),
    (f"{_OPENING}(?:目前|当前)(?=，)", "目前", "当前"),
    ("(?:或许|也许)", "或许", "也许"),
    ("(?:立即|立刻)", "立即", "立刻"),
    ("(?:仍然|依然)", "仍然", "依然"),
    ("(?:逐渐|渐渐)", "逐渐", "渐渐"),
    ("(?:经常|常常)(?!性|化)", "经常", "常常"),
    ("(?:，|^)(?:并且|而且)", "，并且", "，而且"),
)
_SITE = re.compile(
    f"(?P<space>(?<=[{_HAN}]) ?(?=[{_LATIN}])|(?<=[{_LATIN}]) ?(?=[{_HAN}]))|"
    + "|".join(f"({pattern})" for pattern, _, _ in _PAIRS)
)


class Chooser:
    """A transform as the embedder is: `feed` fragments, then `finish`; the joined output ignores the cuts."""

    __slots__ = ("_before", "_guard", "_hash", "_line", "_open", "_pending", "_recent", "choices")

    def __init__(self, keys: EpochKeys, exchange: str) -> None:
        self._hash = blake2b(exchange.encode(), key=keys.choice, digest_size=1)
        self._guard = Guard()
        self._recent = ""  # as far back as the guard looks
        self._before = ""  # the last characters let go, as they came in: patterns look back
        self._line = ""  # the beginning of the line that the next character stands on
        self._pending = ""  # at most a few characters
        self._open = bytearray()  # for those of them the guard has judged: 1 in prose, 0 in machine text
        self.choices = 0

    def feed(self, text: str) -> str:
        seen, buffer = len(self._recent), self._recent + text
        first = seen - self._guard.deferred
        spans = self._guard.spans(buffer, seen)
        judged = bytearray(len(buffer) - self._guard.deferred - first)
        for span in spans:
            judged[span.start - first : span.end - first] = b"\1" * (span.end - span.start)
        self._open += judged
        self._pending += text
        self._recent = buffer[-WINDOW_CHARS:]
        return self._let_go(len(self._open) - HELD_CHARS)

    def finish(self) -> str:
        """What was held; a delimiter at the very end is no prose."""
        self._open += bytes(len(self._pending) - len(self._open))
        return self._let_go(len(self._pending))

    def _let_go(self, until: int) -> str:
        """Choose at every site that begins among the first `until` pending characters, and release these."""
        if until <= 0:
            return ""
        text, skip = self._before + self._pending, len(self._before)
        out, at = [], skip
        while (match := _SITE.search(text, at)) and match.start() < skip + until:
            start, end = match.span()
            self._follow(text[at:start])
            out += [text[at:start], self._chosen(match) if self._may_choose(start - skip, end - skip) else match[0]]
            self._follow(match[0])
            at = end
            if start == end:  # an absent space: step over the letter behind it
                out.append(text[at])
                self._follow(text[at])
                at += 1
        rest = text[at : skip + until]
        self._follow(rest)
        at = max(at, skip + until)
        self._before, self._pending, self._open = text[:at][-HELD_CHARS:], text[at:], self._open[at - skip :]
        return "".join([*out, rest])

    def _may_choose(self, start: int, end: int) -> bool:
        return all(self._open[start : max(end, start + 1)]) and is_prose_line(self._line)

    def _chosen(self, match: re.Match[str]) -> str:
        self.choices += 1
        digest = self._hash.copy()
        digest.update(self.choices.to_bytes(4))
        bit = digest.digest()[0] & 1
        if match.lastgroup == "space":
            return " " * bit
        return _PAIRS[(match.lastindex or 2) - 2][1 + bit]

    def _follow(self, text: str) -> None:
        """Keep the beginning of the current line."""
        line = text.rpartition("\n")
        self._line = line[2][:LINE_CHARS] if line[1] else (self._line + text)[:LINE_CHARS]


def choose(text: str, keys: EpochKeys, exchange: str) -> str:
    """A whole text at once."""
    chooser = Chooser(keys, exchange)
    return chooser.feed(text) + chooser.finish()
