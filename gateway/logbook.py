"""How a site's logs are opened, sealed by another key while they run, and finished when their worker is gone. What a log is
lives in `gateway.audit`; where its keys come from, in `gateway.keys`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

import structlog

from gateway import keys
from gateway.app import Site
from gateway.audit.adoption import finish, orphans
from gateway.audit.journal import Journal
from gateway.core.errors import AuditError

_log = structlog.get_logger()


def opening(site: Site, actor: str = "") -> Callable[..., Journal]:
    """Opens the log of an origin, sealed by the site's key, with copies of each head where the settings say.

    `actor` is who opens a log that is not its own. Raises GatewayError when the key cannot be used.
    """
    wanted = site.settings.audit
    signer = keys.signer(wanted.signing_key)
    return partial(
        Journal.open,
        Path(wanted.directory),
        signer=signer,
        copies=[Path(wanted.second_path)] if wanted.second_path else [],
        retired=keys.retired(wanted.public_key, signer),
        heads_kept=wanted.checkpoints_kept,
        actor=actor,
    )


async def take_key(site: Site, journal: Journal) -> None:
    """Sign with the key as it is now. Raises GatewayError when it cannot be used; the old one signs until then."""
    wanted = site.settings.audit
    signer = await asyncio.to_thread(keys.signer, wanted.signing_key)
    if signer.public != journal.public:
        await journal.sign_with(signer, keys.retired(wanted.public_key, signer), time.time())
        _log.info("signing_key_taken", public=signer.public.hex())


async def finish_orphans(site: Site, journal: Journal, ours: Collection[str]) -> None:
    """Logs whose worker is gone for good get an end, by the key and in the name of this one's."""
    directory = Path(site.settings.audit.directory)
    try:
        for origin in await asyncio.to_thread(orphans, directory, journal.public, ours):
            await finish(origin, await asyncio.to_thread(opening, site, journal.origin))
            _log.info("log_finished", origin=origin)
    except AuditError as error:  # it stays as it was, and `hangu audit verify` says what is wrong with it
        _log.error("log_not_finished", error=str(error))
