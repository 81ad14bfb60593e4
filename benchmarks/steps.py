"""What each step of an exchange costs by itself: CPU microseconds in one process, without sockets, threads or disks.

    python -m benchmarks.steps

Every text is one that was not seen before. A figure is the best of many rounds of CPU time, which is what a busy machine
disturbs least; steps measured so meet warm caches, so their sum is less than the same steps cost one after another, and
"whole" is that. Writes `benchmarks/results/steps.json`.
"""

from __future__ import annotations

import gc
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from benchmarks.rig import mock
from benchmarks.rig.load import chat, fresh, machine
from benchmarks.rig.sites import HANGU, unlimited
from gateway import app
from gateway.audit import canonical, record
from gateway.core.exchange import Certificate, Credentials, Exchange, Peer
from gateway.core.pipeline import Gate, Judgement, judge, redacted
from gateway.core.ports import Ask, Route, Wire
from gateway.core.reply import Channel, Delta, Event
from gateway.core.stage import Rewriter, Stage
from gateway.core.stream import Inspection
from gateway.core.verdict import Amend, Refuse
from gateway.http.outcome import Ending, Outcome
from gateway.http.proxy import chain_of
from gateway.http.tls import client_of
from gateway.observe import Metrics

ROUNDS, CALLS, TOKENS = 40, 50, 200
SALT = "0" * 64
REPLY = mock.whole().split(b"\r\n\r\n", 1)[1]
CHUNKS = [chunk.split(b"\r\n", 1)[1][:-2] for chunk in mock.CHUNKS]

Table = dict[str, float]


@dataclass(frozen=True, slots=True)
class Rig:
    """One site's gate and wire, and the papers of its analyst."""

    gate: Gate
    wire: Wire
    route: Route
    certificate: Certificate
    token: str

    def asked(self, body: bytes) -> Ask:
        ask = self.wire.read(self.route, body)
        assert not isinstance(ask, Refuse)
        return ask

    def exchange(self, ask: Ask, number: int = 0) -> Exchange:
        who = Peer("127.0.0.1", self.certificate)
        return Exchange(
            f"hx-{number:08}", time.time(), who, self.route.path, ask.action, ask.model, ask.passages, ask.parameters,
            ask.streaming, Credentials(self.token), mark=number,
        )  # fmt: skip

    def judged(self, exchange: Exchange) -> Judgement:
        judgement = judge(self.gate.stages, exchange, time.perf_counter)
        assert judgement.refusal is None, judgement.refusal
        return judgement

    def inspection(self, exchange: Exchange) -> Inspection:
        return Inspection(partial(chain_of, self.gate, exchange), exchange.parameters.tools)


@contextmanager
def rig() -> Iterator[Rig]:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "site"
        subprocess.run([*HANGU, "init", str(directory)], check=True, stdout=subprocess.DEVNULL)
        unlimited(directory)
        site = app.open_site(directory)
        policies = app.load_bundle(site)
        gate = app.build_gate(policies, site.settings, app.lasting(site))
        wire = app.wire(site.settings, policies.routing.default.name)
        route = next(route for route in wire.routes if route.path == "/v1/chat/completions")
        papers = directory / "clients" / "analyst"
        der = x509.load_pem_x509_certificate((papers / "cert.pem").read_bytes()).public_bytes(Encoding.DER)
        yield Rig(gate, wire, route, client_of(der).certificate, (papers / "token.jwt").read_text().strip())


def best(step: Callable[[], object], calls: int = CALLS) -> float:
    """CPU microseconds of one call."""
    step()
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(calls):
            step()
        rounds.append((time.process_time() - began) / calls * 1e6)
    return round(min(rounds), 2)


def each(values: list[Exchange] | list[bytes] | list[Ask], step: Callable[..., object]) -> Callable[[], object]:
    """The step on one value after the other."""
    turn = itertools.cycle(values)
    return lambda: step(next(turn))


def request_steps(rig: Rig) -> Table:
    """From bytes to the record before the model is asked."""
    bodies = [fresh(chat(1024), number) for number in range(ROUNDS * CALLS + CALLS)]
    asks = [rig.asked(body) for body in bodies]
    exchanges = [rig.exchange(ask, number) for number, ask in enumerate(asks)]
    table = {
        "read": best(each(bodies, rig.asked)),
        "exchange": best(each(asks, rig.exchange)),
        "judge": best(each(exchanges, rig.judged)),
    }
    for stage in rig.gate.stages:
        exchanges = [rig.exchange(rig.asked(fresh(chat(1024), number))) for number in range(-1, -len(bodies) - 1, -1)]
        before = list(itertools.takewhile(lambda one, last=stage: one is not last, rig.gate.stages))  # type: ignore[misc]
        exchanges = [_after(before, exchange) for exchange in exchanges]
        table[f"judge.{stage.name}"] = best(each(exchanges, stage.judge))
    judgement = rig.judged(rig.exchange(asks[0]))
    kept = redacted(rig.gate, judgement, time.perf_counter)
    opened = partial(record.opened, judgement.exchange, judgement, rig.gate.digest, 1.0, redacted=kept)
    return {
        **table,
        "record.opened": best(opened),
        "record.opened.encode": best(partial(canonical.encode, opened(), SALT)),
        "send on": best(partial(asks[0].request, judgement.exchange)),
    }


