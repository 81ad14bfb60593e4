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


class VaultUnavailable(Exception):
    """The vault cannot be asked now. `reason` is a word for the record; it quotes nothing."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the vault of pseudonyms cannot be asked: {reason}")
        self.reason = reason


class Vault(Protocol):
    """`now` is Unix seconds, `lifetime_s` how long policy remembers a conversation that nobody goes on with.

    `slow`: asking it may take longer than an event loop should wait. Both may raise VaultUnavailable.
    """

    @property
    def slow(self) -> bool: ...

    def remember(self, scope: str, values: Mapping[str, str], now: float, lifetime_s: float) -> None:
        """Keep tag → value for a scope; what was kept stays."""
        ...

    def recall(self, scope: str, now: float, lifetime_s: float) -> Mapping[str, str]:
        """Everything kept for a scope and not too old."""
        ...


class MemoryVault:
    """In this process alone: values are gone when it ends. Outlives policies, so that a reload forgets nobody's."""

    slow = False

    def __init__(self, most: int = MAX_SCOPES) -> None:
        self._most = most
        self._scopes: OrderedDict[str, tuple[float, dict[str, str]]] = OrderedDict()  # scope → last used, values
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"MemoryVault({len(self._scopes)} scopes)"

    def remember(self, scope: str, values: Mapping[str, str], now: float, lifetime_s: float) -> None:
        with self._lock:
            known = {**self._fresh(scope, now, lifetime_s), **values}
            while len(known) > MAX_VALUES:
                del known[next(iter(known))]
            self._scopes[scope] = (now, known)
            self._scopes.move_to_end(scope)
            self._forget(now, lifetime_s)

    def recall(self, scope: str, now: float, lifetime_s: float) -> Mapping[str, str]:
        with self._lock:
            return dict(self._fresh(scope, now, lifetime_s))

    def _fresh(self, scope: str, now: float, lifetime_s: float) -> dict[str, str]:
        used, values = self._scopes.get(scope, (0.0, {}))
        return values if used + lifetime_s > now else {}

    def _forget(self, now: float, lifetime_s: float) -> None:
        """From the one unused longest: what is too old, and what there is no room for."""
        while self._scopes:
            scope = next(iter(self._scopes))
            if self._scopes[scope][0] + lifetime_s > now and len(self._scopes) <= self._most:
                return
            del self._scopes[scope]
