"""What a request asks for beside its text, against what a profile permits. Knows no rule and no caller."""

from __future__ import annotations

from gateway.core.exchange import Parameters
from policies.access import Profile


def excesses(profile: Profile, asked: Parameters) -> list[tuple[str, str]]:
    """Each parameter that is asked for beyond the profile: its name, and why, in words safe to show."""
    found: list[tuple[str, str]] = []
    if asked.max_tokens is not None and asked.max_tokens > bound(profile):
        found.append(("max_tokens", f"max_tokens is over {profile.max_tokens}, the most you may ask for"))
    if asked.samples > profile.samples:
        found.append(("samples", f"more than {profile.samples} answers per request"))
    if asked.alternatives > profile.alternatives:
        found.append(("alternatives", f"more than {profile.alternatives} alternative tokens"))
    for name, named, permitted in (
        ("tools", asked.tools, profile.tools),
        ("adapters", () if asked.adapter is None else (asked.adapter,), profile.adapters),
        ("sampling", asked.sampling, profile.sampling),
    ):
        if named and permitted != "any" and not set(named) <= set(permitted):
            found.append((name, f"{name} that your role may not use"))
    for name, wanted, allowed in (
        ("grammar", asked.grammar, profile.grammar),
        ("logprobs", asked.logprobs, profile.logprobs),
        ("watermark_off", asked.watermark is False, profile.watermark_off),
        ("truncate", asked.truncate is not None, profile.truncate),
    ):
        if wanted and not allowed:
            found.append((name, f"{name} is not permitted for your role"))
    return found


def bound(profile: Profile) -> float:
    """The most tokens an answer may have."""
    return float("inf") if profile.max_tokens == "unlimited" else profile.max_tokens
