"""One thread that does one piece of work after another. What the work is, and who waits for it, is the journal's matter.

An executor does the same at the price of a future, its condition and three locks for each piece: twenty calls, some of them
while the event loop waits for the interpreter's lock.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Scribe(Generic[Piece, Result]):
    """`work` is done in the order given. A piece that fails is told of by its error, and the next one is begun."""

    def __init__(self, work: Callable[[Piece], Result], name: str) -> None:
        self._work = work
        self._given: SimpleQueue[tuple[Piece, Callable[[Result | BaseException], object]] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def give(self, piece: Piece, tell: Callable[[Result | BaseException], object]) -> None:
        """`tell` is called in the scribe's thread, and may not raise."""
        self._given.put((piece, tell))

    def close(self) -> None:
        """After the last piece, which is finished first."""
        self._given.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (given := self._given.get()) is not None:
            piece, tell = given
            try:
                told: Result | BaseException = self._work(piece)
            except BaseException as error:
                told = error
            tell(told)
