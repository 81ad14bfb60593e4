"""Header values: plain words are proved; the rest becomes passages, each byte of which somebody looks at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.exchange import Kind, Passage
from gateway.http import values


@pytest.mark.parametrize(
    "value",
    [b"1.50.0", b"CPython", b"x64", b"3f2a-77", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", b""],
)
def test_numbers_versions_ids_and_words_are_proved(value: bytes) -> None:
    assert values.of([(b"X-Any", value)]) == ()


@pytest.mark.parametrize("value", ["a b", "../x", "a..b", "' or 1=1", "<x>", "é", "a/b", "%2e", ".x", "a;b"])
def test_anything_more_is_looked_at(value: str) -> None:
    assert values.of([(b"X-Any", value.encode())]) == (Passage("headers.x-any", "header", value, Kind.IDENTIFIER),)


@pytest.mark.parametrize("name", [b"Host", b"authorization", b"Content-Type", b"Expect"])
def test_what_others_judge_letter_by_letter_is_left_to_them(name: bytes) -> None:
    assert values.of([(name, b"any thing")]) == ()


@given(st.binary(min_size=1, max_size=60))
def test_no_byte_is_lost_on_the_way_to_being_looked_at(value: bytes) -> None:
    for passage in values.of([(b"x", value)]):
        assert value in (passage.text.encode("utf-8"), passage.text.encode("latin-1", "replace"))
