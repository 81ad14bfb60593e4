"""The port for an outside model that scores texts, and the guard that keeps a slow or broken one from holding up the gate.

The guard waits no longer than its deadline, and stops asking for a while once the model has failed several times running.
What an unanswered question means is policy's matter: `Unavailable` is raised, never a score made up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import Protocol

FAILURES = 3  # in a row, before the model is left alone
REST = 10.0  # seconds it is left alone for
ASKED_AT_ONCE = 4  # threads: further questions wait, and the deadline holds for the waiting too


class Classifier(Protocol):
    """Scores texts from 0 (harmless) to 1 (attack). `roles` are who said each of them: user, tool, document, …"""

    def score(self, texts: Sequence[str], roles: Sequence[str]) -> Sequence[float]: ...


class Unavailable(Exception):
    """The classifier gave no answer in time, failed, or is being left alone."""


class Guarded:
    """A classifier behind a deadline for all texts of a question, in seconds, and a breaker. `tick` reads a monotonic clock."""

    def __init__(self, classifier: Classifier, deadline: float, tick: Callable[[], float]) -> None:
        self._classifier, self._deadline, self._tick = classifier, deadline, tick
        self._threads = ThreadPoolExecutor(ASKED_AT_ONCE, thread_name_prefix="classifier")
        self._lock = threading.Lock()
        self._failures, self._rests_until = 0, float("-inf")

    def score(self, texts: Sequence[str], roles: Sequence[str]) -> Sequence[float]:
        """The scores, one for each text, or `Unavailable`."""
        with self._lock:
            if self._tick() < self._rests_until:
                raise Unavailable("the classifier failed repeatedly and is left alone")
        asked = self._threads.submit(self._classifier.score, texts, roles)
        try:
            scores = _sound(self._answer(asked), len(texts))
        except Unavailable:
            self._failed()
            raise
        with self._lock:
            self._failures = 0
        return scores

    def _answer(self, asked: Future[Sequence[float]]) -> Sequence[float]:
        try:
            return asked.result(self._deadline)
        except TooLate as error:
            asked.cancel()
            raise Unavailable(f"the classifier took longer than {self._deadline} s") from error
        except Exception as error:  # foreign code: whatever it raises, it gave no answer
            raise Unavailable(f"the classifier failed: {type(error).__name__}") from error

    def _failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES:
                self._failures, self._rests_until = 0, self._tick() + REST


def _sound(scores: Sequence[float], wanted: int) -> Sequence[float]:
    if len(scores) != wanted or not all(0 <= score <= 1 for score in scores):
        raise Unavailable("the classifier's answer is not one score from 0 to 1 for each text")
    return scores
