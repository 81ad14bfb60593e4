"""When a stream's text so far is worth a record of its own, so that a crash leaves what the caller had seen. Sync and pure."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.audit.record import Part, part
from gateway.core.exchange import Exchange
from gateway.core.reply import Channel

PART_CHARS = 16_384  # what is lost at most, in text
PART_SECONDS = 1.0  # and in time


class Parts:
    """One stream's parts. Ask after each write; hand what it gives to `Journal.note`, which nobody waits for."""

    def __init__(self, exchange: Exchange, began: float) -> None:
        self._exchange = exchange
        self._told: dict[Channel, int] = {}
        self._last = began
        self._lengths = 0

    def due(self, released: Mapping[Channel, str], now: float) -> Part | None:
        """What was released since the last part, if it is much or the last one is long ago. `now` is Unix seconds."""
        length = sum(map(len, released.values()))
        fresh = length - self._lengths
        if fresh == 0 or (fresh < PART_CHARS and now - self._last < PART_SECONDS):
            return None
        texts = {channel: text[self._told.get(channel, 0) :] for channel, text in released.items()}
        self._told = {channel: len(text) for channel, text in released.items()}
        self._lengths, self._last = length, now
        return part(self._exchange, now, {channel: text for channel, text in texts.items() if text})
