"""Whoever ships says how far it is; whoever draws a gauge reads it, also when nothing was said yet or half of it is there."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.audit import progress
from gateway.audit.progress import Progress
from gateway.audit.shipping import Completeness
from gateway.carrying import follow
from gateway.observe import Metrics

TOLD = Progress(
    at=10.0,
    caught_up=9.5,
    reconciled=8.0,
    quarantined=2,
    trouble="the cluster does not answer",
    complete={"w0": Completeness("w0", 200, 150, 50, 1), "w1": Completeness("w1", 0, 0, 0, 0)},
)


def test_what_is_said_is_what_is_read(tmp_path: Path) -> None:
    progress.save(tmp_path, TOLD)
    assert progress.load(tmp_path) == TOLD
    assert [path.name for path in tmp_path.iterdir()] == [progress.FILE]


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", "{}", '{"complete": {"w0": [1]}}', '{"complete": {}, "more": 1}']
)
def test_what_cannot_be_read_says_nothing(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / progress.FILE).write_text(text)
    assert progress.load(tmp_path) == Progress()


def test_quarantined_records_are_counted_where_they_are_kept(tmp_path: Path) -> None:
    (tmp_path / "quarantine-w0.jsonl").write_text("{}\n{}\n")
    (tmp_path / "quarantine-w1.jsonl").write_text("{}\n")
    assert progress.quarantined(tmp_path) == 3


async def test_the_gauges_follow(tmp_path: Path) -> None:
    metrics = Metrics()
    work = asyncio.ensure_future(follow(tmp_path, metrics.carried, every=0.01))
    progress.save(tmp_path, TOLD)
    while b'completeness{origin="w0"} 0.75' not in metrics.render():
        await asyncio.sleep(0.01)
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work
    told = metrics.render().decode()
    assert 'hangu_record_completeness{origin="w1"} 1.0' in told
    assert 'hangu_record_doubled{origin="w0"} 1.0' in told
    assert "hangu_record_quarantined 2.0" in told
    assert "hangu_record_caught_up_timestamp_seconds 9.5" in told
