"""Durable before it says so: what an acknowledged record may rely on, and what a crash leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.audit import canonical, frames
from gateway.audit.journal import Journal
from gateway.audit.parts import PART_CHARS, Parts
from gateway.audit.record import Closed, Event, Opened, Outcome, Part, Record
from gateway.audit.segment import Sizes
from gateway.core.errors import AuditError
from gateway.core.reply import Channel
from tests.audit.examples import AT, a_closed, an_exchange, an_opened

SMALL = Sizes(segment=16_384, step=4096, ballast=4096, reserve=0)


def everything(directory: Path, origin: str = "w0") -> list[Record]:
    listed = frames.segments(directory, origin)
    stops = [first for first, _ in listed[1:]] + [None]
    read = [frame for (_, path), stop in zip(listed, stops, strict=True) for frame in frames.read(path, stop)]
    assert [frame.seq for frame in read] == list(range(len(read)))
    return [canonical.decode(frame.kind, frame.head, frame.body) for frame in read]


async def test_a_receipt_names_the_record_that_was_written(directory: Path) -> None:
    async with Journal.open(directory, sizes=SMALL) as journal:
        receipt = await journal.append(an_opened("x1"))
        read = everything(directory)  # before closing: durable means readable now
    assert read[receipt.seq] == an_opened("x1")
    assert receipt.origin == "w0"


async def test_records_keep_the_order_they_were_handed_in(directory: Path) -> None:
    async with Journal.open(directory, sizes=SMALL) as journal:
        receipts = await asyncio.gather(*[journal.append(an_opened(f"x{n}")) for n in range(300)])
    opened = [record.id for record in everything(directory) if isinstance(record, Opened)]
    assert opened == [f"x{n}" for n in range(300)]
    assert [receipt.seq for receipt in receipts] == list(range(1, 301))  # 0 says that the journal started


async def test_segments_roll_by_size_and_each_continues_the_last(directory: Path) -> None:
    async with Journal.open(directory, sizes=SMALL) as journal:
        for n in range(40):
            await journal.append(an_opened(f"x{n}"))
    listed = frames.segments(directory, "w0")
    assert len(listed) > 2
    assert all(path.stat().st_size <= SMALL.segment for _, path in listed)
    assert len(everything(directory)) == 41


async def test_segments_roll_by_age(directory: Path) -> None:
    now = [0.0]
    async with Journal.open(directory, clock=lambda: now[0], sizes=SMALL) as journal:
        await journal.append(an_opened("x1"))
        now[0] = SMALL.age + 1
        await journal.append(an_opened("x2"))
    assert [frames.read_segment_header(path).reason for _, path in frames.segments(directory, "w0")] == ["start", "age"]


async def test_a_second_writer_is_turned_away(directory: Path) -> None:
    async with Journal.open(directory, sizes=SMALL):
        with pytest.raises(AuditError, match="written by another process"):
            Journal.open(directory, sizes=SMALL)
        async with Journal.open(directory, "w1", sizes=SMALL):
            assert frames.origins(directory) == ["w0", "w1"]


async def test_a_closed_journal_takes_nothing(directory: Path) -> None:
    journal = Journal.open(directory, sizes=SMALL)
    await journal.close()
    await journal.close()
    with pytest.raises(AuditError, match="closed"):
        await journal.append(an_opened())


async def test_a_caller_who_leaves_does_not_take_the_record_along(directory: Path) -> None:
    async with Journal.open(directory, sizes=SMALL) as journal:
        leaving = asyncio.ensure_future(journal.append(an_opened("left")))
        await asyncio.sleep(0)
        leaving.cancel()
        await journal.append(an_opened("stayed"))
    assert [record.id for record in everything(directory) if isinstance(record, Opened)] == ["left", "stayed"]


async def test_an_exchange_without_an_end_gets_one_at_the_next_start(directory: Path) -> None:
    async with Journal.open(directory, sizes=SMALL) as journal:
        for n in range(30):  # over several segments: the open ones travel in the headers
            await journal.append(an_opened(f"x{n}", user=f"user{n}"))
        for n in range(1, 30):
            await journal.append(a_closed(f"x{n}"))
    async with Journal.open(directory, sizes=SMALL):
        pass
    async with Journal.open(directory, sizes=SMALL):
        pass
    ends = [
        record for record in everything(directory) if isinstance(record, Closed) and record.outcome is Outcome.UNKNOWN
    ]
    assert [(end.id, end.tenant, end.user) for end in ends] == [("x0", "acme", "user0")]


@pytest.mark.parametrize("cut", [1, 27, 28, 29, 400, -1])
async def test_a_torn_tail_is_cut_kept_aside_and_told(directory: Path, cut: int, clock: Callable[[], float]) -> None:
    async with Journal.open(directory, sizes=SMALL, clock=clock) as journal:
        await journal.append(an_opened("whole"))
        await journal.append(an_opened("torn"))
    path = frames.segments(directory, "w0")[-1][1]
    last = list(frames.read(path))[-1]
    data = path.read_bytes()
    path.write_bytes(data[: last.offset + cut] if cut > 0 else data[:-1])
    async with Journal.open(directory, sizes=SMALL, clock=clock) as journal:
        await journal.append(an_opened("later"))
    read = everything(directory)
    assert [record.id for record in read if isinstance(record, Opened)] == ["whole", "later"]
    told = [record for record in read if isinstance(record, Event) and record.kind == "journal.recovered"]
    assert len(told) == 1
    kept = list(directory.glob("torn-*"))
    assert kept[0].read_bytes() == data[last.offset :][: int(dict(told[0].facts)["bytes"])]


async def test_a_segment_begun_but_never_written_is_no_obstacle(directory: Path) -> None:
    async with Journal.open(directory, sizes=SMALL) as journal:
        await journal.append(an_opened("x1"))
    (directory / frames.segment_name("w0", 2)).write_bytes(b"HANGU")
    async with Journal.open(directory, sizes=SMALL) as journal:
        await journal.append(an_opened("x2"))
    assert [record.id for record in everything(directory) if isinstance(record, Opened)] == ["x1", "x2"]


async def test_a_stream_cut_off_by_a_crash_leaves_what_the_caller_had_seen(directory: Path) -> None:
    exchange, said = an_exchange("x1"), Channel()
    parts = Parts(exchange, AT)
    async with Journal.open(directory, sizes=SMALL) as journal:
        await journal.append(an_opened("x1"))
        seen = ""
        for n in range(40):
            seen += f"第{n}句。"
            if (told := parts.due({said: seen}, AT + n / 4)) is not None:
                journal.note(told)
        await journal.append(an_opened("x2"))  # what was noted before is durable before
    async with Journal.open(directory, sizes=SMALL):
        pass
    read = everything(directory)
    told_texts = [record.answers[0].text for record in read if isinstance(record, Part)]
    assert len(told_texts) == 9  # one a second
    assert "".join(told_texts) == seen[: len("".join(told_texts))]
    assert len(seen) - len("".join(told_texts)) < 4 * len("第39句。")
    assert [r.outcome for r in read if isinstance(r, Closed)] == [Outcome.UNKNOWN, Outcome.UNKNOWN]


def test_a_part_is_due_by_length_too_and_never_empty() -> None:
    parts = Parts(an_exchange(), AT)
    assert parts.due({}, AT + 100) is None
    assert parts.due({Channel(): "a" * (PART_CHARS - 1)}, AT) is None
    due = parts.due({Channel(): "a" * PART_CHARS, Channel(1): ""}, AT)
    assert due is not None
    assert [answer.length for answer in due.answers] == [PART_CHARS]
    assert parts.due({Channel(): "a" * PART_CHARS}, AT + 100) is None


async def test_a_note_that_is_not_kept_disturbs_nobody(directory: Path) -> None:
    journal = Journal.open(directory, sizes=SMALL)
    await journal.close()
    journal.note(an_opened())
