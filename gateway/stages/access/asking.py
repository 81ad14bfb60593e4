"""What a request asks for beside its text, against what a profile permits. Knows no rule and no caller."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.core.exchange import Parameters
from policies.access import Names, Profile


def excesses(profile: Profile, asked: Parameters) -> Iterator[tuple[str, str]]:
    """Each parameter that is asked for beyond the profile: its name, and why, in words safe to show."""
    if asked.max_tokens is not None and asked.max_tokens > bound(profile):
        yield "max_tokens", f"max_tokens is over {profile.max_tokens}, the most you may ask for"
    if asked.samples > profile.samples:
        yield "samples", f"more than {profile.samples} answers per request"
    if asked.alternatives > profile.alternatives:
        yield "alternatives", f"more than {profile.alternatives} alternative tokens"
    for name, unlisted in _unlisted(profile, asked):
        if unlisted:
            yield name, f"{name} that your role may not use"
    for name, wanted, permitted in _switches(profile, asked):
        if wanted and not permitted:
            yield name, f"{name} is not permitted for your role"


def bound(profile: Profile) -> float:
    """The most tokens an answer may have."""
    return float("inf") if profile.max_tokens == "unlimited" else profile.max_tokens


def _unlisted(profile: Profile, asked: Parameters) -> Iterator[tuple[str, bool]]:
    yield "tools", not _listed(asked.tools, profile.tools)
    yield "adapters", asked.adapter is not None and not _listed((asked.adapter,), profile.adapters)
    yield "sampling", not _listed(asked.sampling, profile.sampling)


def _listed(wanted: tuple[str, ...], permitted: Names) -> bool:
    return permitted == "any" or set(wanted) <= set(permitted)


def _switches(profile: Profile, asked: Parameters) -> Iterator[tuple[str, bool, bool]]:
    yield "grammar", asked.grammar, profile.grammar
    yield "logprobs", asked.logprobs, profile.logprobs
    yield "watermark_off", asked.watermark is False, profile.watermark_off
    yield "truncate", asked.truncate is not None, profile.truncate
