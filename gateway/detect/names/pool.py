"""Workers that look for names, each in a process of its own, and a deadline for all of them. What is found is `worker`'s matter.

A worker that is late, dies or answers nonsense is ended and another is started in its place; the asker is told.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from queue import Empty, Queue

import orjson

from gateway.detect.clauses import NamesUnavailable
from gateway.detect.piped import Piped, PipeFailed
from gateway.detect.span import Span

START_SECONDS = 60.0  # loading both models on a slow disk
LOADING = "loading"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # a worker: more cost more for short texts
COMMAND = (sys.executable, "-m", "gateway.detect.names.worker")


class Pool:
    """So many workers; asked from any thread. `tick` reads a monotonic clock in seconds."""

    def __init__(
        self, workers: int, command: Sequence[str] = COMMAND, tick: Callable[[], float] = time.monotonic
    ) -> None:
        self._command, self._tick = tuple(command), tick
        self._idle: Queue[_Worker] = Queue()
        for _ in range(workers):
            self._idle.put(_Worker(self._command, self._tick))

    def find(self, texts: Sequence[str], deadline_s: float) -> list[list[Span]]:
        """Spans of each text, or `NamesUnavailable` once the deadline has passed."""
        until = self._tick() + deadline_s
        try:
            worker = self._idle.get(timeout=deadline_s)
        except Empty:
            raise NamesUnavailable("busy") from None
        try:
            return worker.ask(texts, max(0.0, until - self._tick()))
        except NamesUnavailable as failed:
            if failed.reason != LOADING:  # one that is still loading is let: else nobody's would ever be done
                worker.end()
                worker = _Worker(self._command, self._tick)
            raise
        finally:
            self._idle.put(worker)

    def ready(self, seconds: float = START_SECONDS) -> bool:
        """Have all idle workers loaded their models? Waits so long for them."""
        until = self._tick() + seconds
        workers = [self._idle.get(timeout=seconds) for _ in range(self._idle.qsize())]
        try:
            return all(worker.ready(max(0.0, until - self._tick())) for worker in workers)
        finally:
            for worker in workers:
                self._idle.put(worker)

    def __del__(self) -> None:
        self.close()  # a pool that no policy asks any more leaves no process behind

    def close(self) -> None:
        """End every idle worker."""
        while True:
            try:
                self._idle.get_nowait().end()
            except Empty:
                return


class _Worker:
    """One process; used by one thread at a time."""

    def __init__(self, command: Sequence[str], tick: Callable[[], float]) -> None:
        self._process, self._tick = Piped(command, ONE_THREAD), tick
        self._ready = False
        self._loads_until = tick() + START_SECONDS

    def ready(self, seconds: float) -> bool:
        try:
            self._begin(seconds)
        except NamesUnavailable:
            return False
        return True

    def _begin(self, seconds: float) -> None:
        """Waits until its models are loaded, but no longer than so many seconds."""
        if self._ready:
            return
        try:
            self._process.read(seconds)
        except PipeFailed as failed:
            loading = failed.late and self._tick() < self._loads_until
            raise NamesUnavailable(LOADING if loading else str(failed)) from failed
        self._ready = True

    def ask(self, texts: Sequence[str], seconds: float) -> list[list[Span]]:
        until = self._tick() + seconds
        self._begin(seconds)
        message = orjson.dumps([text.encode("utf-8", "replace").decode() for text in texts])
        try:
            answer = orjson.loads(self._process.ask(message, max(0.0, until - self._tick())))
            spans = [[Span(*span) for span in some] for some in answer]
        except PipeFailed as failed:
            raise NamesUnavailable(str(failed)) from failed
        except (ValueError, TypeError) as error:
            raise NamesUnavailable("broken") from error
        if len(spans) != len(texts):
            raise NamesUnavailable("broken")
        return spans

    def end(self) -> None:
        self._process.end()
