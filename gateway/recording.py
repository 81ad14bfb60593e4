"""Tells the record, the metrics and the log of each exchange. The record is waited for; the others are only told.

What a record looks like is `audit.record`'s matter, and when the proxy speaks is `http.proxy`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from gateway.audit import record
from gateway.audit.journal import Journal
from gateway.core.exchange import Passage
from gateway.core.pipeline import Judgement
from gateway.http.outcome import Ending
from gateway.observe import Metrics, log_line


@dataclass(frozen=True, slots=True)
class Recording:
    """The proxy's journalist. `clock` gives Unix seconds."""

    journal: Journal
    metrics: Metrics
    clock: Callable[[], float]

    async def opened(self, judgement: Judgement, kept: tuple[Passage, ...] | None, digest: str) -> None:
        """Durable before the model is asked."""
        self.metrics.judged(judgement)
        opened = record.opened(
            judgement.exchange, judgement, digest, judgement.exchange.received_at, redacted=kept, tls=_TLS
        )
        await self.journal.append(opened)
        self.metrics.inside.inc()

    async def closed(self, judgement: Judgement, ending: Ending) -> None:
        """Durable before the last byte; then counted and logged."""
        self.metrics.inside.dec()
        timings = {"total": ending.seconds}
        if ending.first_byte_seconds is not None:
            timings["first_byte"] = ending.first_byte_seconds
        closed = record.closed(
            judgement.exchange,
            self.clock(),
            record.Outcome(ending.outcome.value),
            ending.code,
            ending.answers,
            ending.findings,
            ending.usage,
            timings,
            None if ending.answers else 0,
            ending.fault,
        )
        await self.journal.append(closed)
        self.metrics.ended(judgement, ending)
        _log.info("exchange", **log_line(judgement, ending))


_TLS = {"version": "1.3"}  # the listener speaks no other
_log = structlog.get_logger()
