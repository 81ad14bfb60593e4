"""Tells an alarm to somebody's address, as JSON. What is told holds names and counts, never text."""

from __future__ import annotations

import aiohttp

from gateway.audit.alarms import Notify, as_event
from gateway.audit.anomalies import Alarm
from gateway.audit.canonical import canonical, plain
from gateway.core.errors import AuditError

TIMEOUT = aiohttp.ClientTimeout(total=10)  # seconds: an alarm that takes longer is on record all the same


def webhook(session: aiohttp.ClientSession, url: str) -> Notify:
    """A notifier that posts to `url`. It raises AuditError when the address does not take it."""

    async def notify(alarm: Alarm) -> None:
        body = canonical(plain(as_event(alarm)))
        headers = {"content-type": "application/json"}
        try:
            async with session.post(url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False) as told:
                if told.status >= 300:
                    raise AuditError(f"the alarm's address answers {told.status}", url)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise AuditError(f"the alarm's address does not answer: {type(error).__name__}", url) from error

    return notify
