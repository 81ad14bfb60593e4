"""What operators see: counts of what happened and one structured line per exchange. Never text, tokens or names.

Stages neither log nor count; this module is told of judgements and endings. What the numbers are called is in `instruments`.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from gateway.audit.progress import Progress
from gateway.core.exchange import Action
from gateway.core.pipeline import REQUEST_ORDER, Judgement
from gateway.http.outcome import Ending
from gateway.instruments import LATENCY_BUCKETS, STAGE_BUCKETS, Instruments
from gateway.tallies import Counts, Durations

FOLD_SECONDS = 1.0  # how far behind the others a worker's numbers may be: far below any interval of scraping


class Metrics:
    """Counts what happens. What every exchange adds to is kept here, and handed to the library in bulk."""

    def __init__(self) -> None:
        self.told = Instruments()
        self.under_way = 0
        self._stage = {step.name: Durations(STAGE_BUCKETS) for step in REQUEST_ORDER}
        self._latency = {action: Durations(LATENCY_BUCKETS) for action in Action}
        self._first_byte = Durations(LATENCY_BUCKETS)
        self._exchange: Counts[tuple[str, str]] = Counts()
        self._finding: Counts[tuple[str, str]] = Counts()
        self._token: Counts[str] = Counts()

    def judged(self, judgement: Judgement) -> None:
        """A request was judged."""
        for ruling in judgement.rulings:
            self._stage[ruling.stage].add(ruling.seconds)
            for finding in ruling.verdict.findings:
                self._finding.add((finding.kind, "request"))

    def ended(self, judgement: Judgement, ending: Ending) -> None:
        """An exchange ended."""
        action = judgement.exchange.action
        self._exchange.add((action, ending.outcome))
        if ending.code is not None:
            self.told.refusals.labels(ending.code.value).inc()
        for finding in ending.findings:
            self._finding.add((finding.kind, "response"))
        if ending.usage is not None:
            self._token.add("prompt", ending.usage.prompt_tokens)
            self._token.add("completion", ending.usage.completion_tokens)
        if ending.answers:
            self._latency[action].add(ending.seconds)
        if ending.first_byte_seconds is not None:
            self._first_byte.add(ending.first_byte_seconds)

    def fold(self) -> None:
        """Hand what was counted to the library. Other workers see of this one what was handed on."""
        self.told.inside.set(self.under_way)
        for histogram, told in ((self.told.stages, self._stage), (self.told.latency, self._latency)):
            for name, durations in told.items():
                if durations:
                    histogram.labels(name).take(*durations.take())
        self.told.first_byte.take(*self._first_byte.take())
        for counter, counts in ((self.told.exchanges, self._exchange), (self.told.findings, self._finding)):
            for labels, amount in counts.take():
                counter.labels(*labels).inc(amount)
        for direction, amount in self._token.take():
            self.told.tokens.labels(direction).inc(amount)

    async def keep_folding(self) -> None:
        """So that what one worker is asked for has all of them, but for the last moments."""
        while True:
            await asyncio.sleep(FOLD_SECONDS)
            self.fold()

    def noticed(self, why: str) -> None:
        """A connection ended without an exchange; `why` is a word of the listener's closed set."""
        self.told.connections.labels(why).inc()

    def loaded(self, result: str) -> None:
        """A policy was loaded or refused."""
        self.told.policies.labels(result).inc()

    def gpus(self, percent: Mapping[str, float]) -> None:
        """What the GPU exporter said; one that says nothing any more has no value."""
        self.told.gpu.clear()
        for name, value in percent.items():
            self.told.gpu.labels(name).set(value)

    def carried(self, told: Progress) -> None:
        """How far the record is on its way to the cluster."""
        kept = self.told.record
        kept.reconciled.set(told.reconciled)
        kept.caught_up.set(told.caught_up)
        kept.quarantined.set(told.quarantined)
        for origin, found in told.complete.items():
            kept.completeness.labels(origin).set(found.ratio)
            kept.doubled.labels(origin).set(found.doubled)

    def render(self) -> bytes:
        """The Prometheus text format; of all workers together when there are several."""
        self.fold()
        return self.told.text()


def start_logging(level: str, emit: Callable[[str], None] | None = None) -> None:
    """JSON lines on standard error, through structlog; aiohttp's own loggers never quote a header."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr) if emit is None else lambda *_: _Emitter(emit),
        cache_logger_on_first_use=True,
    )
    for name in ("aiohttp.server", "aiohttp.access", "aiohttp.client", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers = [_Forward()]
        logger.propagate = False
        logger.setLevel(logging.WARNING)


def log_line(judgement: Judgement, ending: Ending) -> dict[str, Any]:
    """What one exchange's line says: who by role and tenant is in the record, not here."""
    exchange = judgement.exchange
    return {
        "request_id": exchange.id,
        "action": exchange.action.value,
        "streaming": exchange.streaming,
        "outcome": ending.outcome.value,
        "code": ending.code.value if ending.code else None,
        "seconds": round(ending.seconds, 6),
        "fault": ending.fault or next((ruling.fault for ruling in judgement.rulings if ruling.fault), None),
    }


class _Emitter:
    """A structlog output for tests and embedding: hands each finished line on."""

    def __init__(self, emit: Callable[[str], None]) -> None:
        self.msg = self.debug = self.info = self.warning = self.error = self.critical = emit


class _Forward(logging.Handler):
    """Other libraries' warnings as one structured line: the logger and the kind of error, never the message."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        structlog.get_logger().warning("library_warning", logger_name=record.name, error=error)
