"""Tells the record, the metrics and the log of each exchange. The record is waited for; the others are only told.

What a record looks like is `audit.record`'s matter, and when the proxy speaks is `http.proxy`'s.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from gateway.audit import record
from gateway.audit.journal import Journal
from gateway.audit.parts import Parts
from gateway.core.errors import AuditError
from gateway.core.exchange import Exchange, Passage
from gateway.core.pipeline import Judgement
from gateway.core.reply import Channel
from gateway.http.outcome import Ending
from gateway.observe import Metrics, log_line


@dataclass(frozen=True, slots=True)
class Recording:
    """The proxy's journalist. `clock` gives Unix seconds."""

    journal: Journal
    metrics: Metrics
    clock: Callable[[], float]

    async def opened(
        self, judgement: Judgement, kept: tuple[Passage, ...] | None, digest: str, sealed: str = ""
    ) -> None:
        """Durable before the model is asked."""
        self.metrics.judged(judgement)
        exchange = judgement.exchange
        opened = record.opened(exchange, judgement, digest, exchange.received_at, redacted=kept, sealed=sealed)
        self.metrics.under_way += 1
        try:
            await self.journal.submit(opened)
        except AuditError:
            self.metrics.under_way -= 1
            raise

    def following(
        self, exchange: Exchange, original: Callable[[], str] | None = None
    ) -> Callable[[Mapping[Channel, str]], None]:
        """Parts of a stream go on record while it flows, so that a crash leaves what its caller had seen."""
        parts = Parts(exchange, self.clock())

        def tell(released: Mapping[Channel, str]) -> None:
            part = parts.due(released, self.clock())
            if part is not None:
                self.journal.note(part if original is None else replace(part, sealed=original()))

        return tell

    async def closed(self, judgement: Judgement, ending: Ending) -> None:
        """Durable before the last byte; then counted and logged, also when nobody waits for it any more."""
        self.metrics.under_way -= 1
        closed = record.closed(
            judgement.exchange,
            self.clock(),
            ending.outcome,
            ending.code,
            ending.answers,
            ending.findings,
            ending.usage,
            _timings(ending),
            None if ending.answers else 0,
            ending.fault,
            ending.sealed,
        )
        try:
            await self.journal.submit(closed)
        except asyncio.CancelledError:
            self._tell(judgement, ending)
            raise
        self._tell(judgement, ending)

    def _tell(self, judgement: Judgement, ending: Ending) -> None:
        self.metrics.ended(judgement, ending)
        if _log.is_enabled_for(logging.INFO):  # making a line that nobody reads would cost as much as one that is read
            _log.info("exchange", **log_line(judgement, ending))


def _timings(ending: Ending) -> dict[str, float]:
    if ending.first_byte_seconds is None:
        return {"total": ending.seconds}
    return {"first_byte": ending.first_byte_seconds, "total": ending.seconds}


_log = structlog.get_logger()
