"""How a leak is traced home, and what the law wants said: the invisible mark, the choice of words, the label.

Which text may be marked at all is `watermark`'s knowledge; who is marked and what is said, policy's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from gateway.core.exchange import Exchange, Kind
from gateway.core.reply import Channel, Label
from gateway.core.reply import Kind as Said
from gateway.core.stage import NOTHING, Piece, Transform
from policies.marks import Density, Language, Manner, MarksPolicy, Metadata, Visible
from watermark import Embedder, Keys
from watermark.choice import Chooser
from watermark.labels import Labels, language_of, visible

MAX_REMEMBERED = 4096  # callers' manners; one depends on nothing but the policy, and costs as much as a dozen lookups
_SEEN_CHARS = 2000  # of the question: enough to tell its language

_new = tuple.__new__  # a NamedTuple's own constructor costs twice as much, once a token


@dataclass(frozen=True, slots=True)
class Marking:
    """Marks the answer's own text: never reasoning, arguments, or answers that a program will parse.

    `provider` is who the label says made the answer.
    """

    keys: Keys = field(repr=False)
    policy: MarksPolicy
    provider: str = ""
    name: str = "marking"
    _manner: Callable[[str, tuple[str, ...], str], Manner] = field(init=False, repr=False, compare=False)
    _labels: Labels = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_manner", lru_cache(MAX_REMEMBERED)(self.policy.manner))
        object.__setattr__(self, "_labels", Labels(self.provider, self.keys.current.label))

    def manner(self, exchange: Exchange) -> Manner:
        """What policy says of this exchange's answer."""
        who = exchange.principal
        return self._manner(who.tenant if who else "", who.roles if who else (), exchange.route)

    def density(self, exchange: Exchange) -> Density:
        """How densely this exchange's answer is marked."""
        return Density.OFF if exchange.parameters.structured else self.manner(exchange).marks

    def transform(self, exchange: Exchange, channel: Channel) -> Transform:
        if channel.kind is not Said.CONTENT or exchange.parameters.structured:
            return Unmarked()
        manner = self.manner(exchange)
        marked: Transform
        if manner.marks is Density.OFF:
            marked = Unmarked()
        else:
            marked = Marked(Embedder(self.keys, exchange.mark, manner.marks.value))
        if manner.choice:
            marked = Chosen(Chooser(self.keys.current, exchange.id), marked)
        if manner.visible is Visible.OFF:
            return marked
        return Visibly(marked, visible(_language(manner, exchange)), first=manner.visible is Visible.START)

    def label(self, exchange: Exchange) -> Label | None:
        """What the answer is labelled with, beside its text."""
        metadata = self.manner(exchange).metadata
        if metadata is Metadata.OFF:
            return None
        return Label(*self._labels.of(exchange.id, signed=metadata is Metadata.SIGNED))


def _language(manner: Manner, exchange: Exchange) -> Literal["zh", "en"]:
    """The question's own, where policy leaves it open: the answer's is not known before it is there."""
    if manner.language is not Language.AUTO:
        return "zh" if manner.language is Language.ZH else "en"
    asked = [each.text for each in exchange.passages if each.role == "user" and each.kind is Kind.PROSE]
    return language_of(asked[-1][-_SEEN_CHARS:] if asked else "")


class Marked:
    """Text with the mark woven in, at most one character later."""

    __slots__ = ("_feed", "embedder")

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self._feed = embedder.feed

    def feed(self, text: str) -> Piece:
        return _new(Piece, (self._feed(text), (), None))

    def finish(self) -> Piece:
        rest = self.embedder.finish()
        return Piece(rest) if rest else NOTHING


class Chosen:
    """Text with words chosen, a few characters later, and then marked."""

    __slots__ = ("_chooser", "_marked")

    def __init__(self, chooser: Chooser, marked: Transform) -> None:
        self._chooser, self._marked = chooser, marked

    def feed(self, text: str) -> Piece:
        return self._marked.feed(self._chooser.feed(text))

    def finish(self) -> Piece:
        return Piece(self._marked.feed(self._chooser.finish()).text + self._marked.finish().text)


class Visibly:
    """Text with a line before or behind it that says who wrote it; a text that never came has none."""

    __slots__ = ("_begun", "_first", "_line", "_marked")

    def __init__(self, marked: Transform, line: str, *, first: bool) -> None:
        self._marked, self._line, self._first = marked, line, first
        self._begun = False

    def feed(self, text: str) -> Piece:
        piece = self._marked.feed(text)
        if self._begun or not text:
            return piece
        self._begun = True
        return piece._replace(text=f"{self._line}\n\n{piece.text}") if self._first else piece

    def finish(self) -> Piece:
        piece = self._marked.finish()
        if self._begun and not self._first:
            return piece._replace(text=f"{piece.text}\n\n{self._line}")
        return piece


class Unmarked:
    """Text as it came."""

    def feed(self, text: str) -> Piece:
        return Piece(text)

    def finish(self) -> Piece:
        return NOTHING
