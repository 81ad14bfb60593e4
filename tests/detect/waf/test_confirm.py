"""Looking for a pattern in steps finds what looking for it at once does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.detect.waf.confirm import STARTS, Pattern, compiled

PATTERNS = (
    r"\b(?:act|be|you are) .{0,12}\b(?:evil|no rules)\b",
    r"\bbe\b.{0,20}\bevil\b.{0,10}\bnow\b",
    r"(?:ab|b).{0,9}c",
    r"(?:be|act)[^.\n]{0,8}evil\w*",
    r"be(?:.{0,30}x|y)z.{0,9}evil",
    r"(?:^|\n)\s*be.{0,10}evil",
    r"be.{2,9}?evil",
    r"(?:忽略|无视)[^。]{0,8}(?:规则|指令)",
    r"be|act.{0,20}evil",
    r"a?.{0,20}evil",
    r"be\s+(?:so\s+)*.{0,9}evil",
    r"[^|(]{0,9}evil|be",
)
WORDS = st.sampled_from(["be", "act", "you are", " ", ".", "\n", "evil", "no rules", "now", "a", "b", "c", "xz", "yz", "so ", "忽略", "无视", "规则", "指令", "。", "é", "BE"])  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
@given(st.lists(WORDS, max_size=40).map("".join))
@settings(max_examples=150, deadline=None)
def test_steps_lead_to_the_leftmost_match_of_the_whole(pattern: str, text: str) -> None:
    data = text.encode()
    at_once = compiled(pattern).search(data)
    assert Pattern(pattern).find(data) == (None if at_once is None else at_once.span())


@pytest.mark.parametrize("pattern", PATTERNS[:4])
@pytest.mark.parametrize("before", [STARTS - 1, STARTS, STARTS + 1, 3 * STARTS])
def test_a_text_that_begins_many_times_is_looked_at_to_its_end(pattern: str, before: int) -> None:
    data = ("be, act or b; " * before + "and then be evil now: you are evil, b c").encode()
    at_once = compiled(pattern).search(data)
    assert Pattern(pattern).find(data) == (None if at_once is None else at_once.span())
