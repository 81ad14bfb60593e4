"""What was counted in bulk reads as if the library had been told of each: for one process, and for several."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from gateway.core.exchange import Action, Exchange, Peer
from gateway.core.pipeline import Judgement, Ruling
from gateway.core.reply import Usage
from gateway.core.verdict import Allow, Code, Finding
from gateway.http.outcome import Ending, Outcome
from gateway.observe import Metrics
from gateway.tallies import Counts, Durations

BOUNDS = (0.1, 0.5, 1.0)
SEEN = Finding("pii", "iban", "inputs")
ASKED = Exchange("hx-1", 0.0, Peer("::1"), "/generate", Action.GENERATE, "m")
JUDGED = Judgement(ASKED, (Ruling("pii", Allow((SEEN,)), 0.00007), Ruling("waf", Allow(), 0.02)))
ENDED = Ending(Outcome.ANSWERED, None, {"choices[0].content": "hi"}, (SEEN,), Usage(3, 5), "", 0.3, 0.2)


def lines(text: bytes) -> set[str]:
    """What is told, without when each series began."""
    return {line for line in text.decode().splitlines() if not re.match("#|.*_created", line)}


@given(st.lists(st.floats(0, 2) | st.sampled_from(BOUNDS)), st.lists(st.floats(0, 2)))
def test_durations_taken_in_bulk_fill_the_buckets_that_observing_each_would(
    first: list[float], second: list[float]
) -> None:
    registry, durations = CollectorRegistry(), Durations(BOUNDS)
    one_by_one = Histogram("seconds", "", buckets=BOUNDS, registry=registry)
    counts = [0] * (len(BOUNDS) + 1)
    for several in (first, second):
        for seconds in several:
            durations.add(seconds)
            one_by_one.observe(seconds)
        assert bool(durations) == bool(several)
        taken, total = durations.take()
        counts = [before + more for before, more in zip(counts, taken, strict=True)]
        assert abs(total - sum(several)) < 1e-9
    told = {line.split()[0]: float(line.split()[1]) for line in lines(generate_latest(registry))}
    below = [told[f'seconds_bucket{{le="{bound}"}}'] for bound in (*BOUNDS, "+Inf")]
    assert below == [sum(counts[: at + 1]) for at in range(len(counts))]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 9))))
def test_counts_are_sums_and_begin_anew_when_taken(added: list[tuple[str, int]]) -> None:
    counts: Counts[str] = Counts()
    for name, amount in added:
        counts.add(name, amount)
    assert dict(counts.take()) == {name: sum(n for other, n in added if other == name) for name, _ in added}
    assert dict(counts.take()) == {}


def test_an_exchange_is_told_under_the_documented_names() -> None:
    metrics = Metrics()
    metrics.under_way += 2
    metrics.judged(JUDGED)
    metrics.ended(JUDGED, ENDED)
    told = lines(metrics.render())
    assert told >= {
        "hangu_exchanges_under_way 2.0",
        'hangu_stage_seconds_bucket{le="5e-05",stage="pii"} 0.0',
        'hangu_stage_seconds_bucket{le="0.0001",stage="pii"} 1.0',
        'hangu_stage_seconds_count{stage="waf"} 1.0',
        'hangu_exchanges_total{action="generate",outcome="answered"} 1.0',
        'hangu_findings_total{direction="request",kind="pii"} 1.0',
        'hangu_findings_total{direction="response",kind="pii"} 1.0',
        'hangu_tokens_total{direction="completion"} 5.0',
        'deepseek_latency_seconds_bucket{action="generate",le="0.25"} 0.0',
        'deepseek_latency_seconds_bucket{action="generate",le="0.5"} 1.0',
        "hangu_first_byte_seconds_sum 0.2",
    }
    assert not any('stage="access"' in line for line in told), "what nobody met has no series"
    assert lines(metrics.render()) == told, "asking does not count twice"


def test_a_failure_is_counted_by_its_code() -> None:
    metrics = Metrics()
    metrics.ended(JUDGED, Ending(Outcome.FAILED, Code.STAGE_FAILED))
    assert 'hangu_refusals_total{code="stage_failed"} 1.0' in lines(metrics.render())


WORKER = """
from tests.test_observe import ENDED, JUDGED
from gateway.observe import Metrics
metrics = Metrics()
metrics.judged(JUDGED), metrics.ended(JUDGED, ENDED)
metrics.fold()
"""


def test_what_another_worker_handed_on_is_told_by_this_one(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", WORKER], check=True, env=environment)
    asking = "from gateway.observe import Metrics; print(Metrics().render().decode())"
    told = subprocess.run([sys.executable, "-c", asking], check=True, env=environment, capture_output=True).stdout
    assert 'hangu_stage_seconds_count{stage="waf"} 2.0' in lines(told)
    assert 'hangu_exchanges_total{action="generate",outcome="answered"} 2.0' in lines(told)
