"""Grammars: what may come next, and what cannot be a grammar at all."""

from __future__ import annotations

import itertools
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgi.embedded.constraint import MAX_PATTERN_CHARS, BadGrammar, Constraint, checked, pattern_of_schema
from tgi.embedded.engine import EngineFailed

PERSON = {
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}


@settings(max_examples=100, deadline=None)
@given(st.from_regex(r"[a-c]{1,3}-[0-9]{2,4}", fullmatch=True), st.data())
def test_every_beginning_of_a_match_is_permitted(text: str, data: st.DataObject) -> None:
    constraint = Constraint(r"[a-c]{1,3}-[0-9]{2,4}")
    while text:
        size = data.draw(st.integers(1, len(text)))
        piece, text = text[:size].encode(), text[size:]
        assert constraint.permits(piece)
        constraint.advance(piece)
    assert constraint.may_end()


@settings(max_examples=50, deadline=None)
@given(name=st.from_regex(r"[A-Za-z ]{0,10}", fullmatch=True), age=st.integers(0, 999))
def test_json_that_fits_the_schema_is_permitted(name: str, age: int) -> None:
    constraint = Constraint(pattern_of_schema(PERSON))
    text = json.dumps({"name": name, "age": age}).encode()
    assert constraint.permits(text)
    constraint.advance(text)
    assert constraint.may_end()


@pytest.mark.parametrize("data", [b"", b"x", "é".encode()[:1], b"<|im_end|>"])
def test_nothing_else_is_permitted(data: bytes) -> None:
    assert not Constraint("[0-9]+").permits(data)


def test_the_vocabulary_is_searched_for_what_can_follow() -> None:
    constraint = Constraint("ab[0-9]")
    constraint.advance(b"a")
    assert constraint.permitted([b"", b"a", b"b", b"b7", b"bx", b"\xff", b"7"]) == [2, 3]


@pytest.mark.parametrize(
    ("pattern", "why"),
    [("(", "grammar is not valid"), ("a" * (MAX_PATTERN_CHARS + 1), "longer than 20000 characters")],
)
def test_a_pattern_that_cannot_be_followed_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(BadGrammar, match=re.escape(why)):
        checked(pattern)


def test_a_schema_that_cannot_be_compiled_is_refused() -> None:
    with pytest.raises(BadGrammar, match="cannot compile regex from schema"):
        pattern_of_schema({"properties": {"a": {"type": "unheard-of"}}})


def test_a_pattern_that_backtracks_without_end_is_given_up() -> None:
    constraint = Constraint("(a|aa)+b")
    with pytest.raises(EngineFailed, match="takes too long"):
        constraint.permits(b"a" * 60 + b"c")


def test_many_slow_matches_are_given_up_too() -> None:
    ticks = itertools.count(0, 2)
    constraint = Constraint("[a-z]+", clock=lambda: float(next(ticks)))
    assert constraint.permits(b"a") and constraint.permits(b"b")
    with pytest.raises(EngineFailed, match="takes too long"):
        constraint.permits(b"c")


def test_each_token_has_its_own_time() -> None:
    ticks = itertools.count(0, 2)
    constraint = Constraint("[a-z]+", clock=lambda: float(next(ticks)))
    for letter in (b"a", b"b", b"c", b"d"):
        assert constraint.permits(letter)
        constraint.advance(letter)
