"""Workers that are killed, hung, mad or missing: the asker is told in time, and others take their place."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

import pytest

from gateway.detect.crs.engine import EngineMissing, Request, RulesRefused
from gateway.detect.crs.workers import CrsUnavailable, Workers
from gateway.detect.piped import MAX_MESSAGE, Piped, PipeFailed
from tests.detect.crs.rules import a_worker_that

ANSWERS = "say(b'{\"fired\": [[942999]]}')"
SOON = 10.0  # seconds; what takes longer has failed


def until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SOON
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def loaded(start: Callable[[str], Piped], count: int = 1) -> Workers:
    workers = Workers("library", count, start)
    workers.load("key", [])
    return workers


def test_an_answer_is_passed_on() -> None:
    workers = loaded(lambda _: a_worker_that(ANSWERS))
    assert workers.ask("key", [Request()], SOON) == [[942999]]
    workers.close()


@pytest.mark.parametrize(
    "does",
    [
        "time.sleep(60)", "os._exit(1)", 'say(b"")', 'say(b"nonsense")', "say(b'{\"fired\": []}')", "say(b'{\"fired\": [[\"x\"]]}')", "say(b'[1]')",
        'sys.stdout.buffer.write(b"\\xff\\xff\\xff\\xff"); sys.stdout.buffer.flush(); time.sleep(60)', "os.kill(os.getpid(), 11)",
    ],
    ids=["hung", "dead", "empty", "no JSON", "too few", "no numbers", "no object", "endless", "crashed"],
)  # fmt: skip
def test_a_worker_that_gives_no_sound_answer_is_no_answer_and_is_replaced(does: str) -> None:
    kinds = iter([does])
    workers = loaded(lambda _: a_worker_that(next(kinds, ANSWERS)))
    began = time.monotonic()
    with pytest.raises(CrsUnavailable):
        workers.ask("key", [Request()], 0.3)
    assert time.monotonic() - began < SOON
    assert until(lambda: workers.ready == 1)
    assert workers.ask("key", [Request()], SOON) == [[942999]]
    workers.close()


def test_a_worker_that_is_killed_between_questions_is_replaced_by_one_with_the_same_rules() -> None:
    made: list[Piped] = []

    def start(_: str) -> Piped:
        made.append(a_worker_that(ANSWERS))
        return made[-1]

    workers = loaded(start)
    os.kill(made[0].pid, signal.SIGKILL)
    with pytest.raises(CrsUnavailable):
        workers.ask("key", [Request()], SOON)
    assert until(lambda: workers.ready == 1)
    assert workers.ask("key", [Request()], SOON) == [[942999]]
    workers.close()


def test_while_every_worker_is_busy_nobody_waits_longer_than_the_deadline() -> None:
    workers = loaded(lambda _: a_worker_that(f"time.sleep(0.5); {ANSWERS}"))
    first = threading.Thread(target=lambda: workers.ask("key", [Request()], SOON))
    first.start()
    assert until(lambda: workers.ready == 0)
    with pytest.raises(CrsUnavailable, match="no worker is free"):
        workers.ask("key", [Request()], 0.01)
    first.join()
    workers.close()


def test_a_worker_still_starting_is_not_asked_and_so_not_ended_for_being_slow() -> None:
    begun: list[float] = []

    def start(_: str) -> Piped:
        begun.append(time.monotonic())
        return a_worker_that("os._exit(1)" if len(begun) == 1 else ANSWERS)

    workers = loaded(start)
    for _ in range(3):
        with pytest.raises(CrsUnavailable):
            workers.ask("key", [Request()], 0.001 if begun[1:] else SOON)
    assert until(lambda: workers.ready == 1)
    assert len(begun) == 2
    workers.close()


def test_a_missing_library_is_told_of() -> None:
    with pytest.raises(EngineMissing, match="nowhere"):
        Workers("/nowhere/libmodsecurity.so", 1).load("key", [])


def test_one_that_answers_loading_with_a_refusal_is_believed() -> None:
    refusing = "import sys\n"
    say = 'sys.stdout.buffer.write(len(d).to_bytes(4, "big") + d); sys.stdout.buffer.flush()'
    code = f'{refusing}d = b"{{}}"; {say}\nsys.stdin.buffer.read(4)\nd = b\'{{"refused": "bad pattern"}}\'; {say}\nsys.stdin.buffer.read()'
    workers = Workers("library", 1, lambda _: Piped([sys.executable, "-c", code]))
    with pytest.raises(RulesRefused, match="bad pattern"):
        workers.load("key", [])
    workers.close()


def test_a_claim_of_more_than_a_message_may_have_is_no_message() -> None:
    size = (MAX_MESSAGE + 1).to_bytes(4, "big")
    process = Piped(
        [sys.executable, "-c", f"import sys; sys.stdout.buffer.write({size!r}); sys.stdout.flush(); sys.stdin.read()"]
    )
    with pytest.raises(PipeFailed, match="broken"):
        process.read(SOON)
    process.end()


def test_a_process_that_reads_nothing_does_not_hold_up_who_writes() -> None:
    process = Piped([sys.executable, "-c", "import time; time.sleep(60)"])
    with pytest.raises(PipeFailed, match="late"):
        process.ask(b"x" * (4 << 20), 0.2)
    process.end()


def test_secrets_in_the_environment_do_not_reach_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANGU_SECRET", "s3cret")
    code = "import os, sys; d = ','.join(os.environ).encode(); sys.stdout.buffer.write(len(d).to_bytes(4, 'big') + d); sys.stdout.flush()"
    process = Piped([sys.executable, "-c", code])
    assert b"HANGU_SECRET" not in process.read(SOON)
    process.end()
