"""Token buckets: how much was used lately, and how long until more is there. Time is handed in; nothing waits here.

One meter counts for one process. With several workers each gets its share of every rate, so that together they give the
whole; a caller whose connections all reach one worker has only that share.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

MAX_BUCKETS = 100_000  # two each of callers and tenants: 28 MB. The longest unused goes, and is usually full by then
MINUTE = 60.0  # seconds


class Draw(NamedTuple):
    """`amount` to be taken from the bucket named `of`, which fills at `per_minute` and holds one minute's worth."""

    of: Hashable
    amount: float
    per_minute: float


Drawn = tuple[Hashable, float, float]  # a `Draw`, or as plain a tuple: making four of the former costs eight calls


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


class Meter:
    """Every bucket of one process. `share` is this process's part of each rate, above 0 and at most 1."""

    def __init__(self, share: float = 1.0, capacity: int = MAX_BUCKETS) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"share is {share}, not above 0 and at most 1")
        self._share = share
        self._capacity = capacity
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, draws: Sequence[Drawn], now: float) -> float:
        """Take all of them or none. Returns 0 when taken, else the seconds until all are there.

        Infinity: a draw is more than its bucket ever holds.
        """
        wait = 0.0
        taken: list[tuple[_Bucket, float]] = []
        for of, amount, per_minute in draws:
            # A minute's worth; never under one whole request, or a small share would let nothing through at all.
            size = max(1.0, per_minute * self._share)
            bucket = self._bucket(of, size, now)
            taken.append((bucket, amount))
            if amount > size:
                wait = inf
            elif amount > bucket.level:
                wait = max(wait, (amount - bucket.level) * MINUTE / size)
        if wait == 0.0:
            for bucket, amount in taken:
                bucket.level -= amount
        return wait

    def _bucket(self, of: Hashable, size: float, now: float) -> _Bucket:
        """Filled up to now. A clock that went back fills nothing, and counts on from where it is."""
        bucket = self._buckets.get(of)
        if bucket is None:
            bucket = self._buckets[of] = _Bucket(size, now)
            if len(self._buckets) > self._capacity:
                self._buckets.popitem(last=False)
            return bucket
        self._buckets.move_to_end(of)
        if now > bucket.at:
            bucket.level = bucket.level + (now - bucket.at) * size / MINUTE
        if bucket.level > size:
            bucket.level = size
        bucket.at = now
        return bucket
