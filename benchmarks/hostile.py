"""What is thrown at the gateway, and that it stands: smuggling, bombs, floods, malformed bodies, slow clients.

    python -m benchmarks.hostile [--quick]        (slow clients: apt install slowhttptest)

Writes `benchmarks/results/hostile.json`. Of every attack: was it forwarded, is every reply on record, did anything crash or
hang, and were the connections free again in time, while an honest caller asks all along. `--quick` leaves out slowhttptest.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.rig.attacked import Attacked, attacked
from benchmarks.rig.load import machine
from tests.end_to_end.sidecar import sidecar
from tests.end_to_end.site import Site
from tests.hardening.desync import ATTACKS, Attack
from tests.http import framings
from tests.tgi.wire.hostile import AT_THE_DOOR, HOSTILE

RESULT = Path(__file__).parent / "results" / "hostile.json"
HANG_SECONDS = 45.0  # the longest deadline of a body, and then some
QUIET_SECONDS = 1.0  # after a reply: is there another, of a request that was hidden in the first?
FREE_SECONDS = 30.0  # within which a slow client must have lost its connection
SLOW_CONNECTIONS = 50  # below the cap for one certificate
_ID = re.compile(rb"x-request-id: ([\w-]+)", re.I)


@dataclass(slots=True)
class Outcome:
    """What one attack brought."""

    name: str
    statuses: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    seconds: float = 0.0
    hung: bool = False
    extra: bool = False  # more replies than requests: something was smuggled


def attack(target: Attacked, one: Attack, context: ssl.SSLContext) -> Outcome:
    """Send it, and read until the connection ends or nothing more comes."""
    outcome, began, data = Outcome(one.name), time.monotonic(), b""
    with target.connect(context, timeout=HANG_SECONDS) as secure:
        sender = threading.Thread(target=_send, args=(secure, one, target.caller.token), daemon=True)
        sender.start()
        try:
            while more := secure.recv(65536):
                data += more
                secure.settimeout(QUIET_SECONDS)
        except TimeoutError:
            outcome.hung = not data
        except OSError:
            pass  # the gateway has cut it: that is one way to end it
    sender.join(HANG_SECONDS)
    outcome.seconds = round(time.monotonic() - began, 2)
    outcome.statuses = [int(status) for status in re.findall(rb"HTTP/\d\.\d (\d{3}) ", data)]
    outcome.ids = [found.decode() for found in _ID.findall(data)]
    outcome.extra = (
        sum(status != 400 for status in outcome.statuses) > one.replies
    )  # rubbish behind a request is a 400 of its own
    return outcome


def _send(secure: ssl.SSLSocket, one: Attack, token: str) -> None:
    with suppress(OSError, ValueError):
        for piece in one.pieces(token):
            secure.sendall(piece)
            if one.pause:
                time.sleep(one.pause)


def corpus() -> list[Attack]:
    """Everything there is: framings, bodies, desync, bombs."""
    raw = [Attack(each.name, lambda token, each=each: iter([each.raw])) for each in framings.HOSTILE]  # type: ignore[misc]
    bodies = [
        Attack(case[0], lambda token, case=case: iter([_request(case, token)])) for case in (*HOSTILE, *AT_THE_DOOR)
    ]  # type: ignore[misc]
    return [*raw, *bodies, *ATTACKS]


def _request(case: tuple[object, ...], token: str) -> bytes:
    _, method, path, headers, body, _ = case
    assert isinstance(headers, dict) and isinstance(body, bytes)
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}"] if body or method == "POST" else []
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of many attacks. Every figure but `attacks` and the seconds should be 0."""

    attacks: int
    crashes: int
    hangs: int
    forwarded: int
    unrecorded: int
    answered: int  # 200 to something that should not be
    smuggled: int
    failures: tuple[str, ...]
    longest_seconds: float


def throw(target: Attacked, attacks: list[Attack]) -> Tally:
    """All of them, one after another, and the gateway's own account of it."""
    before, context = target.forwarded(), target.caller.context()
    outcomes = [attack(target, one, context) for one in attacks]
    forwarded = target.forwarded() - before
    kept = target.recorded()
    unrecorded = [
        each.name
        for each in outcomes
        if len(each.ids) != len(each.statuses) or any(kept.get(i) != {"opened", "closed"} for i in each.ids)
    ]
    answered = [each.name for each in outcomes if 200 in each.statuses]
    hung, extra = [each.name for each in outcomes if each.hung], [each.name for each in outcomes if each.extra]
    crashed = [each.name for each in outcomes if any(status == 500 for status in each.statuses)]
    return Tally(
        attacks=len(outcomes),
        crashes=len(crashed) + (not target.alive()),
        hangs=len(hung),
        forwarded=forwarded,
        unrecorded=len(unrecorded),
        answered=len(answered),
        smuggled=len(extra),
        failures=tuple(sorted({*crashed, *hung, *unrecorded, *answered, *extra})),
        longest_seconds=max(each.seconds for each in outcomes),
    )


