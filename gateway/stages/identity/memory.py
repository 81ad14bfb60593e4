"""Tokens verified before, so that a signature is checked once and not with every request. Holds no token: only hashes."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from gateway.stages.identity.token import Papers

MAX_REMEMBERED = 10_000  # tokens: some 10 MB, and the callers of a large site within one token's lifetime


@dataclass(frozen=True, slots=True)
class _Entry:
    papers: Papers
    keys: str  # digest of the key set that verified it: a key that is withdrawn takes its tokens along


class VerifiedTokens:
    """A bounded memory, handed to the stage. Only good tokens enter; time and binding are judged on every use.

    A token's key is a hash of it and of the certificate it came with, so that no token is kept and none is believed
    on another connection.
    """

    def __init__(self, capacity: int = MAX_REMEMBERED) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def recall(self, token: str, thumbprint: str, keys: str) -> Papers | None:
        """What the token said when these keys verified it on this certificate."""
        place = _place(token, thumbprint)
        entry = self._entries.get(place)
        if entry is None or entry.keys != keys:
            return None
        self._entries.move_to_end(place)
        return entry.papers

    def remember(self, token: str, thumbprint: str, keys: str, papers: Papers) -> None:
        """Keep it, as the last used; the one unused for longest goes when there is no room."""
        place = _place(token, thumbprint)
        self._entries[place] = _Entry(papers, keys)
        self._entries.move_to_end(place)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)


def _place(token: str, thumbprint: str) -> bytes:
    return hashlib.sha256(f"{thumbprint}\0{token}".encode(errors="surrogatepass")).digest()
