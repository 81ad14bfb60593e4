"""Where the run begins that the end of a text may continue."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.detect import signs

_PIECES = st.sampled_from(
    ["a", "t", "dot", "at", "A", "Z", "1", "9", " ", "  ", "\u3000", "(", ")", "[", "]", "{", "@", ".", ",", "-", "京", "字", "第", "转", "的", "。"]
)  # fmt: skip
TEXTS = st.lists(_PIECES, max_size=14).map("".join)


def by_the_long_way(text: str, floor: int) -> int:
    """The expression alone, as it says for every text."""
    return signs._back(signs._LIVE_BACK, text, len(text), floor)


@given(TEXTS, st.integers(0, 14))
@example("the word", 0)
@example("9 a", 0)
@example("foo t ", 0)
def test_the_short_ways_say_what_the_long_one_says(text: str, place: int) -> None:
    floor = min(place, len(text))
    assert signs.live_start(text, floor) == by_the_long_way(text, floor)