def free_within(target: Attacked, seconds: float) -> float | None:
    """Seconds until no connection is left; None when some still are."""
    began = time.monotonic()
    while target.connections():
        if time.monotonic() - began > seconds:
            return None
        time.sleep(0.25)
    return round(time.monotonic() - began, 2)


SLOW = {
    "slow headers": ("/v1/models", ("-H", "-i", "5", "-t", "GET")),
    "slow body": ("/v1/chat/completions", ("-B", "-i", "5", "-s", "8192", "-f", "application/json")),
    "slow read": ("/v1/models", ("-X", "-w", "1", "-y", "8", "-n", "5", "-z", "1", "-k", "3")),
}


def slow(target: Attacked, port: int, path: str, options: tuple[str, ...]) -> dict[str, object]:
    """slowhttptest through a forwarder with papers, since it has none; the attackers hold on, the gateway must let go."""
    held: list[tuple[float, int]] = []
    with sidecar(Site(target.directory, target.url), "analyst", port) as url, _honest(target) as times:
        command = [
            "slowhttptest",
            *options,
            "-c",
            str(SLOW_CONNECTIONS),
            "-r",
            str(SLOW_CONNECTIONS),
            "-l",
            "45",
            "-p",
            "20",
            "-u",
            f"{url}/v1/models",
        ]
        attacker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        began = time.monotonic()
        while attacker.poll() is None and time.monotonic() - began < 60:
            held.append((time.monotonic() - began, target.connections()))
            time.sleep(0.25)
        ended = attacker.poll() is not None  # by itself: it stops when it has no connection left
        while ended and held[-1][1] > 1 and time.monotonic() - began < 60:
            time.sleep(0.25)
            held.append((time.monotonic() - began, target.connections()))
        attacker.terminate()
        attacker.wait(10)
    most = max(count for _, count in held)
    full = next(at for at, count in held if count == most)
    free = next((at for at, count in held if at > full and count <= 1), None)  # one may be the honest caller's
    return {
        "connections": most,
        "seconds_until_free": None if free is None else round(free - full, 1),
        "honest": {"asked": len(times), "failed": sum(each is None for each in times), "median_ms": _median(times)},
    }


def _median(times: list[float | None]) -> float | None:
    good = [each for each in times if each is not None]
    return round(statistics.median(good) * 1000, 1) if good else None


@contextmanager
def _honest(target: Attacked) -> Iterator[list[float | None]]:
    """Somebody who asks twice a second; None for each that got no answer."""
    times: list[float | None] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.5):
            began = time.monotonic()
            times.append(time.monotonic() - began if target.answers() else None)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield times
    finally:
        over.set()
        asking.join()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def main() -> int:
    quick = "--quick" in sys.argv
    ports = [_free_port() for _ in SLOW]  # of the forwarders, whose Host would be refused at once if nobody knew it
    names = json.dumps(["localhost", "127.0.0.1", *(f"127.0.0.1:{port}" for port in ports)])
    with tempfile.TemporaryDirectory() as folder, attacked(Path(folder), listen__server_names=names) as target:
        tally = throw(target, corpus())
        freed = free_within(target, FREE_SECONDS + 10)
        there = shutil.which("slowhttptest") is not None and not quick
        slowly = (
            {name: slow(target, port, *how) for port, (name, how) in zip(ports, SLOW.items(), strict=True)}
            if there
            else {}
        )
        standing = target.alive() and target.answers()
    figures = {name: getattr(tally, name) for name in Tally.__slots__}
    result = {
        "corpus": figures,
        "seconds_until_all_connections_were_free": freed,
        "slow_clients": slowly or "slowhttptest is not installed, or was left out",
        "standing_and_answering_afterwards": standing,
        "machine": machine(),
    }
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(result, indent=1, ensure_ascii=False))
    late = [
        name
        for name, each in slowly.items()
        if each["seconds_until_free"] is None or float(str(each["seconds_until_free"])) > FREE_SECONDS + 1
    ]
    return int(bool(tally.failures or tally.forwarded or late or freed is None or not standing))


if __name__ == "__main__":
    sys.exit(main())
