"""What the output's grammars look out for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.stages.output.lexer import Grammar, Lexer, Match
from gateway.stages.output.markup import PATTERNS, SIGNS

PIECES = st.sampled_from(
    ["`", "!", "[", "](", "<", "<b ", "img", "script", "onload=", "javascript:", "]", ":", "(", ")", "a", " ", "!--", "x/y", "\u51fd"]
)  # fmt: skip
WITH_SIGNS = Grammar(PATTERNS, [False] * len(PATTERNS), SIGNS)
WITHOUT = Grammar(PATTERNS, [False] * len(PATTERNS))


def replaced(grammar: Grammar, pieces: list[str]) -> tuple[str, list[Match]]:
    seen: list[Match] = []

    def answer(match: Match) -> str:
        seen.append(match)
        return "#"

    lexer = Lexer(grammar, answer)
    text = "".join([lexer.feed(piece) for piece in pieces]) + lexer.finish()
    return text, seen


@given(st.lists(PIECES, max_size=12))
def test_the_signs_that_markup_begins_with_are_all_that_need_looking_out_for(pieces: list[str]) -> None:
    assert replaced(WITH_SIGNS, pieces) == replaced(WITHOUT, pieces)
