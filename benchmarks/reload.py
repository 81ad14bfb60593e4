"""How long a changed rule takes to count, and what callers feel meanwhile: `python -m benchmarks.reload`.

A gateway as `hangu serve` runs it, in front of a server that plays back one answer. A rule file is written; an honest caller
asks on an open connection twenty times a second, until the rule refuses it. With a process waiting, and with none.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.rig.attacked import Attacked, attacked
from benchmarks.rig.load import machine
from benchmarks.rig.segments import records
from gateway.building import PREPARE_SECONDS

RESULT = Path(__file__).parent / "results" / "reload.json"
ROUNDS = 5
PAUSE_SECONDS = 0.05  # between an honest caller's requests: it is to feel the reload, not to hold it up
SETTLE_SECONDS = 8.0  # compiling what is in force in the process that waits
WORD = "basilisk-{number}"
RULE = """version: 1
rules:
  - id: OWN-{id}
    family: code-names
    severity: critical
    scope: {{layer: language, roles: ["*"]}}
    any: ['\\bbasilisk-{number}\\b']
    owner: sec
    expires: 2099-01-01
    tests: {{hit: ["the basilisk-{number}"], miss: ["the basilisk"]}}
"""
HANGS = """
  - id: OWN-999
    family: hang
    any: ['(?:a{0,9}a{0,9}){0,40}b']
    effect: note
    owner: sec
    expires: 2099-01-01
    tests: {hit: ["ab"], miss: ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]}
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, attacked(Path(folder), permitting=True) as target:
        cold = taken(target, 0)
        time.sleep(PREPARE_SECONDS + SETTLE_SECONDS)
        rounds = [taken(target, number) for number in range(1, ROUNDS + 1)]
        figures = {
            "seconds_until_in_force": {
                "process_waiting": {
                    "median": round(statistics.median(one[0] for one in rounds), 2),
                    "most": round(max(one[0] for one in rounds), 2),
                },
                "right_after_the_start": round(cold[0], 2),
            },
            "honest_ms_meanwhile": {
                "p50": round(statistics.median(ms for _, times in rounds for ms in times), 2),
                "max": round(max(ms for _, times in rounds for ms in times), 1),
                "p50_without": round(statistics.median(quiet(target)), 2),
            },
            "a_policy_that_hangs": hung(target),
        }
    figures |= {"how": f"python -m benchmarks.reload; {ROUNDS} changes, looked for every 0.5 s", "machine": machine()}
    RESULT.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


def taken(target: Attacked, number: int) -> tuple[float, list[float]]:
    """Seconds from the change until it refuses, and how long each answer took meanwhile."""
    with asking(target) as ask:
        rule = RULE.format(id=100 + number, number=number)
        (target.directory / "policies" / "waf" / "own.yaml").write_text(rule)
        began, times = time.monotonic(), []
        while time.monotonic() - began < 60:
            at = time.monotonic()
            refused = ask(WORD.format(number=number))
            times.append((time.monotonic() - at) * 1000)
            if refused:
                return time.monotonic() - began, times
            time.sleep(PAUSE_SECONDS)
        raise SystemExit("the rule never counted")


def quiet(target: Attacked) -> list[float]:
    with asking(target) as ask:
        times = []
        for _ in range(200):
            at = time.monotonic()
            ask("hello")
            times.append((time.monotonic() - at) * 1000)
        return times


def hung(target: Attacked) -> dict[str, object]:
    """A policy that would hang: when is it refused, and does the old one go on?"""
    output = target.directory / "policies" / "output.yaml"
    before = output.read_text()
    output.write_text(before + HANGS)
    began = time.monotonic()
    while not any(one.get("kind") == "policy.refused" for one in records(target.directory / "audit")):
        if time.monotonic() - began > 90:
            raise SystemExit("it was never refused")
        time.sleep(0.5)
    seconds = time.monotonic() - began
    output.write_text(before)
    with asking(target) as ask:
        return {"refused_after_s": round(seconds, 1), "old_rule_still_refuses": ask(WORD.format(number=ROUNDS))}


@contextmanager
def asking(target: Attacked) -> Iterator[Callable[[str], bool]]:
    with target.connect() as secure:
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {target.caller.token}\r\n"
        )

        def ask(text: str) -> bool:
            chat = {"model": "smollm2", "messages": [{"role": "user", "content": text}], "max_tokens": 8}
            body = json.dumps(chat).encode()
            secure.sendall(
                f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
            )
            said = b""
            while b"\r\n\r\n" not in said:
                said += secure.recv(65536)
            top, _, rest = said.partition(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in top.split(b"\r\n") if line.lower().startswith(b"content-length")
            )
            while len(rest) < length:
                rest += secure.recv(65536)
            return top.startswith(b"HTTP/1.1 403")

        yield ask


if __name__ == "__main__":
    main()
