"""What the model wrote before inspection touched it: kept beside one exchange under way, handed out sealed only.

Whose originals are kept is policy's, keys and ciphers are the record's (`audit.vault`). Where none are kept, nothing here runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from gateway.core.exchange import Exchange, Passage
from gateway.core.reply import Channel
from gateway.core.stage import NOTHING, Piece


class Sealing(Protocol):
    """One exchange's own key."""

    def seal(self, what: str, words: Iterable[tuple[str, str]]) -> str: ...


class Safe(Protocol):
    """Where keys for exchanges come from. Raises AuditError when there is none to be had."""

    async def begin(self, exchange: Exchange) -> Sealing: ...


class Original:
    """One exchange's texts as they came. The key was made before anything was asked: what is heard here can be sealed."""

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing
        self._heard: dict[Channel, list[str]] = {}
        self._told: dict[Channel, int] = {}

    def request(self, passages: Iterable[Passage]) -> str:
        """The request's passages, for the record's beginning."""
        return self._sealing.seal("request", [(passage.where, passage.text) for passage in passages])

    def hear(self, channel: Channel) -> Ear:
        """What goes first in a reply channel's chain."""
        return Ear(self._heard.setdefault(channel, []))

    def answer(self) -> str:
        """All that the model wrote, for the record's end; empty when it wrote nothing."""
        return self._sealed("answer", {})

    def part(self) -> str:
        """What it wrote since this was last asked, for a part of the record."""
        since, self._told = self._told, {channel: len(pieces) for channel, pieces in self._heard.items()}
        return self._sealed("part", since)

    def _sealed(self, what: str, since: dict[Channel, int]) -> str:
        words = [(str(channel), "".join(pieces[since.get(channel, 0) :])) for channel, pieces in self._heard.items()]
        return self._sealing.seal(what, words) if any(text for _, text in words) else ""


class Ear:
    """A transform that changes nothing and remembers everything."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: list[str]) -> None:
        self._pieces = pieces

    def feed(self, text: str) -> Piece:
        self._pieces.append(text)
        return Piece(text)

    def finish(self) -> Piece:
        return NOTHING
