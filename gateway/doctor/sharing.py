"""The Redis that gateways share pseudonyms in, if there is one: does it answer to our credentials?"""

from __future__ import annotations

import time

from gateway.app import open_vault
from gateway.doctor.check import Check, State
from gateway.settings import Settings
from gateway.stages.pii.vault import VaultUnavailable

PSEUDONYMS = ("pseudonyms", "假名库")
_SCOPE = "doctor"  # no conversation is called so: names of scopes are hashes


def check_pseudonyms(settings: Settings) -> Check:
    """Asks as a gateway would. Writes nothing."""
    if settings.pseudonyms is None:
        if settings.listen.workers == 1:
            return Check(PSEUDONYMS, State.FINE, ("kept in the gateway's memory", "保存在网关内存中"))
        said = ("each worker remembers its own callers' tags alone", "每个工作进程各自记忆标签，互不共享")
        hint = ("name a Redis in [pseudonyms] for them to share", "在 [pseudonyms] 中配置 Redis 以便共享")
        return Check(PSEUDONYMS, State.NOTE, said, hint)
    began = time.monotonic()
    try:
        open_vault(settings).recall(_SCOPE, 0.0, 1)
    except VaultUnavailable as error:
        hint = ("until it answers, policy decides: restore.on_unavailable", "恢复前按策略 restore.on_unavailable 处理")
        return Check(PSEUDONYMS, State.PROBLEM, (f"{settings.pseudonyms.url}: {error.reason}",) * 2, hint)
    return Check(
        PSEUDONYMS, State.FINE, (f"{settings.pseudonyms.url} ({(time.monotonic() - began) * 1000:.0f} ms)",) * 2
    )