def _after(stages: Sequence[Stage], exchange: Exchange) -> Exchange:
    for stage in stages:
        verdict = stage.judge(exchange)
        exchange = verdict.exchange if isinstance(verdict, Amend) else exchange
    return exchange


def reply_steps(rig: Rig) -> Table:
    """From the backend's bytes to the client's, and the record before the last of them."""
    ask = rig.asked(fresh(chat(1024), 1))
    judgement = rig.judged(rig.exchange(ask))
    exchange = judgement.exchange
    events = _read(ask)
    text = "".join(event.text for event in events if isinstance(event, Delta))
    out = rig.inspection(exchange).feed(events)
    ending = _ending(rig.inspection(exchange), events)
    closed = partial(_closed, exchange, ending)
    table = {"reply.read": best(partial(_read, ask)), "inspect": best(lambda: rig.inspection(exchange).feed(events))}
    for rewriter in rig.gate.rewriters:
        table[f"inspect.{rewriter.name}"] = best(partial(_rewrite, rewriter, exchange, text))
    return {
        **table,
        "write": best(partial(_write, ask, exchange, out)),
        "record.closed": best(closed),
        "record.closed.encode": best(partial(canonical.encode, closed(), SALT)),
        "metrics": best(partial(_count, Metrics(), judgement, ending)),
    }


def _read(ask: Ask) -> list[Event]:
    reading = ask.reading()
    return reading.feed(REPLY) + reading.finish()


def _rewrite(rewriter: Rewriter, exchange: Exchange, text: str) -> None:
    transform = rewriter.transform(exchange, Channel())
    transform.feed(text)
    transform.finish()


def _write(ask: Ask, exchange: Exchange, events: list[Event]) -> bytes:
    writing = ask.writing(exchange, 1)
    writing.write(events)
    return writing.finish()


def _ending(seen: Inspection, events: list[Event]) -> Ending:
    seen.feed(events)
    told = {str(channel): text for channel, text in seen.released.items()}
    return Ending(Outcome.ANSWERED, None, told, tuple(seen.findings), seen.usage, "", 0.1)


def _closed(exchange: Exchange, ending: Ending) -> record.Closed:
    return record.closed(
        exchange, 1.0, ending.outcome.value, None, ending.answers, ending.findings, ending.usage, {"total": 0.1}
    )


def _count(metrics: Metrics, judgement: Judgement, ending: Ending) -> None:
    metrics.judged(judgement)
    metrics.ended(judgement, ending)


def whole(rig: Rig) -> Table:
    """Every step of a request, in order, on texts not seen before."""
    numbers, metrics = itertools.count(1_000_000), Metrics()

    def once() -> None:
        number = next(numbers)
        ask = rig.asked(fresh(chat(1024), number))
        judgement = rig.judged(rig.exchange(ask, number))
        kept = redacted(rig.gate, judgement, time.perf_counter)
        exchange = judgement.exchange
        canonical.encode(record.opened(exchange, judgement, rig.gate.digest, 1.0, redacted=kept), SALT)
        ask.request(exchange)
        seen = rig.inspection(exchange)
        events = _read(ask)
        ending = _ending(seen, events)
        canonical.encode(_closed(exchange, ending), SALT)
        _write(ask, exchange, events)
        _count(metrics, judgement, ending)

    return {"whole": best(once)}


def token_steps(rig: Rig) -> Table:
    """A streamed token: read, inspected by each rewriter, written."""
    ask = rig.asked(fresh(chat(400, True), 1))
    exchange = rig.judged(rig.exchange(ask)).exchange
    chunks = list(itertools.islice(itertools.cycle(CHUNKS), TOKENS))
    reading = ask.reading()
    read = [reading.feed(chunk) for chunk in chunks]
    texts = [event.text for events in read for event in events if isinstance(event, Delta)]
    table = {
        "token": best(partial(_stream, rig, ask, exchange, chunks), 1),
        "token.read": best(lambda: list(map(ask.reading().feed, chunks)), 1),
        "token.inspect": best(lambda: list(map(rig.inspection(exchange).feed, read)), 1),
    }
    for rewriter in rig.gate.rewriters:
        feed = partial(lambda one: list(map(one.transform(exchange, Channel()).feed, texts)), rewriter)
        table[f"token.inspect.{rewriter.name}"] = best(feed, 1)
    table["token.write"] = best(lambda: list(map(ask.writing(exchange, 1).write, read)), 1)
    return {name: round(figure / TOKENS, 3) for name, figure in table.items()}


def _stream(rig: Rig, ask: Ask, exchange: Exchange, chunks: list[bytes]) -> None:
    reading, seen, writing = ask.reading(), rig.inspection(exchange), ask.writing(exchange, 1)
    for chunk in chunks:
        writing.write(seen.feed(reading.feed(chunk)))


def main() -> int:
    with rig() as made:
        gc.collect()
        gc.freeze()  # as a serving process does
        table = {**whole(made), **request_steps(made), **reply_steps(made), **token_steps(made)}
    for name, figure in table.items():
        print(f"{name:24} {figure:8.2f} µs")
    result = {
        "microseconds": table,
        "how": f"CPU time of one process, best of {ROUNDS} rounds of {CALLS} calls, 1 KB chat with words of its own, "
        f"400 characters of answer; tokens: best of {ROUNDS} streams of {TOKENS}",
        "machine": machine(),
    }
    (Path(__file__).parent / "results" / "steps.json").write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
