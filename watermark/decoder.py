"""From a leaked text to mark ids: each burst alone first, damaged ones together next, the issued ids last.

`decode` never guesses: every id comes with a bound on the chance that noise produced it, with all readings it tried
counted in. Not here: who an id belongs to and whether the text around it is theirs (`watermark.tracer`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from watermark import chance, rs, runs, soft
from watermark.burst import BURST_SYMBOLS, CONTEXT_LETTERS, DATA_SYMBOLS, bind_symbols, binder, plan
from watermark.codebook import Codebook
from watermark.keys import EpochKeys, Keys
from watermark.payload import codeword, from_symbols, unseal
from watermark.runs import Run

MAX_RUNS = 2048  # 100 kB of marked text; later bursts are not needed to name the sources of what came before
_MOST_DAMAGED = 64  # damaged runs that are read in every possible way: 66 readings each at worst
_QUICK_RUNS = 32  # for callers in a request's path: a millisecond or two
_MAX_LOST = 2  # symbols missing from a burst before its readings become too many to count
_MAX_ROWS = 400  # damaged readings compared with each other: 80,000 pairs, some 10 ms
_MAX_GUESSED = 60  # readings completed by guessing one symbol: 128 tries each


@dataclass(frozen=True, slots=True)
class Bind:
    """Bind symbols that match their surroundings, of those that could be read; `p` is chance's share."""

    matched: int
    examined: int
    p: float

    @property
    def holds(self) -> bool:
        """Pasted bursts meet a few of their letters again where texts share phrases; bursts at home, most of them."""
        return self.p <= chance.BOUND and 4 * self.matched >= self.examined


