"""How a gate comes to be from a site's policy files, as the process starts and with each change. What it is made of is `app`'s matter.

As it starts, nobody has policies in force yet, so these are compiled and tried here; a change is tried elsewhere first.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from hashlib import blake2b
from pathlib import Path

import policies.bundle
from gateway import app
from gateway.app import Lasting, Site
from gateway.core.errors import PolicyError
from gateway.core.pipeline import Gate
from gateway.detect import compiled
from gateway.trying import Kept, Limits, Trials
from policies.bundle import Bundle
from policies.problem import PolicyInvalid

PREPARE_SECONDS = 30.0  # after the start; a change before that takes a second or two longer to count


def begin(site: Site, kept: Lasting, built: dict[str, Bundle]) -> Gate:
    """The gate that the policy files describe as the process starts; refused when it fails its own cases."""
    bundle = app.load_bundle(site)
    gate = app.build_gate(bundle, site.settings, kept)
    if site.settings.policies.run_cases and (failed := app.unmet_cases(bundle, gate, site.settings)):
        raise PolicyError("\n".join(failed), "cases", app.UNMET_HINT)
    _remember(built, bundle)
    return gate


def change(site: Site, kept: Lasting, built: dict[str, Bundle], tries: Trials) -> Gate:
    """The gate of changed policies, once a process of its own has compiled them and found them good."""
    good = tries.digest(digest_of(site))
    bundle = app.load_bundle(site)
    if bundle.digest != good:
        raise PolicyError("changed while they were tried", "policies", "they are tried again as they are now")
    gate = app.build_gate(bundle, site.settings, kept)
    _remember(built, bundle)
    return gate


def _remember(built: dict[str, Bundle], bundle: Bundle) -> None:
    """`built` keeps what gates are made of: the one in force until the swap, and the new one."""
    built.pop(bundle.digest, None)
    built[bundle.digest] = bundle
    for older in list(built)[:-2]:
        del built[older]


def trials(site: Site, stack: AsyncExitStack, *, ready: bool) -> Trials:
    """Who tries changed policies, and where what was compiled is kept: this process looks there too."""
    wanted = site.settings.policies
    key = blake2b(site.settings.pii.pseudonym_key.key(), digest_size=32, person=b"hangu-shelf").digest()
    kept = Kept(wanted.cache, key)
    compiled.use(kept.shelf)
    made = Trials(site.directory, Limits(wanted.trial_seconds, wanted.trial_megabytes), kept, ready=ready)
    stack.callback(made.close)
    return made


async def prepare(waiting: Trials) -> None:
    """Once the first rush is over, have a process ready for the next change."""
    await asyncio.sleep(PREPARE_SECONDS)
    await asyncio.to_thread(waiting.prepare)


def digest_of(site: Site) -> str:
    """The digest of the site's policy files as they are now, unread."""
    try:
        return policies.bundle.digest(policies.bundle.gather(Path(site.settings.policies.directory)))
    except PolicyInvalid as invalid:
        raise PolicyError(str(invalid), hint="mend these; the policies in force stay until then") from invalid
