"""TGI's Prometheus metrics, counted and written as text. Names are TGI's; the buckets are fewer."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

SECONDS = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
TOKENS = (1, 8, 32, 64, 128, 256, 512, 1024, 2048, 4096)

HISTOGRAMS: dict[str, tuple[float, ...]] = {
    "tgi_request_duration": SECONDS,
    "tgi_request_validation_duration": SECONDS,
    "tgi_request_queue_duration": SECONDS,
    "tgi_request_inference_duration": SECONDS,
    "tgi_request_mean_time_per_token_duration": SECONDS,
    "tgi_request_generated_tokens": TOKENS,
    "tgi_request_input_length": TOKENS,
    "tgi_request_max_new_tokens": TOKENS,
}


@dataclass(slots=True)
class Histogram:
    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def observe(self, value: float) -> None:
        if not self.counts:
            self.counts = [0] * (len(self.bounds) + 1)
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def lines(self, name: str) -> list[str]:
        """Prometheus' text form; empty until something was seen, as TGI's exporter does."""
        if not self.counts:
            return []
        written, below = [f"# TYPE {name} histogram"], 0
        for bound, count in zip((*self.bounds, "+Inf"), self.counts, strict=True):
            below += count
            written.append(f'{name}_bucket{{le="{bound}"}} {below}')
        return [*written, f"{name}_sum {self.total}", f"{name}_count {below}"]


@dataclass(slots=True)
class Meter:
    """What one backend has counted since it started."""

    requests: int = 0
    successes: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    histograms: dict[str, Histogram] = field(
        default_factory=lambda: {name: Histogram(bounds) for name, bounds in HISTOGRAMS.items()}
    )

    def observe(self, name: str, value: float) -> None:
        """`name` without the `tgi_request_` that all histograms share."""
        self.histograms[f"tgi_request_{name}"].observe(value)

    def exposition(self, batch_size: int) -> str:
        lines = ["# TYPE tgi_request_count counter", f"tgi_request_count {self.requests}"]
        lines += ["# TYPE tgi_request_success counter", f"tgi_request_success {self.successes}"]
        lines.append("# TYPE tgi_request_failure counter")
        lines += [f'tgi_request_failure{{err="{err}"}} {count}' for err, count in sorted(self.failures.items())]
        lines += ["# TYPE tgi_batch_current_size gauge", f"tgi_batch_current_size {batch_size}"]
        for name, histogram in self.histograms.items():
            lines += histogram.lines(name)
        return "\n".join(lines) + "\n"
