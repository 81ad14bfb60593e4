"""Workers with libmodsecurity in them, and a deadline for all. One that is late, dies or answers nonsense is ended and replaced.

A new worker is ready a fifth of a second after it began; until then it takes no questions. While none is free the asker
waits no longer than its deadline, and is then told that there is no answer: what that means is decided elsewhere.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from queue import Empty, Queue

import orjson

from gateway.detect.crs.engine import EngineMissing, Request, RulesRefused
from gateway.detect.crs.worker import SETS, packed
from gateway.detect.piped import Piped, PipeFailed

START_SECONDS = 20.0  # loading the library and the rules on a slow, busy disk; a tenth of a second as a rule
AGAIN_SECONDS = 1.0  # after a worker that would not start
COMMAND = (sys.executable, "-m", "gateway.detect.crs.worker")


class CrsUnavailable(Exception):
    """No answer in time, or none at all. Raised through the stage, it refuses."""


class Workers:
    """So many processes, asked from any thread. `start` makes one for a library."""

    def __init__(self, library: str, count: int, start: Callable[[str], Piped] | None = None) -> None:
        self._library, self._count = library, count
        self._start = start or (lambda path: Piped((*COMMAND, path)))
        self._idle: Queue[Piped] = Queue()
        self._sets: OrderedDict[str, list[str]] = OrderedDict()
        self._closed = threading.Event()
        self._begun = threading.Lock()
        self._running = False

    def load(self, key: str, files: Sequence[str]) -> None:
        """Have every worker load these rules. Raises `RulesRefused`, `EngineMissing` or `CrsUnavailable`; the rest stays."""
        with self._begun:  # one load at a time
            if not self._running:
                for _ in range(self._count):
                    self._idle.put(self._begin())
                self._running = True
            self._load_all(key, list(files))
            self._sets[key] = list(files)
            while len(self._sets) > SETS:
                self._sets.popitem(last=False)

    def ask(self, key: str, requests: Sequence[Request], seconds: float) -> list[list[int]]:
        """The numbers of the rules each request fires, or `CrsUnavailable`."""
        until = time.monotonic() + seconds
        worker = self._take(seconds)
        message = orjson.dumps({"ask": key, "requests": [packed(one) for one in requests]})
        try:
            fired = _fired(worker.ask(message, max(0.0, until - time.monotonic())), len(requests))
        except PipeFailed as failed:
            self._replace(worker)
            raise CrsUnavailable(f"the rules gave no answer: {failed}") from failed
        self._give_back(worker)
        return fired

    @property
    def ready(self) -> int:
        """How many could take a question now."""
        return self._idle.qsize()

    def close(self) -> None:
        """End every worker; those at work end when they answer."""
        self._closed.set()
        while True:
            try:
                self._idle.get_nowait().end()
            except Empty:
                return

    def _load_all(self, key: str, files: list[str]) -> None:
        workers: list[Piped] = []
        try:
            for _ in range(self._count):
                worker = self._take(START_SECONDS)
                workers.append(worker)
                _load(worker, key, files)
        except PipeFailed as failed:
            self._replace(workers.pop())
            raise CrsUnavailable(f"the rules did not load: {failed}") from failed
        finally:
            for worker in workers:
                self._give_back(worker)

    def _take(self, seconds: float) -> Piped:
        try:
            return self._idle.get(timeout=seconds)
        except Empty:
            raise CrsUnavailable("no worker is free") from None

    def _give_back(self, worker: Piped) -> None:
        if self._closed.is_set():
            worker.end()
        else:
            self._idle.put(worker)

    def _replace(self, worker: Piped) -> None:
        """End it, and begin another beside the asker: nobody waits for that."""
        worker.end()
        threading.Thread(target=self._renew, name="crs-renewal", daemon=True).start()

    def _renew(self) -> None:
        while not self._closed.is_set():
            try:
                self._give_back(self._begin())
            except (EngineMissing, PipeFailed, RulesRefused, OSError):
                self._closed.wait(AGAIN_SECONDS)
            else:
                return

    def _begin(self) -> Piped:
        """A worker that has said it is there, with the rules of the others."""
        worker = self._start(self._library)
        try:
            said = orjson.loads(worker.read(START_SECONDS))
            if said.get("refused"):
                raise EngineMissing(str(said["refused"]))
            for key, files in list(self._sets.items()):
                _load(worker, key, files)
        except (PipeFailed, RulesRefused, EngineMissing, ValueError, AttributeError) as error:
            worker.end()
            if isinstance(error, ValueError | AttributeError):
                raise PipeFailed(late=False) from error
            raise
        return worker


def _load(worker: Piped, key: str, files: list[str]) -> None:
    try:
        said = orjson.loads(worker.ask(orjson.dumps({"load": key, "files": files}), START_SECONDS))
    except ValueError as error:
        raise PipeFailed(late=False) from error
    if said.get("refused"):
        raise RulesRefused(str(said["refused"]))


def _fired(answer: bytes, wanted: int) -> list[list[int]]:
    """The answer, if it is one: so many lists of numbers."""
    try:
        fired = orjson.loads(answer)["fired"]
        sound = len(fired) == wanted and all(isinstance(number, int) for one in fired for number in one)
    except (ValueError, KeyError, TypeError) as error:
        raise PipeFailed(late=False) from error
    if not sound:
        raise PipeFailed(late=False)
    return [list(one) for one in fired]
