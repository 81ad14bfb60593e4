"""From tokens to text."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgi.embedded.engine import EngineFailed, ModelCard, Piece, Sampling, Step
from tgi.embedded.failures import InferError
from tgi.embedded.generation import Event, events
from tgi.embedded.replay import EOS, ReplayEngine
from tgi.embedded.validation import Valid

CARD = ReplayEngine("x").card


class Given:
    """An engine that says these tokens, then ends the text."""

    def __init__(self, pieces: list[tuple[int, bytes]], fails: bool = False) -> None:
        self.card: ModelCard = CARD
        self._pieces = pieces
        self._fails = fails
        self.closed = False

    async def tokenize(self, text: str) -> list[Piece]:
        return [Piece(10, text.encode())]

    async def stream(self, ids: Sequence[int], sampling: Sampling) -> AsyncGenerator[Step, None]:
        try:
            for token_id, data in self._pieces:
                yield Step(token_id, data, -0.5)
            if self._fails:
                raise EngineFailed("out of breath")
            while True:
                yield Step(EOS, b"", -0.1)
        finally:
            self.closed = True

    async def healthy(self) -> bool:
        return True

    async def close(self) -> None:
        return None


async def answered(engine: Given, stop: tuple[str, ...] = (), most: int = 1000, seed: int = 4) -> list[Event]:
    valid = Valid((1, 2), Sampling(seed, do_sample=True), most, stop)
    return [event async for event in events(engine, valid)]


def cut(data: bytes, places: list[int]) -> list[tuple[int, bytes]]:
    edges = [0, *sorted({p % (len(data) + 1) for p in places}), len(data)]
    return [(10, data[a:b]) for a, b in pairwise(edges)]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30), st.lists(st.integers(0, 200), max_size=12))
async def test_the_tokens_join_to_the_text_however_its_bytes_are_cut(text: str, places: list[int]) -> None:
    got = await answered(Given(cut(text.encode(), places)))
    assert got[-1].end is not None
    assert got[-1].end.text == text
    assert "".join(e.token.text for e in got if not e.token.special) == text


async def test_half_a_character_at_the_end_is_shown_as_unreadable() -> None:
    got = await answered(Given([(10, "关".encode()[:2])]))
    assert [e.token.text for e in got] == ["", "<|im_end|>"]
    assert got[-1].end is not None
    assert got[-1].end.text == "�"


@pytest.mark.parametrize(
    ("pieces", "stop", "most", "reason", "text"),
    [
        (["a", "b"], (), 9, "eos_token", "ab"),
        (["a", "b", "c"], (), 2, "length", "ab"),
        (["a", "b"], (), 3, "length", "ab"),  # TGI looks at the length before the end of the text
        (["a", "st", "op", "z"], ("stop",), 9, "stop_sequence", "astop"),
        (["a", "stopped", "stop"], ("stop",), 9, "stop_sequence", "astoppedstop"),  # only at the end of a token
        (["a", "stop\n", "z"], ("stop",), 9, "stop_sequence", "astop\n"),  # as Python's $ has it
        (["a", ".", "z"], (".",), 9, "stop_sequence", "a."),
        (["a", "z"], (".",), 9, "eos_token", "az"),
    ],
)
async def test_an_answer_ends_for_one_reason(
    pieces: list[str], stop: tuple[str, ...], most: int, reason: str, text: str
) -> None:
    engine = Given([(10, piece.encode()) for piece in pieces])
    end = (await answered(engine, stop, most))[-1].end
    assert end is not None
    assert (end.reason, end.text) == (reason, text)
    assert engine.closed


async def test_a_seed_is_told_only_when_chance_had_a_part() -> None:
    drawn = (await answered(Given([])))[-1].end
    greedy = [e async for e in events(Given([]), Valid((1,), Sampling(4), 9, ()))][-1].end
    assert drawn is not None and greedy is not None
    assert (drawn.seed, greedy.seed) == (4, None)


async def test_an_engine_that_fails_is_a_generation_error() -> None:
    with pytest.raises(InferError) as failed:
        await answered(Given([(10, b"a")], fails=True))
    assert (failed.value.kind, failed.value.status) == ("generation", 424)
    assert failed.value.message == "Request failed during generation: out of breath"
