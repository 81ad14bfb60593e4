"""Compares what was produced with what a cluster has, and ships what it lost. Run hourly, and before a report is believed.

A node that dies without having synced, a restored snapshot, a hand that deleted: whatever the reason, a hole is a number
that is in the segments and not in the cluster.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from gateway.audit import frames
from gateway.audit.documents import Document, Documents
from gateway.audit.shipping import Completeness, Shipper

SPAN = 5_000  # numbers compared at a time: under the most hits that a search gives, with room for doubles


async def reconcile(shipper: Shipper, since: int = 0) -> list[Completeness]:
    """Ship everything pending, then look for holes from number `since` on and fill them. Raises Busy when the cluster is away."""
    await shipper.catch_up()
    produced = {origin: shipper.position(origin).seq + 1 for origin in frames.origins(shipper.directory)}
    await shipper.target.refresh()  # after counting: what is shipped meanwhile cannot be found yet, and is no hole
    return [await _origin(shipper, origin, since, count) for origin, count in produced.items()]


async def _origin(shipper: Shipper, origin: str, since: int, produced: int) -> Completeness:
    indexed = doubled = reshipped = 0
    for begin in range(since, produced, SPAN):
        end = min(begin + SPAN, produced)
        found = Counter(await shipper.target.numbers(shipper.site, origin, begin, end))
        indexed += len(found)
        doubled += sum(count - 1 for count in found.values())
        holes = [seq for seq in range(begin, end) if seq not in found]
        if holes:
            await shipper.settle(origin, _documents(shipper, origin, set(holes)))
            reshipped += len(holes)
    return Completeness(origin, produced - since, indexed, reshipped, doubled)


def _documents(shipper: Shipper, origin: str, wanted: set[int]) -> list[Document]:
    """The documents of some numbers, made in the company of their segment so that ends know their requests."""
    made: list[Document] = []
    for first, stop, path in _holding(shipper.directory, origin, wanted):
        fresh = Documents(shipper.site, shipper.index, with_text=shipper.with_text)
        documents = ((frame.seq, fresh.of(origin, frame)) for frame in frames.read(path, stop))
        made += [document for seq, document in documents if seq in wanted and seq >= first]
    return made


def _holding(directory: Path, origin: str, wanted: set[int]) -> list[tuple[int, int | None, Path]]:
    listed = frames.segments(directory, origin)
    stops: list[int | None] = [first for first, _ in listed[1:]]
    spans = [(first, stop, path) for (first, path), stop in zip(listed, [*stops, None], strict=True)]
    return [span for span in spans if any(span[0] <= seq and (span[1] is None or seq < span[1]) for seq in wanted)]
