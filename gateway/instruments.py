"""The numbers the gateway publishes, by name: what each means and which labels it has. The only importer of prometheus_client.

Labels come from closed sets: codes, actions, stages, outcomes, kinds. Who counts is `observe`'s matter.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LATENCY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
STAGE_BUCKETS = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1)


class TakingHistogram(Histogram):
    """One that takes what was counted elsewhere: the library has no way to observe many at once."""

    def take(self, counts: Sequence[int], seconds: float) -> None:
        self._sum.inc(seconds)
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)


class Instruments:
    """Exchanges, stages and connections."""

    def __init__(self) -> None:
        kept = self.registry = CollectorRegistry()
        counter, lasting = partial(_counter, kept), partial(_lasting, kept)
        self.latency = TakingHistogram(
            "deepseek_latency_seconds",
            "From admission to the last byte of the model's answer",
            ["action"],
            buckets=LATENCY_BUCKETS,
            registry=kept,
        )
        self.first_byte = TakingHistogram(
            "hangu_first_byte_seconds",
            "From admission to the first byte of a streamed answer",
            buckets=LATENCY_BUCKETS,
            registry=kept,
        )
        self.stages = TakingHistogram(
            "hangu_stage_seconds",
            "Time one stage took to judge one request",
            ["stage"],
            buckets=STAGE_BUCKETS,
            registry=kept,
        )
        self.exchanges = counter("hangu_exchanges", "Exchanges by what was asked and how it ended", "action", "outcome")
        self.refusals = counter("hangu_refusals", "Refusals and failures by code", "code")
        self.findings = counter("hangu_findings", "What rules saw, by kind and direction", "kind", "direction")
        self.tokens = counter("hangu_tokens", "Tokens the model read and wrote", "direction")
        self.policies = counter("hangu_policy_loads", "Policy loads by result", "result")
        self.connections = counter("hangu_connections_ended", "Connections ended without an exchange, by why", "why")
        self.inside = Gauge(
            "hangu_exchanges_under_way", "Exchanges under way", multiprocess_mode="livesum", registry=kept
        )
        self.gpu = lasting("gpu_utilization_percent", "GPU utilisation as the GPU exporter reports it, 0 to 100", "gpu")
        self.record = RecordInstruments(kept)

    def text(self) -> bytes:
        """The Prometheus text format; of all workers together when there are several."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        whole = CollectorRegistry()
        multiprocess.MultiProcessCollector(whole)  # type: ignore[no-untyped-call]
        return generate_latest(whole)


class RecordInstruments:
    """How far the record is on its way to the cluster."""

    def __init__(self, registry: CollectorRegistry) -> None:
        lasting = partial(_lasting, registry)
        self.completeness = lasting(
            "hangu_record_completeness",
            "Of the records produced, the share the cluster had when they were last compared",
            "origin",
        )
        self.doubled = lasting("hangu_record_doubled", "Records the cluster had more than once", "origin")
        self.reconciled = lasting(
            "hangu_record_reconciled_timestamp_seconds", "When the record and the cluster were last compared"
        )
        self.caught_up = lasting(
            "hangu_record_caught_up_timestamp_seconds", "When no record was left to send to the cluster"
        )
        self.quarantined = lasting("hangu_record_quarantined", "Records the cluster would not take, kept aside")


def _counter(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Counter:
    return Counter(name, text, labels, registry=registry)


def _lasting(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Gauge:
    """One process sets it, and the newest value is that of all."""
    return Gauge(name, text, labels, multiprocess_mode="mostrecent", registry=registry)
