"""What is left of a text when looks do not count: compatibility-folded, case-folded letters and digits.

Two forms: `skeleton` for the marks' local context (fast, no tables), `folded` for fingerprints, where
traditional Han characters become simplified ones. Not here: anything keyed.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from unicodedata import normalize

_NOT_ALNUM = re.compile(r"[\W_]+")
_LETTERS = re.compile(r"[^\W_]+").findall
_ASCII_LOWER = bytes(range(128)).lower() + bytes(range(128, 256))
_ASCII_NOT_ALNUM = bytes(code for code in range(128) if not chr(code).isalnum())

# Chinese as most of it is written, and what stands between its letters.
_CHINESE = re.compile(r"[\u4e00-\u9fff，。；：！？、]*+").fullmatch
_HAN_RUNS = re.compile(r"[\u4e00-\u9fff]+").findall

# Text of these alone is its own NFKC as far as letters go, and `lower` is its casefold: a tenth of the time.
_SIMPLE = re.compile(
    r"[\x00-\x7f\u2010-\u201f\u2026\u3000-\u3004\u3008-\u3011\u4e00-\u9fff\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f]*+"
)


def skeleton(text: str) -> str:
    """NFKC, casefold, letters and digits of every script only."""
    if text.isascii():
        return text.encode().translate(_ASCII_LOWER, _ASCII_NOT_ALNUM).decode()
    if _CHINESE(text):
        return "".join(_HAN_RUNS(text))
    if _SIMPLE.fullmatch(text):
        return "".join(_LETTERS(text)).lower()
    return _NOT_ALNUM.sub("", normalize("NFKC", text).casefold())


def folded(text: str) -> str:
    """`skeleton`, with traditional Han folded to simplified."""
    bare = skeleton(text)
    return bare if bare.isascii() else bare.translate(_simplified())


@cache
def _simplified() -> dict[int, int]:
    body = resources.files("watermark").joinpath("data/traditional.txt").read_text("utf-8")
    pairs = (line for line in body.splitlines() if line and not line.startswith("#"))
    return {ord(pair[0]): ord(pair[1]) for line in pairs for pair in line.split()}
