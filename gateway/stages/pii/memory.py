"""What was found in messages seen before: chats send their history again with every turn. Holds places, never text.

A message is known by a keyed hash with its tenant, so that a dump of this is of no use to anybody.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock

from gateway.detect.watch import Part

MAX_MESSAGES = 50_000  # remembered finds: 10 to 25 MB; the one unused longest goes first
_PLAIN: tuple[tuple[int, Part], ...] = ((0, Part("")),)  # in place of finds: there were none
MIN_LENGTH = 64  # code points: shorter texts are read again faster than they are hashed


class Memory:
    """Finds by tenant and message, least recently used out first. Safe to share between threads."""

    def __init__(self, key: bytes, most: int = MAX_MESSAGES) -> None:
        self._key = hashlib.blake2b(key, digest_size=32, person=b"hangu-pii-memory").digest()
        self._most = most
        self._known: OrderedDict[bytes, tuple[tuple[int, Part], ...]] = OrderedDict()
        self._lock = Lock()

    def name(self, tenant: str, kind: str, text: str) -> bytes:
        """What a message is known by."""
        head = f"{len(tenant)}:{tenant}{kind}:".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(head + text.encode("utf-8", "surrogatepass"), digest_size=20, key=self._key).digest()

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

    def __len__(self) -> int:
        return len(self._known)
