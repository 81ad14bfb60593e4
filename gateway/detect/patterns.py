"""The pattern tier: one scan says where something may stand; only the runs there are read. Names of people are `names`' matter.

`read` gives what is settled: the same finds, however the text arrives. A text is read run by run from the left, and a
run only once its end is seen; so what it gives is a function of the text alone (see `signs`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.detect import carriers, columns, edges, readers, signs
from gateway.detect.columns import TOP, Above
from gateway.detect.digits import sole
from gateway.detect.families import (
    ANNOUNCING,
    COAT,
    CODED,
    DIGITS,
    HEAD,
    PAPER,
    PEM,
    TRIGGERS,
    URL,
    under,
)
from gateway.detect.readers import Recogniser
from gateway.detect.span import Span, resolve
from gateway.detect.triggers import Engine, Trigger, engine
from gateway.detect.view import Around

CONTEXT = 64  # code points before a run that its reading may look at: cues and announcements
MAX_RUN = 512  # code points read at once: longer runs (base64, minified code) are read in windows
OVERLAP = 192  # code points two windows share: longer than any bounded thing that is recognised

Event = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Own:
    """A recogniser that the site wrote: `trigger` must occur in every run it is asked about."""

    trigger: Trigger
    read: Recogniser


class Settled(NamedTuple):
    """What is certain: finds that begin before `until`. `open_end` says that the last find has not ended yet; `degraded`
    that somebody who should have looked could not; `resumed` tells where, within a run, reading begins anew: behind secrets
    so long that a stream swallows them.
    """

    spans: list[Span]
    until: int
    open_end: bool = False
    degraded: bool = False
    resumed: frozenset[int] = frozenset()


_new = tuple.__new__  # a named tuple's own constructor is one call more, for every token
_NONE: list[Span] = []  # nobody adds to it
# Digits that no code is made of: a passport of nine, which begins with 14 or 15, is `tokens`' matter.
_SOLE = re.compile(r"(?!1[45][0-9]{7}(?![0-9]))[0-9]{3,}")
_NOWHERE: frozenset[int] = frozenset()
_NO_HEADS: Mapping[int, str] = {}


class Patterns:
    """Finds structured personal data and secrets. Holds no text; safe to share between threads."""

    context = CONTEXT

    def __init__(self, own: Sequence[Own] = (), make: Callable[[Sequence[Trigger]], Engine] = engine) -> None:
        self._own = tuple(one.read for one in own)
        self._events = make((*TRIGGERS, *(one.trigger for one in own))).events

    def find(self, text: str) -> list[Span]:
        """Everything in a whole text."""
        return self.read(text, 0, ended=True).spans

    def read(self, text: str, start: int, *, ended: bool, above: Above = TOP) -> Settled:
        """What is certain from `start` on; `text` begins with up to `context` code points that have left already.

        `above` is what a table in the text before has to say of its columns."""
        events = self._events(text)
        heads = _NO_HEADS
        if (events and HEAD in [family for _, family in events]) or (above is not TOP and above.wakes(text)):
            heads = columns.heads(above, text, [place for place, family in events if family == HEAD])
            events = _headed(events, heads)
        if not events or events[-1][0] < start:  # nearly every fragment of a stream: nothing new can be anything
            return _new(Settled, (_NONE, len(text) if ended else edges.live(text, start), False, False, _NOWHERE))
        return _Reading(text, events, ended, self._own, self._inner, heads).run(start)

    def _inner(self, text: str) -> list[Span]:
        """One coat deep: base64 inside base64 is not undone."""
        events = [event for event in self._events(text) if event[1] != CODED and event[1] != HEAD]
        return _Reading(text, events, True, self._own, lambda coded: []).run(0).spans


def _headed(events: list[Event], heads: Mapping[int, str]) -> list[Event]:
    """The events that are anything, and the cells whose heads announce what a word beside them would."""
    told = [(place, family) for place, head in heads.items() if (family := under(head))]
    return sorted({*(event for event in events if event[1] != HEAD), *told})


@dataclass(slots=True)
class _Block:
    """One run under reading, and the events in it."""

    start: int
    end: int
    events: list[Event]


class _Reading:
    """One pass over a text."""

    def __init__(
        self,
        text: str,
        events: list[Event],
        ended: bool,
        own: tuple[Recogniser, ...],
        inner: Callable[[str], list[Span]],
        heads: Mapping[int, str] = _NO_HEADS,
    ) -> None:
        self.text, self.events, self.ended = text, events, ended
        self.own, self.inner = own, inner
        self.around = Around([], heads)
        self.wanting = self.around.wanting
        self.resumed: set[int] = set()
        self.pems = [place for place, family in events if family == PEM]
        coming = None if ended else edges.coming(text, 0)
        self.coming = len(text) if coming is None else coming

    def run(self, cut: int) -> Settled:
        spans: list[Span] = []
        index = 0
        while index < len(self.events):
            place, family = self.events[index]
            if place < cut or (place == cut and not family & ANNOUNCING):
                index += 1
            elif family == PEM:
                index += 1
                pem = self._pem(place, cut)
                if pem is None:
                    continue
                spans.append(pem[0])
                if pem[1]:
                    return Settled(spans, len(self.text), open_end=True)
                cut = pem[0].end
            elif family == DIGITS and (end := self._sole(place, cut)):
                found = sole(self.text, place - 3, end, self.around)
                if self.wanting and not self.ended:
                    return Settled(spans, min(place - 3, self.coming), resumed=frozenset(self.resumed))
                spans += found
                cut = end
            else:
                block, index = self._block(cut, index)
                if block.end <= cut:
                    continue
                if not self.ended and not self._closed(block):
                    return self._unclosed(block, spans)
                if block.end - block.start <= MAX_RUN:  # nearly every one
                    found, end = self._recognise(block.start, block.end, block), block.end
                else:
                    found, end = self._windows(block)
                if self.wanting and not self.ended:
                    return Settled(spans, min(block.start, self.coming), resumed=frozenset(self.resumed))
                spans += found
                cut = end
        until = len(self.text) if self.ended else edges.live(self.text, cut)
        return _new(Settled, (spans, until, False, False, frozenset(self.resumed) if self.resumed else _NOWHERE))

    def _sole(self, place: int, cut: int) -> int:
        """Where digits that begin with the three before a place end, if they stand alone in Chinese text; 0 if they do not."""
        text, start = self.text, place - 3
        if start <= cut or text[start - 1] not in signs.APART:
            return 0
        found = _SOLE.match(text, start)
        end = found.end() if found else 0
        return end if end and end < self.coming and text[end] in signs.APART else 0

    def _pem(self, place: int, cut: int) -> tuple[Span, bool] | None:
        """A private key from its first line to its last; without a last line, all there is."""
        head = edges.PEM_HEAD.search(self.text, max(cut, place - edges.PEM_REACH), place)
        if head is None:
            return None
        tail = edges.PEM_TAIL.search(self.text, place)
        end = tail.end() if tail else len(self.text)
        return Span(head.start(), end, "PRIVATE_KEY", 1.0, "pem", "secret"), tail is None and not self.ended

    def _block(self, cut: int, index: int) -> tuple[_Block, int]:
        """The run an event stands in, with every other event in it; a private key's first line ends it."""
        text, events = self.text, self.events
        start = signs.run_start(text, events[index][0], cut)
        block = _Block(start, edges.run_end(text, start), [])
        while index < len(events) and events[index][0] <= block.end and events[index][1] != PEM:
            place, family = events[index]
            index += 1
            block.events.append((place, family))
            if family & ANNOUNCING:
                reach = edges.reach(text, place, family)
                if reach > block.end:
                    block.end = edges.run_end(text, reach)
        if self.pems:
            block.end = min(block.end, self._pem_after(start, block.end))
        return block, index

    def _pem_after(self, start: int, end: int) -> int:
        for place in self.pems:
            if start < place <= end + edges.PEM_REACH:
                head = edges.PEM_HEAD.search(self.text, max(start, place - edges.PEM_REACH), place)
                return head.start() if head else end
        return end

    def _closed(self, block: _Block) -> bool:
        """Has what follows shown that the run ends here?"""
        left = len(self.text) - block.end
        if left == 0 or (left < signs.LOOKAHEAD and signs.undecided(self.text, block.end)):
            return False
        return block.end <= self.coming

    def _unclosed(self, block: _Block, spans: list[Span]) -> Settled:
        """A run whose end has not come: held whole, or read in windows once it is long."""
        found, cut = self._windows(
            block, unfinished=True
        )  # each window is followed by what the next one shares with it
        open_end = bool(found) and cut == found[-1].end == len(self.text)
        return Settled(spans + found, min(cut, self.coming), open_end, resumed=frozenset(self.resumed))

    def _windows(self, block: _Block, *, unfinished: bool = False) -> tuple[list[Span], int]:
        """Finds of a run and where reading goes on. A window gives what begins before the part it shares with the next."""
        spans: list[Span] = []
        at, end = block.start, block.end
        least = MAX_RUN + OVERLAP if unfinished else MAX_RUN + 1
        while end - at >= least:
            edge = at + MAX_RUN
            border = edge - OVERLAP
            for span in self._recognise(at, edge, block):
                if span.start >= border:
                    break
                if (
                    span.kind == "secret" and edge - span.end <= _ESCAPE and self.text[span.end : edge][:1] in _CUT
                ):  # it may go on: all that looks like it goes with it
                    span = span._replace(end=edges.swallowed(self.text, edge))
                    self.resumed.add(span.end)
                spans.append(span)
                border = max(border, span.end)
            at = border
        if unfinished or at >= end:
            return spans, at
        return spans + self._recognise(at, end, block), end

    def _recognise(self, start: int, end: int, block: _Block) -> list[Span]:
        text, families = self.text, 0
        spans: list[Span] = []
        for place, family in block.events:
            if start < place <= end or (place == start and family & ANNOUNCING):
                families |= family
            elif family == CODED and place <= start and end - start >= carriers.MIN_WINDOW:
                families |= CODED  # the run began as base64, and may go on so
        if families & (PAPER | URL):
            families |= readers.IMPLIED[families & (PAPER | URL)]
        for view in carriers.readings(text, start, end, bool(families & COAT), self.around):
            spans += readers.read(view, families if view.places is None else families | readers.UNDER_A_COAT, self.own)
        if families & ANNOUNCING:
            whole = carriers.plain(text, start, end, self.around)
            for place, family in block.events:
                if family in readers.TOLD and start <= place < end:
                    span = readers.TOLD[family](whole, place)
                    spans += [span._replace(end=min(span.end, end))] if span else []  # a private key may begin in it
        if families & CODED:
            spans += self._coded(start, end)
        return resolve(spans) if len(spans) > 1 else spans

    def _coded(self, start: int, end: int) -> Iterator[Span]:
        """What base64 hides is found as in any text; the whole of its coat is taken for it."""
        for low, high, decoded in carriers.base64_texts(self.text, start, end):
            inner = self.inner(decoded)
            if inner:
                worst = max(inner, key=lambda span: span.score)
                yield worst._replace(start=low, end=high, rule=f"base64:{worst.rule}")


_ESCAPE = 7  # signs of an escape, of which an edge may leave a part
_CUT = ("", "\\", "%", "&")
