"""People and places in a text that arrives: clause by clause, beside the patterns. Who looks at a clause is handed in.

Where clauses end is a function of the text and of what the patterns found in it, so that a stream and a whole text
are cut alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gateway.detect import signs
from gateway.detect.columns import TOP, Above
from gateway.detect.patterns import Patterns, Settled
from gateway.detect.span import Span

MAX_CLAUSE = 240  # code points: a longer one is cut, so that a stream never waits for more
_END = re.compile(
    r"[。！？；!?;\n]+[”’」』）)\"']*|(?<![A-Z])(?<!Mr)(?<!Ms)(?<!Dr)(?<!Mrs)(?<!Prof)(?<!St)(?<!Jr)(?<!Sr)\.(?=[\s”’\"')])|(?<=[\u3400-\u9fff])，"
)
_SIGN = re.compile(r"[。！？；!?;\n.，]")  # what every end begins with
_GAPS = frozenset(" " + signs.SPACES)
_JOIN = 4  # code points: two gaps, and the sign behind them
LOOK_AHEAD = 4  # code points after an end that show it is one


class NamesUnavailable(Exception):
    """Nobody could look for names in time. `reason`: "busy", "loading", "late" or "broken"."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"names could not be looked for: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Named:
    """What was found in each clause. `degraded`: not all who should have looked did."""

    spans: list[list[Span]]
    degraded: bool = False


Finder = Callable[[Sequence[str]], Named]  # raises NamesUnavailable where policy wants everything looked at


class Clauses:
    """Patterns and names together. Where both find something, the patterns are right.

    `may_find` says of a text whether the finder can find anything in it: where not, nobody need cut it into clauses.
    """

    context = Patterns.context

    def __init__(self, patterns: Patterns, finder: Finder, may_find: Callable[[str], bool] = lambda text: True) -> None:
        self._patterns, self._finder, self._may_find = patterns, finder, may_find

    def read(self, text: str, start: int, *, ended: bool, above: Above = TOP) -> Settled:
        settled = self._patterns.read(text, start, ended=ended, above=above)
        if ended and not self._may_find(text):
            return settled
        bounds, at = self._cut(text, start, settled, ended)
        clauses = [text[low:high] for low, high in bounds]
        named = self._finder(clauses) if clauses else Named([])
        spans = list(settled.spans)
        for (low, _), found in zip(bounds, named.spans, strict=True):
            spans += (span._replace(start=span.start + low, end=span.end + low) for span in found)
        kept = merged(spans, set(settled.spans))
        if settled.open_end:
            return Settled(kept, settled.until, True, named.degraded)
        return Settled([span for span in kept if span.start < at], at, degraded=named.degraded)

    def _cut(self, text: str, start: int, settled: Settled, ended: bool) -> tuple[list[tuple[int, int]], int]:
        """The clauses that are complete, and where the first incomplete one begins."""
        bounds: list[tuple[int, int]] = []
        secrets = [span for span in settled.spans if span.kind == "secret"]
        at, index = start, 0
        while True:
            while index < len(secrets) and secrets[index].start < at:
                index += 1
            edge = secrets[index].start if index < len(secrets) else None
            end = _end(text, at, ended or edge is not None)
            if end is not None:
                end = _outside(text, end, at)
                if not ended and edge is None and (end >= len(text) or signs.undecided(text, end)):
                    return bounds, at  # the run there may go on
            if edge is not None:
                end = edge if end is None else min(edge, end)
            if end is None:
                return bounds, at
            secret = secrets[index] if end == edge else None
            after = secret.end if secret else _past(settled.spans, end)
            if after != end and not (secret and (secret.rule == "pem" or secret.end in settled.resumed)):
                behind, after = after, _outside(text, after, at)  # behind the others, patterns begin anew
                after = min([after, *(one.start for one in secrets[index:] if behind <= one.start < after)])
            if after > settled.until and not settled.open_end:
                return bounds, at
            if end > at:
                bounds.append((at, end))
            at = after
            if at >= len(text):
                return bounds, len(text)


def _past(spans: Sequence[Span], place: int) -> int:
    """The place, or the end of what was found across it."""
    return next((span.end for span in spans if span.start < place < span.end), place)


def _outside(text: str, place: int, floor: int) -> int:
    """The place, or the end of the run it lies in: patterns cannot begin to read in the middle of one."""
    end = _run_through(text, place, place, floor)
    if text[place : place + 1] in _GAPS:  # the gap may join what stands at both sides: "ext. 115", "example . com"
        end = max(end, *(_run_through(text, place, inside, floor) for inside in range(place + 1, place + _JOIN)))
    return end


def _run_through(text: str, place: int, inside: int, floor: int) -> int:
    """Where the run ends in which `inside` stands, if it holds the place too."""
    start = signs.run_start(text, inside, floor) if inside <= len(text) else place + 1
    run = signs.RUN.match(text, start) if start <= place else None
    return max(place, run.end()) if run else place


def _first_end(text: str, at: int, until: int) -> re.Match[str] | None:
    """As `_END.search`, at a tenth of its cost: it is tried only where one of its signs stands."""
    for sign in _SIGN.finditer(text, at, until):
        found = _END.match(text, sign.start(), until)
        if found is not None:
            return found
    return None


def _end(text: str, at: int, ended: bool) -> int | None:
    """Where the clause that begins at a place ends; None where that is not known yet."""
    found = _first_end(text, at, at + MAX_CLAUSE + LOOK_AHEAD)
    if found is not None and found.end() <= at + MAX_CLAUSE:
        return found.end() if ended or found.end() + LOOK_AHEAD <= len(text) else None
    if len(text) - at >= MAX_CLAUSE + LOOK_AHEAD:
        space = text.rfind(" ", at + MAX_CLAUSE // 2, at + MAX_CLAUSE)
        return space + 1 if space > 0 else at + MAX_CLAUSE
    return len(text) if ended else None


def merged(spans: Sequence[Span], patterns: set[Span]) -> list[Span]:
    """Without overlaps: what the patterns found stays whole, the rest gives way, the surest and longest first."""
    return sorted(span for cluster in _clusters(spans) for span in _settled(cluster, patterns))


def _clusters(spans: Sequence[Span]) -> Iterator[list[Span]]:
    """Groups of spans of which none overlaps one of another group."""
    cluster: list[Span] = []
    end = -1
    for span in sorted(spans):
        if span.start >= end and cluster:
            yield cluster
            cluster = []
        cluster.append(span)
        end = max(end, span.end)
    if cluster:
        yield cluster


def _settled(cluster: list[Span], patterns: set[Span]) -> list[Span]:
    if len(cluster) == 1:
        return cluster
    kept: list[Span] = []
    for span in sorted(cluster, key=lambda one: (one not in patterns, -(one.end - one.start), -one.score, one)):
        kept += _beside(span, kept)
    return kept


def _beside(span: Span, kept: Sequence[Span]) -> list[Span]:
    """The parts of a span that no kept one covers; a part of a single character is not worth a find."""
    pieces = [span]
    for other in kept:
        pieces = [part for piece in pieces for part in _without(piece, other)]
    return pieces


def _without(piece: Span, other: Span) -> list[Span]:
    if other.end <= piece.start or piece.end <= other.start:
        return [piece]
    parts = (piece._replace(end=other.start), piece._replace(start=other.end))
    return [part for part in parts if part.end - part.start > 1]
