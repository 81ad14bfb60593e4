"""What operators see: metrics with bounded labels and one structured line per exchange. Never text, tokens or names.

Stages neither log nor count; this module is told of judgements and endings, and is the only importer of prometheus_client.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

from gateway.audit.progress import Progress
from gateway.core.exchange import Action
from gateway.core.pipeline import REQUEST_ORDER, Judgement
from gateway.http.outcome import Ending
from gateway.tallies import Counts, Durations

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FOLD_SECONDS = 1.0  # how far behind the others a worker's numbers may be: far below any interval of scraping
_LATENCY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_STAGE_BUCKETS = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1)


class _Histogram(Histogram):
    """One that takes what was counted elsewhere: the library has no way to observe many at once."""

    def take(self, counts: Sequence[int], seconds: float) -> None:
        self._sum.inc(seconds)
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)


class Metrics:
    """Every number the gateway publishes. Labels come from closed sets: codes, actions, stages, outcomes, kinds."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.latency = _Histogram(
            "deepseek_latency_seconds",
            "From admission to the last byte of the model's answer",
            ["action"],
            buckets=_LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.first_byte = _Histogram(
            "hangu_first_byte_seconds",
            "From admission to the first byte of a streamed answer",
            buckets=_LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.gpu = Gauge(
            "gpu_utilization_percent",
            "GPU utilisation as the GPU exporter reports it, 0 to 100",
            ["gpu"],
            multiprocess_mode="mostrecent",
            registry=self.registry,
        )
        self.stages = _Histogram(
            "hangu_stage_seconds",
            "Time one stage took to judge one request",
            ["stage"],
            buckets=_STAGE_BUCKETS,
            registry=self.registry,
        )
        self.exchanges = Counter(
            "hangu_exchanges",
            "Exchanges by what was asked and how it ended",
            ["action", "outcome"],
            registry=self.registry,
        )
        self.refusals = Counter("hangu_refusals", "Refusals and failures by code", ["code"], registry=self.registry)
        self.findings = Counter(
            "hangu_findings", "What rules saw, by kind and direction", ["kind", "direction"], registry=self.registry
        )
        self.tokens = Counter("hangu_tokens", "Tokens the model read and wrote", ["direction"], registry=self.registry)
        self.inside = Gauge(
            "hangu_exchanges_under_way", "Exchanges under way", multiprocess_mode="livesum", registry=self.registry
        )
        self.policies = Counter("hangu_policy_loads", "Policy loads by result", ["result"], registry=self.registry)
        self.connections = Counter(
            "hangu_connections_ended", "Connections ended without an exchange, by why", ["why"], registry=self.registry
        )

        self.completeness = self._lasting(
            "hangu_record_completeness",
            "Of the records produced, the share the cluster had when they were last compared",
            "origin",
        )
        self.doubled = self._lasting("hangu_record_doubled", "Records the cluster had more than once", "origin")
        self.reconciled = self._lasting(
            "hangu_record_reconciled_timestamp_seconds", "When the record and the cluster were last compared"
        )
        self.caught_up = self._lasting(
            "hangu_record_caught_up_timestamp_seconds", "When no record was left to send to the cluster"
        )
        self.quarantined = self._lasting("hangu_record_quarantined", "Records the cluster would not take, kept aside")

        # What every exchange adds to, handed to the library in bulk.
        self.under_way = 0
        self._stage = {step.name: Durations(_STAGE_BUCKETS) for step in REQUEST_ORDER}
        self._latency = {action: Durations(_LATENCY_BUCKETS) for action in Action}
        self._first_byte = Durations(_LATENCY_BUCKETS)
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
            self.refusals.labels(ending.code.value).inc()
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
        self.inside.set(self.under_way)
        for histogram, told in ((self.stages, self._stage), (self.latency, self._latency)):
            for name, durations in told.items():
                if durations:
                    histogram.labels(name).take(*durations.take())
        self.first_byte.take(*self._first_byte.take())
        for counter, counts in ((self.exchanges, self._exchange), (self.findings, self._finding)):
            for labels, amount in counts.take():
                counter.labels(*labels).inc(amount)
        for direction, amount in self._token.take():
            self.tokens.labels(direction).inc(amount)

    async def keep_folding(self) -> None:
        """So that what one worker is asked for has all of them, but for the last moments."""
        while True:
            await asyncio.sleep(FOLD_SECONDS)
            self.fold()

    def noticed(self, why: str) -> None:
        """A connection ended without an exchange; `why` is a word of the listener's closed set."""
        self.connections.labels(why).inc()

    def gpus(self, percent: Mapping[str, float]) -> None:
        """What the GPU exporter said; one that says nothing any more has no value."""
        self.gpu.clear()
        for name, value in percent.items():
            self.gpu.labels(name).set(value)

    def carried(self, told: Progress) -> None:
        """How far the record is on its way to the cluster."""
        self.reconciled.set(told.reconciled)
        self.caught_up.set(told.caught_up)
        self.quarantined.set(told.quarantined)
        for origin, found in told.complete.items():
            self.completeness.labels(origin).set(found.ratio)
            self.doubled.labels(origin).set(found.doubled)

    def _lasting(self, name: str, text: str, *labels: str) -> Gauge:
        """One process sets it, and the newest value is that of all."""
        return Gauge(name, text, labels, multiprocess_mode="mostrecent", registry=self.registry)

    def render(self) -> bytes:
        """The Prometheus text format; of all workers together when there are several."""
        self.fold()
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        whole = CollectorRegistry()
        multiprocess.MultiProcessCollector(whole)  # type: ignore[no-untyped-call]
        return generate_latest(whole)


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
