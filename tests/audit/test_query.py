"""The record can be asked, without a cluster, by time, caller, word and two Chinese characters."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.audit.export import csv_lines, json_lines, safe
from gateway.audit.journal import Journal
from gateway.audit.marks import RecordedMarks
from gateway.audit.projection import FILE, Projection
from gateway.audit.query import Filter, open_query
from gateway.audit.record import Opened, event
from gateway.audit.segment import Sizes
from gateway.core.errors import AuditError
from tests.audit.examples import AT, a_closed, an_opened

SIZES = Sizes(segment=8192, step=4096, ballast=0, reserve=0)


@pytest.fixture
async def written(directory: Path) -> Path:
    async with Journal.open(directory, sizes=SIZES) as journal:
        await journal.append(an_opened("x1", "请翻译合同第三条", at=AT))
        await journal.append(a_closed("x1", "Third ARTICLE of the contract", at=AT + 1, mark=77))
        await journal.append(an_opened("x2", "what is the weather", at=AT + 10, user="bob", tenant="other"))
        await journal.append(a_closed("x2", "晴\u200b天", at=AT + 11, user="bob", tenant="other"))
        await journal.append(event("policy.loaded", AT + 20, actor="operator", rules=3))
    async with Journal.open(directory, "w1", sizes=SIZES) as journal:
        await journal.append(an_opened("x3", "合同 draft", at=AT + 5))
    return directory


def found(directory: Path, wanted: Filter) -> list[tuple[str, int]]:
    with open_query(directory) as record:
        return [(entry.origin, entry.seq) for entry in record.find(wanted)]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(exchange="x1"), [("w0", 1), ("w0", 2)]),
        (Filter(user="bob"), [("w0", 3), ("w0", 4)]),
        (Filter(user="ana", tenant="acme", kinds=("opened",)), [("w0", 1), ("w1", 1)]),
        (Filter(tenant="nobody"), []),
        (Filter(word="answered"), [("w0", 2), ("w0", 4)]),
        (Filter(word="policy.loaded"), [("w0", 5)]),
        (
            Filter(since=AT + 4, until=AT + 11),
            [("w1", 1), ("w0", 3)],
        ),  # both origins, in order of time; the end left out
        (Filter(text="合同"), [("w0", 1), ("w1", 1)]),
        (Filter(text="天"), [("w0", 4)]),
        (Filter(text="晴天"), [("w0", 4)]),  # an invisible mark between them hides nothing
        (Filter(text="article"), [("w0", 2)]),
        (Filter(text="ＷＥＡＴＨＥＲ"), [("w0", 3)]),
        (Filter(text="100%_"), []),
        (Filter(model="smollm2", limit=2), [("w0", 1), ("w1", 1)]),
    ],
)
async def test_what_is_asked_for_is_found(written: Path, wanted: Filter, expected: list[tuple[str, int]]) -> None:
    assert found(written, wanted) == expected


async def test_records_come_back_as_they_were_written(written: Path) -> None:
    with open_query(written) as record:
        assert [entry.record for entry in record.of("x1")] == [
            an_opened("x1", "请翻译合同第三条"),
            a_closed("x1", "Third ARTICLE of the contract", mark=77),
        ]


async def test_the_projection_follows_and_can_be_deleted(written: Path) -> None:
    before = found(written, Filter())
    async with Journal.open(written, sizes=SIZES) as journal:
        for n in range(30):
            await journal.append(an_opened(f"later{n}", at=AT + 100 + n))
            assert f"later{n}" in ids(written)
    after = found(written, Filter())
    assert len(after) == len(before) + 31  # the journal's new start comes along
    for path in written.glob(f"{FILE}*"):
        path.unlink()
    assert found(written, Filter()) == after


def ids(directory: Path) -> list[str]:
    with open_query(directory) as record:
        return [e.record.id for e in record.find(Filter(kinds=("opened",))) if isinstance(e.record, Opened)]


async def test_many_pages_lose_and_repeat_nothing(directory: Path) -> None:
    async with Journal.open(directory, sizes=replace(SIZES, segment=1 << 20)) as journal:
        for n in range(1_200):
            journal.submit(an_opened(f"x{n}", at=AT))  # all at one instant: only the row tells them apart
        await journal.append(an_opened("last", at=AT))
    assert len(set(found(directory, Filter(kinds=("opened",))))) == 1_201


async def test_a_damaged_projection_is_said_to_be_one(written: Path) -> None:
    (written / FILE).write_bytes(b"this is not a database, and long enough to look like one" * 10)
    with pytest.raises(AuditError, match="projection is damaged"):
        Projection.open(written)


async def test_heads_say_how_far_each_log_goes(written: Path) -> None:
    with open_query(written) as record:
        assert [(head.origin, head.records, head.sealed) for head in record.heads()] == [("w0", 6, 0), ("w1", 2, 0)]


async def test_a_mark_leads_to_its_exchange(written: Path) -> None:
    with Projection.open(written) as record:
        marks = RecordedMarks(record)
        issued = marks.by_mark(77)
        assert issued is not None
        assert (issued.exchange, issued.tenant, issued.user, issued.text) == (
            "x1",
            "acme",
            "ana",
            "Third ARTICLE of the contract",
        )
        assert marks.by_exchange("x1") == issued
        assert marks.by_mark(78) is None
        assert marks.count() == 1


async def test_json_lines_hold_everything(written: Path) -> None:
    with open_query(written) as record:
        told = [json.loads(line) for line in json_lines(record.find(Filter()))]
    assert {line["record"] for line in told} == {"opened", "closed", "event"}
    first = next(line for line in told if line.get("id") == "x1")
    assert [(p["where"], p["text"]) for p in first["passages"]] == [("messages[0].content", "请翻译合同第三条")]


async def test_csv_never_starts_a_formula(written: Path) -> None:
    async with Journal.open(written, "w2", sizes=SIZES) as journal:
        await journal.append(an_opened("=HYPERLINK(1)", '=cmd|" /C calc"!A0', user="@SUM(1)"))
    with open_query(written) as record:
        data = b"".join(csv_lines(record.find(Filter())))
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert {row["exchange"] for row in rows} >= {"x1", "x2", "x3", "'=HYPERLINK(1)"}
    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize(
    ("cell", "expected"), [("=1", "'=1"), ("a=1", "a=1"), ("", ""), ("-2", "'-2"), ("\t=", "'\t=")]
)
def test_a_cell_is_made_safe(cell: str, expected: str) -> None:
    assert safe(cell) == expected
