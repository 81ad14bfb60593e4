"""Has policies tried by a process of its own, within limits of time and memory, before this one takes them up. See `trial`.

What hangs, eats memory or crashes while policies are made ready does so there. The answer is a digest that may be trusted, or
PolicyError; meanwhile, and afterwards, the policies in force stay. Where several workers serve one site, one of them
has the trial made, and leaves a sealed word of it for the others.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from gateway.core.errors import PolicyError
from gateway.detect.compiled import Shelf
from gateway.detect.piped import Piped, PipeFailed

START_SECONDS = 30.0  # loading everything on a slow, busy disk; a second as a rule
TRIALS = 20  # of one process; then another begins, so that nothing it may have kept grows
GOOD_SECONDS = 60.0  # how long another worker's word counts: a change reaches all of them within a few
WHERE = "policies"
STAY = "the policies in force stay until then"
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # each would take address space for its own


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one trial: seconds by the clock (and of the processor), and megabytes of address space."""

    seconds: float
    megabytes: int


@dataclass(frozen=True, slots=True)
class Kept:
    """Where compiled patterns and words of trials are kept, and the key that seals them."""

    directory: Path
    key: bytes

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.directory, self.key)


class Trials:
    """Asks one process at a time, from any thread. `ready` keeps one waiting that has tried the present policies before."""

    def __init__(
        self,
        site: Path,
        limits: Limits,
        kept: Kept | None,
        *,
        ready: bool = False,
        start: Callable[[int], Piped] | None = None,
    ) -> None:
        self._site, self._limits, self._kept, self._ready = site, limits, kept, ready
        self._start = start or _begun
        self._one = threading.Lock()
        self._process: Piped | None = None
        self._trials = 0
        self._closed = False
        self._good = ""

    def trust(self, digest: str) -> None:
        """These are in force, and need no trial."""
        self._good = digest

    def prepare(self) -> None:
        """Have a process try what is in force, so that the next trial compiles only what changed. Waits; raises nothing."""
        if self._ready:
            with contextlib.suppress(PolicyError):
                self._ask()

    def digest(self, now: str) -> str:
        """The digest of the policies that were found good. `now` is that of the files as they are. Raises PolicyError."""
        if now == self._good:
            return now
        with _alone(self._kept):
            self._good = now if self._is_good(now) else self._tried()
        return self._good

    def close(self) -> None:
        """End the process, at work or not: who waits for its answer is told that there is none."""
        self._closed = True
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        with self._one:
            self._end()

    def _tried(self) -> str:
        found = self._ask()
        if self._kept is not None:
            self._kept.shelf.put(_word(found), repr(time.time()).encode())
        return found

    def _is_good(self, digest: str) -> bool:
        """Did another worker just find these good?"""
        said = self._kept.shelf.get(_word(digest)) if self._kept is not None else None
        return said is not None and 0 <= time.time() - float(said) <= GOOD_SECONDS

    def _ask(self) -> str:
        with self._one:
            try:
                if self._process is None:
                    self._process = self._start(self._limits.megabytes)
                    self._process.read(START_SECONDS)
                said = self._process.ask(self._question(), self._limits.seconds)
            except PipeFailed as failed:
                self._end()
                raise PolicyError(*self._too_much(failed)) from failed
            self._trials += 1
            if not self._ready or self._closed or self._trials >= TRIALS:
                self._end()
            return self._found(said)

    def _question(self) -> bytes:
        shelf, key = (str(self._kept.directory), self._kept.key.hex()) if self._kept else ("", "")
        return orjson.dumps({"site": str(self._site), "seconds": self._limits.seconds, "shelf": shelf, "key": key})

    def _found(self, said: bytes) -> str:
        found = orjson.loads(said)
        if "digest" in found:
            return str(found["digest"])
        if "memory" in found:
            self._end()
            raise PolicyError(self._memory(), WHERE, f"{_SIMPLER}, or raise trial_megabytes; {STAY}")
        raise PolicyError(found["what"], found["where"], found["hint"])

    def _too_much(self, failed: PipeFailed) -> tuple[str, str, str]:
        if failed.late:
            what = f"took longer than {self._limits.seconds:g} s to make ready and try"
            return what, WHERE, f"{_SIMPLER}, or raise trial_seconds; {STAY}"
        return f"{self._memory()}, or something in them broke what compiles them", WHERE, f"{_SIMPLER}; {STAY}"

    def _memory(self) -> str:
        return f"need more than {self._limits.megabytes} MB of memory to make ready and try"

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process, self._trials = None, 0


_SIMPLER = "take out or simplify what changed last (long alternations and counted repeats weigh most)"


def _word(digest: str) -> str:
    return f"good-{digest}"


def _begun(megabytes: int) -> Piped:
    return Piped((sys.executable, "-m", "gateway.trial", str(megabytes)), _ONE_THREAD)


@contextlib.contextmanager
def _alone(kept: Kept | None) -> Iterator[None]:
    """One worker of a site at a time, where they have a directory in common; all at once where they have none."""
    try:
        held = None if kept is None else _lock(kept.directory)
    except OSError:
        held = None
    try:
        yield
    finally:
        if held is not None:
            os.close(held)


def _lock(directory: Path) -> int:
    directory.mkdir(mode=0o700, exist_ok=True)
    held = os.open(directory / "trial.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    return held
