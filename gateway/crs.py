"""The core rule set of a site, from its settings; and for a policy, the rules that are in force. Opens no socket."""

from __future__ import annotations

from pathlib import Path

from gateway.detect.crs.engine import EngineMissing, library
from gateway.detect.crs.residue import Crs, Rules
from gateway.detect.crs.ruleset import Options
from gateway.detect.crs.workers import Workers
from gateway.settings.rules import Crs as Section
from policies.problem import PolicyInvalid, Problem
from policies.waf import SETTINGS, WafPolicy


def of_site(wanted: Section | None) -> Crs | None:
    """The site's core rules, not yet loaded; None where its settings have no section for them."""
    if wanted is None:
        return None
    path = str(wanted.library) if wanted.library else _found()
    return Crs(Path(wanted.directory), wanted.sha256, Workers(path, wanted.workers), wanted.deadline_seconds)


def in_force(policy: WafPolicy, site: Crs | None) -> Rules | None:
    """The rules that a policy asks for, loaded. Raises `PolicyInvalid` where it asks for what the site does not have."""
    wanted = policy.settings.core_rules
    if site is None and wanted.required:
        raise PolicyInvalid([Problem(SETTINGS, "core_rules.required", "this site has no core rules", _HINT)])
    if site is None and policy.seclang:
        raise PolicyInvalid(
            [Problem(name, "", "nothing reads Seclang on this site", _HINT) for name, _ in policy.seclang]
        )
    if site is None or wanted.mode == "off":
        return None
    return site.loaded(policy.seclang, Options(wanted.paranoia))


_HINT = "write a section [crs] in gateway.toml"


def _found() -> str:
    """A library that is not there is told of when the rules are loaded, with the policy's other problems."""
    try:
        return library()
    except EngineMissing:
        return "libmodsecurity.so.3"