@dataclass(frozen=True, slots=True)
class Hit:
    """One id, the bursts (as spans of the text) that carry it, and the chance that noise made it up."""

    mark_id: int
    epoch: int
    p: float
    method: str
    spans: tuple[tuple[int, int], ...]
    bind: Bind


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a text's marks say. `visible` is the text without them, `runs` are its bursts, readable or not."""

    visible: str
    runs: tuple[Run, ...]
    hits: tuple[Hit, ...]

    @property
    def bursts(self) -> int:
        return len(self.runs)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read one run: 18 symbols, -1 where unknown, and which of the bind symbols stand where."""

    run: int
    row: tuple[int, ...]
    binds: tuple[int, int]


def decode(text: str, keys: Keys, book: Codebook | Callable[[], Codebook | None] | None = None) -> Decoded:
    """All ids in `text`, most certain first. With a codebook, heavily damaged bursts can be named too.

    It is asked for only where nothing else speaks: a million issued ids take a minute to write down.
    """
    visible, found = runs.find(text)
    found = found[:MAX_RUNS]
    hits = [hit for epoch in keys.epochs for hit in _decode_epoch(found, epoch, len(keys.epochs))]
    if found and not hits and (known := book() if callable(book) else book) is not None:
        hits = [hit for epoch in keys.epochs for hit in _by_registry(found, epoch, known, len(keys.epochs))]
    return Decoded(visible, tuple(found), tuple(sorted(hits, key=lambda hit: hit.p)))


def glance(text: str, keys: Keys) -> Decoded:
    """As `decode`, but whole bursts only and the first 32 of them: for prompts, where somebody waits."""
    visible, found = runs.find(text)
    whole = [run for run in found if len(run.symbols) == BURST_SYMBOLS][:_QUICK_RUNS]
    hits = [hit for epoch in keys.epochs for hit in _decode_epoch(whole, epoch, len(keys.epochs))]
    return Decoded(visible, tuple(whole), tuple(sorted(hits, key=lambda hit: hit.p)))


def confirm(decoded: Decoded, keys: EpochKeys, mark_id: int, asked: int) -> Hit | None:
    """Do the bursts fit this id? `asked` ids are tried on this text in all; None when chance may explain the fit."""
    p, spans = soft.confirm(list(decoded.runs), keys, mark_id)
    p = min(1.0, p * asked)
    if p > chance.PROVEN / 2:
        return None
    readings = _all_readings(list(decoded.runs), keys)
    hit = _hit(mark_id, list(decoded.runs), readings, keys, 1, "confirmed")
    return replace(hit, p=p, spans=spans)


def _decode_epoch(found: list[Run], keys: EpochKeys, epochs: int) -> list[Hit]:
    readings = _all_readings(found, keys)
    tries, ids = _alone(readings, keys)
    methods = dict.fromkeys(ids, "burst")
    # What no id explains so far may be a second source, or the only one, damaged.
    explained = {number for mark_id in ids for number in _supporters(codeword(mark_id, keys), readings)}
    more, ids = _together([r for r in readings if r.run not in explained and _is_damaged(r)], keys, guess=not ids)
    methods |= {mark_id: "pooled" for mark_id in ids if mark_id not in methods}
    total = (tries + more) * epochs
    return [_hit(mark_id, found, readings, keys, total, method) for mark_id, method in methods.items()]


def _is_damaged(reading: _Reading) -> bool:
    return reading.row.count(-1) > rs.LENGTH - DATA_SYMBOLS


def _all_readings(found: list[Run], keys: EpochKeys) -> list[_Reading]:
    damaged = [number for number, run in enumerate(found) if len(run.symbols) < BURST_SYMBOLS][_MOST_DAMAGED:]
    skipped = frozenset(damaged)
    return [r for number, run in enumerate(found) if number not in skipped for r in _readings(number, run, keys)]


def _readings(number: int, run: Run, keys: EpochKeys) -> Iterable[_Reading]:
    """Every way in which up to two symbols may be missing from the run."""
    lost = BURST_SYMBOLS - len(run.symbols)
    if lost > _MAX_LOST or len(run.letters) < CONTEXT_LETTERS:
        return
    layout = plan(keys.context, run.letters[-CONTEXT_LETTERS:])
    for kept in combinations(range(BURST_SYMBOLS), BURST_SYMBOLS - lost):
        row, binds = [-1] * rs.LENGTH, [-1, -1]
        for symbol, wire in zip(run.symbols, kept, strict=True):
            value = symbol ^ layout.pads[wire]
            if wire < DATA_SYMBOLS:
                row[layout.positions[wire]] = value
            else:
                binds[wire - DATA_SYMBOLS] = value
        yield _Reading(number, tuple(row), (binds[0], binds[1]))


def _alone(readings: list[_Reading], keys: EpochKeys) -> tuple[int, list[int]]:
    """Readings that know ten symbols: each names an id or nobody. Splices therefore name every source."""
    tries, ids = 0, dict[int, None]()
    for row in dict.fromkeys(reading.row for reading in readings):
        if row.count(-1) <= rs.LENGTH - DATA_SYMBOLS:
            tries += 1
            if (mark_id := _open(row, keys)) is not None:
                ids[mark_id] = None
    return tries, list(ids)


def _open(row: Iterable[int], keys: EpochKeys) -> int | None:
    known = [(position, value) for position, value in enumerate(row) if value >= 0][:DATA_SYMBOLS]
    values = np.array([[value for _, value in known]], dtype=np.uint8)
    return unseal(from_symbols(rs.solve(tuple(position for position, _ in known), values)[0]), keys)


def _together(readings: list[_Reading], keys: EpochKeys, guess: bool) -> tuple[int, list[int]]:
    """Damaged bursts that agree wherever they overlap; failing that, one burst with one symbol guessed."""
    tries, ids = 0, dict[int, None]()
    for row in _merged(readings[:_MAX_ROWS]):
        tries += 1
        if (mark_id := _open(row, keys)) is not None:
            ids[mark_id] = None
    if guess and not ids:
        nearly = [r.row for r in readings if r.row.count(-1) == rs.LENGTH - DATA_SYMBOLS + 1][:_MAX_GUESSED]
        for row in nearly:
            tries += 128
            ids.update(dict.fromkeys(_guess(row, keys)))
    return tries, list(ids)


def _merged(readings: list[_Reading]) -> Iterable[tuple[int, ...]]:
    """Unions of two readings of different bursts without contradiction and with at least two shared symbols."""
    rows = np.array([reading.row for reading in readings], dtype=np.int16).reshape(-1, rs.LENGTH)
    owner = np.array([reading.run for reading in readings])
    for index in range(len(rows)):
        others = rows[index + 1 :]
        both = (others >= 0) & (rows[index] >= 0)
        agree = (
            ((others == rows[index]) | ~both).all(axis=1)
            & (both.sum(axis=1) >= 2)
            & (owner[index + 1 :] != owner[index])
        )
        for other in others[agree]:
            union = np.where(rows[index] >= 0, rows[index], other)
            if (union >= 0).sum() >= DATA_SYMBOLS:
                yield tuple(union.tolist())


def _guess(row: tuple[int, ...], keys: EpochKeys) -> Iterable[int]:
    known = [position for position, value in enumerate(row) if value >= 0]
    free = next(position for position, value in enumerate(row) if value < 0)
    values = np.empty((128, DATA_SYMBOLS), dtype=np.uint8)
    values[:, :-1] = [row[position] for position in known]
    values[:, -1] = np.arange(128)
    for message in rs.solve((*known, free), values):
        if (mark_id := unseal(from_symbols(message), keys)) is not None:
            yield mark_id


def _supporters(word: bytes, readings: list[_Reading]) -> dict[int, tuple[int, _Reading]]:
    """Per run the reading that agrees best with a codeword, and in how many symbols, from six on."""
    best: dict[int, tuple[int, _Reading]] = {}
    for reading in readings:
        agreeing = sum(value == symbol for value, symbol in zip(reading.row, word, strict=True) if value >= 0)
        if agreeing >= runs.MIN_SYMBOLS and agreeing > best.get(reading.run, (0, reading))[0]:
            best[reading.run] = (agreeing, reading)
    return best


def _hit(mark_id: int, found: list[Run], readings: list[_Reading], keys: EpochKeys, tries: int, method: str) -> Hit:
    """Gather what supports an id."""
    best = _supporters(codeword(mark_id, keys), readings)
    whole = sum(agreeing == DATA_SYMBOLS for agreeing, _ in best.values())
    spans = tuple((found[number].start, found[number].end) for number in sorted(best))
    bind = _bind(mark_id, [reading for _, reading in best.values()], found, keys)
    return Hit(mark_id, keys.epoch, chance.false_id(tries, max(1, whole)), method, spans, bind)


def _bind(mark_id: int, readings: list[_Reading], found: list[Run], keys: EpochKeys) -> Bind:
    matched = examined = 0
    start = binder(keys.bind, mark_id)
    for reading in readings:
        expected = bind_symbols(start, found[reading.run].letters)
        pairs = [(got, want) for got, want in zip(reading.binds, expected, strict=True) if got >= 0]
        examined += len(pairs)
        matched += sum(got == want for got, want in pairs)
    return Bind(matched, examined, chance.at_least(matched, examined))


def _by_registry(found: list[Run], keys: EpochKeys, book: Codebook, epochs: int) -> list[Hit]:
    best = soft.best_match(found, keys, book)
    if best is None:
        return []
    hit = _hit(best.mark_id, found, _all_readings(found, keys), keys, 1, "registry")
    return [replace(hit, p=min(1.0, best.p * epochs), spans=best.spans)]
