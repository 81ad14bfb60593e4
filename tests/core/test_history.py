"""The names a conversation's earlier turns are known by."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.exchange import Kind, Passage
from gateway.core.history import LEAST, NO_PAST, Names, growing, messages, past

NAMES = Names(b"key", b"test")
SAID = st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.text(max_size=4)), min_size=LEAST, max_size=12)


def passages(said: list[tuple[str, str]]) -> list[Passage]:
    return [Passage(f"messages[{at}].content", role, text) for at, (role, text) in enumerate(said)]


def named(said: list[tuple[str, str]], tenant: str = "acme") -> list[bytes]:
    made = passages(said)
    return NAMES.after_each(tenant, "history", growing(made, messages(made)))


@given(SAID, SAID)
def test_a_name_is_that_of_the_same_messages_alone(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    assert (named(one)[-1] == named(other)[-1]) == (one == other)
    assert named(one)[-1] != named(one, "another")[-1]


@given(SAID, st.integers(1, 3), st.data())
def test_what_a_turn_adds_does_not_hide_the_turns_before(
    said: list[tuple[str, str]], new: int, data: st.DataObject
) -> None:
    known = {named(said)[-1]}
    more = [*said, *data.draw(st.lists(st.tuples(st.just("user"), st.text(max_size=4)), min_size=new, max_size=new))]
    assert past(range(len(more)), named(more), known.__contains__).known == frozenset(range(len(said)))


@given(SAID, st.text(max_size=4))
def test_a_question_in_other_words_finds_what_stood_before_it(said: list[tuple[str, str]], other: str) -> None:
    known = set(past(range(len(said)), named(said), lambda name: False).new)
    again = [*said[:-1], ("user", other)]
    assert len(past(range(len(again)), named(again), known.__contains__).known) >= len(said) - 1


@given(SAID)
def test_nothing_is_known_of_what_was_never_said(said: list[tuple[str, str]]) -> None:
    assert past(range(len(said)), named(said), lambda name: False).known == NO_PAST.known


def test_only_what_was_said_is_history() -> None:
    said = passages([("user", "a")] * LEAST)
    tool = Passage("tools[0].function.description", "system", "a")
    arguments = Passage("messages[3].tool_calls[0].function.arguments", "assistant", "{}", Kind.ARGUMENTS)
    assert messages([tool, *said[:3], arguments, *said[3:]]) == [1, 2, 3, 5, 6, 7]
    assert messages(said[1:]) == []
