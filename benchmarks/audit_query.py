"""Asking the record without a cluster: how fast it is taken in, and what questions cost.

    python -m benchmarks.audit_query [--records 200000]

Records are pairs of `Opened` and `Closed` with 100 to 200 characters of Chinese each, by 2,000 users.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.audit_rig import AT, a_closed, a_directory, an_opened, report
from gateway.audit.journal import Journal
from gateway.audit.projection import FILE, Projection
from gateway.audit.query import Filter
from gateway.audit.record import Answer


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=200_000)
    records = options.parse_args().records
    with a_directory() as directory:
        asyncio.run(write(directory, records))
        began = time.perf_counter()
        with Projection.open(directory) as record:
            taken = time.perf_counter() - began
            figures = {
                "records": records,
                "taken_in_per_second": round(records / taken),
                "megabytes_of_rows": (directory / FILE).stat().st_size >> 20,
                **asking(record, records),
            }
    report("audit_query", figures, "one process; the median of 5; every answer is read back from its segment")


async def write(directory: Path, records: int) -> None:
    one, other = an_opened(0), a_closed(0)
    async with Journal.open(directory) as journal:
        for begin in range(0, records, 10_000):
            batch = []
            for n in range(begin, min(begin + 10_000, records)):
                text = f"第{n}号合同的第三条如何理解，请逐句解释并给出建议。" * 5
                at, who = round((AT + n) * 1000), f"user{n // 2 % 2000}"
                if n % 2 == 0:
                    said = (replace(one.passages[0], text=text, length=len(text)),)
                    batch.append(journal.submit(replace(one, id=f"x{n // 2}", at=at, user=who, passages=said)))
                else:
                    answers = (Answer("choices[0].content", len(text), text),)
                    batch.append(journal.submit(replace(other, id=f"x{n // 2}", at=at, user=who, answers=answers)))
            await asyncio.gather(*batch)


def asking(record: Projection, records: int) -> dict[str, Any]:
    middle = f"x{records // 4}"
    return {
        "one_exchange_ms": timed(lambda: record.of(middle)),
        "one_users_trail_ms": timed(lambda: list(record.by("user7", "acme"))),
        "one_hour_ms": timed(lambda: list(record.between(AT + 3600, AT + 7200))),
        "two_rare_characters_ms": timed(lambda: list(record.find(Filter(text=f"第{records // 2}号")))),
        "two_common_characters_first_page_ms": timed(lambda: list(record.find(Filter(text="合同", limit=50)))),
        "nothing_found_ms": timed(lambda: list(record.find(Filter(text="没有")))),
    }


def timed(ask: Callable[[], object]) -> float:
    took = []
    for _ in range(5):
        began = time.perf_counter()
        ask()
        took.append(time.perf_counter() - began)
    return round(sorted(took)[2] * 1e3, 2)


if __name__ == "__main__":
    main()
