"""What a tag stands for, as long as policy remembers it. How tags are made is `pseudonyms`' matter.

A scope is one conversation of one caller of one tenant; nothing in a vault is found without its scope.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Protocol

MAX_SCOPES = 100_000  # conversations kept: about 100 MB with ten values each; the one unused longest goes first
MAX_VALUES = 1_000  # values of one conversation: more is a data set, not a conversation


class Vault(Protocol):
    """`now` is Unix seconds. `slow`: asking it may take longer than an event loop should wait."""

    @property
    def slow(self) -> bool: ...

    def remember(self, scope: str, values: Mapping[str, str], now: float) -> None:
        """Keep tag → value for a scope; what was kept stays."""
        ...

    def recall(self, scope: str, now: float) -> Mapping[str, str]:
        """Everything kept for a scope and not too old."""
        ...


class MemoryVault:
    """In this process alone. Values are gone when it ends, or `lifetime_s` seconds after their scope was last used."""

    slow = False

    def __init__(self, lifetime_s: float) -> None:
        self._lifetime = lifetime_s
        self._scopes: OrderedDict[str, tuple[float, dict[str, str]]] = OrderedDict()
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"MemoryVault({len(self._scopes)} scopes)"

    def remember(self, scope: str, values: Mapping[str, str], now: float) -> None:
        with self._lock:
            known = dict(self._fresh(scope, now))
            known.update(values)
            while len(known) > MAX_VALUES:
                del known[next(iter(known))]
            self._scopes[scope] = (now + self._lifetime, known)
            self._scopes.move_to_end(scope)
            self._forget(now)

    def recall(self, scope: str, now: float) -> Mapping[str, str]:
        with self._lock:
            return dict(self._fresh(scope, now))

    def _fresh(self, scope: str, now: float) -> dict[str, str]:
        until, values = self._scopes.get(scope, (0.0, {}))
        return values if until > now else {}

    def _forget(self, now: float) -> None:
        """From the oldest: what is too old, and what there is no room for."""
        while self._scopes:
            scope = next(iter(self._scopes))
            if self._scopes[scope][0] > now and len(self._scopes) <= MAX_SCOPES:
                return
            del self._scopes[scope]
