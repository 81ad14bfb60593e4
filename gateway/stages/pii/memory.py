"""What was found in messages seen before: chats send their history again with every turn. Holds places, never text.

A message is known by a keyed hash with its tenant, so that a dump of this is of no use to anybody.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from gateway.core.history import Names
from gateway.detect.watch import Part

MAX_MESSAGES = 20_000  # remembered finds: 4 to 10 MB, and the busy conversations of a large site; the one unused longest goes first
_PLAIN: tuple[tuple[int, Part], ...] = ((0, Part("")),)  # in place of finds: there were none
MIN_LENGTH = 64  # code points: shorter texts are read again faster than they are hashed


class Memory:
    """Finds by tenant and message, least recently used out first. Safe to share between threads."""

    def __init__(self, key: bytes, most: int = MAX_MESSAGES) -> None:
        self.names = Names(key, b"hangu-pii-memory")
        self._most = most
        self._known: OrderedDict[bytes, tuple[tuple[int, Part], ...]] = OrderedDict()
        self._lock = Lock()

    def recall(self, name: bytes, text: str) -> list[Part] | None:
        """The message's parts again; None if it is not known."""
        with self._lock:
            known = self._known.get(name)
            if known is None:
                return None
            self._known.move_to_end(name)
        if known is _PLAIN:
            return [Part(text)]
        parts: list[Part] = []
        at = 0
        for size, part in known:
            parts.append(Part(text[at : at + size], part.span, part.begun, part.bare))
            at += size
        return parts

    def keep(self, name: bytes, parts: list[Part]) -> None:
        plain = len(parts) == 1 and parts[0].span is None  # most messages: nothing beside the name is worth its memory
        known = _PLAIN if plain else tuple((len(one.text), one._replace(text="")) for one in parts)
        with self._lock:
            self._known[name] = known
            while len(self._known) > self._most:
                self._known.popitem(last=False)

    def keep_plain(self, name: bytes) -> None:
        """Remember that there was nothing to find."""
        self.keep(name, [Part("")])

    def is_plain(self, name: bytes) -> bool:
        """Is it remembered that there was nothing to find?"""
        with self._lock:
            known = self._known.get(name)
            if known is _PLAIN:
                self._known.move_to_end(name)
            return known is _PLAIN

    def __len__(self) -> int:
        return len(self._known)
