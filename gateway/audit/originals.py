"""Sealing while exchanges pass: the event loop never waits for a disk or a token. Keys and ciphers are `vault`'s; whose
originals are kept is policy's."""

from __future__ import annotations

import asyncio

from gateway.audit.vault import Sealing, Vault
from gateway.core.errors import AuditError
from gateway.core.exchange import Exchange

SECONDS = 5.0  # a key that takes longer (a token that hangs, a dead network disk) is a refusal


class Originals:
    """Begins the sealing of one exchange after another. `fault` says why the last one could not be begun, if so."""

    def __init__(self, vault: Vault, seconds: float = SECONDS) -> None:
        self._vault, self._seconds = vault, seconds
        self.fault = ""

    async def begin(self, exchange: Exchange) -> Sealing:
        """The exchange's own key. Raises AuditError when there can be none, and then nothing may be answered."""
        who = exchange.principal
        whose = (who.tenant, who.name) if who else ("", "")
        try:
            sealing = await self._begin(exchange.id, *whose)
        except AuditError as error:
            self.fault = str(error)
            raise
        self.fault = ""
        return sealing

    async def _begin(self, id_: str, tenant: str, user: str) -> Sealing:
        if self._vault.knows(tenant, user):
            return self._vault.begin(id_, tenant, user)
        try:
            return await asyncio.wait_for(asyncio.to_thread(self._vault.begin, id_, tenant, user), self._seconds)
        except TimeoutError:
            raise AuditError(f"the sealing key took over {self._seconds:g} s", hint="is the token there?") from None
