"""The law of inline reasoning: what is thought and what is said depends on the joined text alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.reply import Delta, Kind, Token
from tgi.wire.thinking import Thinking, splitter

PIECES = st.lists(
    st.sampled_from(
        ["<think>", "</think>", "<", "<th", "ink>", "</", "think>", " ", "\n", "a", "函", "</think", "<think"]
    )
    | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3),
    max_size=10,
)


def split(pieces: list[str], thinking: Thinking) -> list[Delta]:
    parts = splitter(0, thinking)
    deltas = [delta for i, piece in enumerate(pieces) for delta in parts.feed(piece, (Token(i, piece),))]
    return deltas + parts.finish()


def joined(deltas: list[Delta], kind: Kind) -> str:
    return "".join(delta.text for delta in deltas if delta.channel.kind is kind)


def meant(text: str, thinking: Thinking) -> tuple[str, str]:
    """What is thought and what is said, read from the whole text."""
    if thinking is Thinking.TAGGED:
        if not text.lstrip().startswith("<think>"):
            return "", text
        text = text.lstrip().removeprefix("<think>")
    elif thinking is Thinking.NEVER:
        return "", text
    thought, _, said = text.partition("</think>")
    return thought, said


@given(PIECES, st.sampled_from(Thinking))
@settings(max_examples=500, deadline=None)
def test_any_cut_gives_what_the_whole_text_means(pieces: list[str], thinking: Thinking) -> None:
    text = "".join(pieces)
    for cut in (pieces, list(text), [text] if text else []):
        deltas = split(cut, thinking)
        assert (joined(deltas, Kind.REASONING), joined(deltas, Kind.CONTENT)) == meant(text, thinking)
        assert all(delta.text for delta in deltas)


@given(PIECES, st.sampled_from(Thinking))
@settings(max_examples=300, deadline=None)
def test_tokens_are_told_only_where_they_spell_the_text_beside_them(pieces: list[str], thinking: Thinking) -> None:
    for delta in split(pieces, thinking):
        assert not delta.tokens or "".join(token.text for token in delta.tokens) == delta.text


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        (["Hi", " there"], ["Hi", " there"]),
        (["<think>", "Hm", "</think>", "Hi"], ["Hm", "Hi"]),
        (["<th", "ink>", "Hm", "</think>Hi", "!"], ["Hm", "!"]),
    ],
)
def test_tokens_beside_the_tags_keep_their_places(pieces: list[str], told: list[str]) -> None:
    deltas = split(pieces, Thinking.TAGGED)
    assert [token.text for delta in deltas for token in delta.tokens] == told


def test_thoughts_are_told_as_they_come_and_not_at_their_end() -> None:
    parts = splitter(0, Thinking.OPENED)
    assert joined(parts.feed("I wonder <"), Kind.REASONING) == "I wonder "
    assert joined(parts.feed("b"), Kind.REASONING) == "<b"
