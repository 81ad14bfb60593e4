"""Which texts were looked at before and had nothing in them: chats send their history again with every turn.

Only that is remembered, under a keyed hash with the tenant and whatever else the look depends on: no text, no place, no score.
A text in which anything was seen, or somebody who should have looked could not, is looked at anew each time.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock

MOST = 65_536  # texts: about 10 MB; the one unused longest goes first
SHORTEST = 64  # code points: shorter texts are looked at again nearly as fast as they are hashed


class Dull:
    """Names of texts with nothing in them, least recently used out first. Made anew with each policy; safe between threads."""

    def __init__(self, key: bytes, most: int = MOST) -> None:
        self._key = hashlib.blake2b(key, digest_size=32, person=b"hangu-waf-dull").digest()
        self._most = most
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._lock = Lock()

    def name(self, tenant: str, look: str, text: str) -> bytes:
        """What a text is known by. `look` says how it is looked at: its role, and whether its caller is trusted."""
        head = f"{len(tenant)}:{tenant}{len(look)}:{look}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(head + text.encode("utf-8", "surrogatepass"), digest_size=20, key=self._key).digest()

    def knows(self, name: bytes) -> bool:
        with self._lock:
            if name not in self._known:
                return False
            self._known.move_to_end(name)
            return True

    def keep(self, name: bytes) -> None:
        with self._lock:
            self._known[name] = None
            while len(self._known) > self._most:
                self._known.popitem(last=False)

    def __len__(self) -> int:
        return len(self._known)
