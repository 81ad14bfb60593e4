"""Which texts were looked at before and had nothing in them: chats send their history again with every turn.

Only that is remembered, under a keyed hash with the tenant and whatever else the look depends on: no text, no place, no score.
A text in which anything was seen, or somebody who should have looked could not, is looked at anew each time.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from gateway.core.history import Names

MOST = 20_000  # texts: about 4 MB, and the busy conversations of a large site; the one unused longest goes first
SHORTEST = 64  # code points: shorter texts are looked at again nearly as fast as they are hashed


class Dull:
    """Names of texts with nothing in them, least recently used out first. Made anew with each policy; safe between threads.

    A name's `what` says how a text is looked at: its role, and whether its caller is trusted.
    """

    def __init__(self, key: bytes, most: int = MOST) -> None:
        self.names = Names(key, b"hangu-waf-dull")
        self._most = most
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._lock = Lock()

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
