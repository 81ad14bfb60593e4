"""A text on its way: what may leave, and what was found in it. Which words replace a find is `stages.pii`'s matter.

Law: the pieces and finds are the same however the text is cut, since `Source.read` is a function of the text alone.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Protocol

from gateway.detect.columns import TOP, Above
from gateway.detect.edges import PEM_HEAD, PEM_TAIL
from gateway.detect.patterns import Settled
from gateway.detect.secrets import RUN_ON
from gateway.detect.span import Span


class Source(Protocol):
    """What finds things in a text that arrives: `Patterns`, or those with names."""

    @property
    def context(self) -> int: ...

    def read(self, text: str, start: int, *, ended: bool, above: Above = TOP) -> Settled: ...


class Part(NamedTuple):
    """A stretch of the text: as it came when `span` is None, else what was found. A find that has not ended is told
    twice: `begun` when it is seen, and with its true end once that has come.
    """

    text: str
    span: Span | None = None
    begun: bool = False
    bare: bool = False  # in JSON: it stood outside a string


_new = tuple.__new__  # a named tuple's own constructor is one call more, for every token
_SLACK = 64  # code points of context kept beyond need, so that not every token copies the rest


class Watch:
    """Follows one text. Places in spans count the code points of the whole text."""

    __slots__ = (
        "_above",
        "_buffer",
        "_ended",
        "_open",
        "_origin",
        "_read",
        "_room",
        "_start",
        "_tail_from",
        "degraded",
    )

    def __init__(self, source: Source) -> None:
        self._read = source.read
        self._room = source.context  # code points kept of what has left
        self._buffer = ""  # context that has left, then what is held
        self._above = TOP  # of what is no longer in the buffer: what a table there says of its columns
        self._start = 0  # where what is held begins in it
        self._origin = 0  # the place of the buffer's first character in the text
        self._open: Span | None = None  # a secret whose end has not come
        self._tail_from = 0  # the place from which that end is looked for
        self._ended = False
        self.degraded = False  # somebody who should have looked could not

    @property
    def held(self) -> int:
        """Code points that have come and not left."""
        return len(self._buffer) - self._start

    def feed(self, text: str) -> list[Part]:
        return self._run(self._buffer + text, ended=False)

    def finish(self) -> list[Part]:
        if self._ended:
            return []
        self._ended = True
        return self._run(self._buffer, ended=True)

    def _run(self, buffer: str, *, ended: bool) -> list[Part]:
        self._buffer = buffer
        parts: list[Part] = []
        if self._open is not None:
            closed = self._swallow(ended)
            if closed is None:
                return parts
            parts.append(closed)
            buffer = self._buffer
        start = self._start
        spans, until, _, degraded, _ = settled = self._read(buffer, start, ended=ended, above=self._above)
        if degraded:
            self.degraded = True
        if spans:
            self._settle(settled, parts)
        elif until > start:
            parts.append(_new(Part, (buffer[start:until], None, False, False)))
            self._start = until
        if self._start > self._room + _SLACK:
            self._forget()
        return parts

    def _settle(self, settled: Settled, parts: list[Part]) -> None:
        buffer, at, until = self._buffer, self._start, settled.until
        for index, span in enumerate(settled.spans):
            if span.start >= until:
                break
            if span.start > at:
                parts.append(Part(buffer[at : span.start]))
            placed = span._replace(start=span.start + self._origin, end=span.end + self._origin)
            last = settled.open_end and index == len(settled.spans) - 1
            if last:
                self._open = placed
                head = PEM_HEAD.match(buffer, span.start)
                self._tail_from = self._origin + (head.end() if head else span.start)
            parts.append(Part(buffer[span.start : span.end], placed, begun=last))
            at = span.end
        if until > at:
            parts.append(Part(buffer[at:until]))
            at = until
        self._start = at

    def _swallow(self, ended: bool) -> Part | None:
        """Drops the rest of an open secret; gives it once its end is seen."""
        span = self._open
        assert span is not None
        low = self._start
        if span.rule == "pem":
            tail = PEM_TAIL.search(self._buffer, max(0, low - 80, self._tail_from - self._origin))
            end = tail.end() if tail else len(self._buffer)
            done = ended or tail is not None
        else:
            found = _RUN_ON.match(self._buffer, low)
            end = found.end() if found else low
            done = ended or end < len(self._buffer)
        self._start = end
        if not done:
            self._forget(keep=160)
            return None
        self._open = None
        return Part("", span._replace(end=self._origin + end))

    def _forget(self, keep: int = 0) -> None:
        drop = self._start - max(keep, self._room)
        if drop > 0:
            self._above = self._above.after(self._buffer[:drop])
            self._buffer = self._buffer[drop:]
            self._start -= drop
            self._origin += drop


_RUN_ON: re.Pattern[str] = RUN_ON
