"""Lines shared among processes, each with a gate of its own. What a line means and what is said of it is `inspect`'s."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from pathlib import Path

from policies.cases import Caller, Side

LINES = 256  # of one piece of work: a tenth of a second, so that handing it over costs nothing beside it
AHEAD = 3  # pieces for each process: none waits, and no more than that is in memory

Answer = tuple[bytes, bool]


def shared(directory: Path, who: Caller, stage: Side, lines: Iterable[bytes], jobs: int) -> Iterator[Answer]:
    """As `inspect.answers`, in the order of the lines. Each process loads the policies anew: models are not shared."""
    fresh = multiprocessing.get_context("spawn")  # a fork would share pipes to processes that look for names
    with ProcessPoolExecutor(jobs, fresh, initializer=_load, initargs=(directory, who, stage)) as pool:
        waiting: deque[Future[list[Answer]]] = deque()
        for first, piece in _pieces(lines):
            waiting.append(pool.submit(_work, first, piece))
            if len(waiting) >= jobs * AHEAD:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _pieces(lines: Iterable[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Lines by the hundreds, and the number of the first."""
    rest, number = iter(lines), 1
    while piece := list(islice(rest, LINES)):
        yield number, piece
        number += len(piece)


_answer: Callable[[int, list[bytes]], list[Answer]]


def _load(directory: Path, who: Caller, stage: Side) -> None:
    from gateway.cli import inspect, policy_candidate  # here: `inspect` imports this module

    looked = inspect.inspector(policy_candidate.load(directory), who, stage)
    global _answer
    _answer = lambda first, piece: list(inspect.answers(piece, looked, first))  # noqa: E731 - the process's one state


def _work(first: int, piece: list[bytes]) -> list[Answer]:
    return _answer(first, piece)
