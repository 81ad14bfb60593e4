"""A directory of policies made into a gate to try things on, with nobody's keys. Judges nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import watermark
from gateway import app, crs, settings
from gateway.core.errors import PolicyError
from gateway.core.pipeline import Gate
from gateway.core.ports import Wire
from gateway.settings import FILE_NAME, Settings
from gateway.stages.access import Access
from gateway.stages.identity import KeySet
from policies import bundle
from policies.bundle import Bundle
from policies.problem import PolicyInvalid

NOBODY_S_KEY = bytes(32)  # decisions depend on no key; what it marks or replaces here leaves this process never

# The least that settings say, for policies that lie outside a site. Nothing of it is opened.
_BARE: Mapping[str, object] = {
    "tls": {"certificate": "-", "key": {"file": "-"}, "client_ca": "-"},
    "identity": {"issuer": "-", "certificates_alone": True},
    "audit": {"signing_key": {"file": "-"}, "sealing_key": {"file": "-"}},
    "watermark": {"master_key": {"file": "-"}},
    "policies": {},
    "pii": {"pseudonym_key": {"file": "-"}},
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """Policies, the gate they make, and the wire that reads bodies for them. `site` is None outside a site."""

    directory: Path
    bundle: Bundle
    gate: Gate
    wire: Wire
    site: Settings | None = None

    @property
    def access(self) -> Access:
        return next(stage for stage in self.gate.stages if isinstance(stage, Access))


def load(directory: Path) -> Candidate:
    """A site, or a directory of policies by itself. Raises PolicyError with every problem, SettingsError for the site's."""
    site = settings.load(directory, complete=False) if (directory / FILE_NAME).is_file() else None
    said = site or Settings.model_validate(_BARE, context={"site": directory})
    policies = Path(site.policies.directory) if site else directory
    try:
        read = bundle.load(policies)
    except PolicyInvalid as invalid:
        raise PolicyError(str(invalid)) from invalid
    return of(read, said, policies, site)


def of(read: Bundle, said: Settings, policies: Path, site: Settings | None) -> Candidate:
    """The gate of a bundle, as `serve` would build it."""
    kept = app.Lasting(
        keys=lambda: KeySet(()),
        marks=watermark.Keys.from_master(NOBODY_S_KEY),
        pseudonym_key=NOBODY_S_KEY,
        core_rules=crs.of_site(said.crs),
    )
    gate = app.build_gate(read, said, kept)
    return Candidate(policies, read, gate, app.wire(said, read.routing.default.name), site)
