"""What can go wrong that is not a refusal.

    GatewayError(what, where, hint)
    ├── SettingsError        a file the operator wrote
    ├── PolicyError          a file the security team wrote
    ├── AuditError           the record cannot be written or read
    └── BackendError         the model's side; carries the Code a caller will see
        ├── BackendUnavailable   ├── BackendOverloaded
        ├── BackendTooSlow       └── BackendNonsense

Foreign exceptions become one of these at the border of the room they enter.
"""

from __future__ import annotations

from gateway.core.verdict import Code


class GatewayError(Exception):
    """Names the thing, the place and the next step."""

    def __init__(self, what: str, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.hint = what, where, hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f"; hint: {self.hint}" if self.hint else ""
        return f"{place}{self.what}{hint}"


class SettingsError(GatewayError):
    """A setting is missing, unknown or wrong."""


class PolicyError(GatewayError):
    """A policy file cannot be used."""


class AuditError(GatewayError):
    """The record cannot be written or read."""


class BackendError(GatewayError):
    """The backend did not answer as it should. `code` is what the caller is told."""

    code = Code.BACKEND_UNAVAILABLE


class BackendUnavailable(BackendError):
    """Nobody answers, or the connection broke."""


class BackendOverloaded(BackendError):
    """It has no room now."""

    code = Code.BACKEND_OVERLOADED


class BackendTooSlow(BackendError):
    """It took longer than the time allowed."""

    code = Code.BACKEND_TIMEOUT


class BackendNonsense(BackendError):
    """It answered in a form nobody knows."""

    code = Code.BACKEND_NONSENSE
