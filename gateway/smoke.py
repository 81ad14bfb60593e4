"""Harmless texts that come with the gateway, and whether a policy would refuse them: what a rule written in haste shows in first.

They are prompts about code, databases, shells, security, office work, in English and Chinese; what tools and documents
say; and names, stop words and headers. A site's own promises are its cases; these are nobody's in particular.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import orjson

from gateway.core.exchange import Action, Exchange, Kind, Passage, Peer, Principal
from gateway.core.pipeline import Gate, judge

NOBODY = Principal("smoke", "smoke", ("analyst",))
AT = 1_800_000_000.0  # any time: no text here depends on it


@lru_cache(maxsize=1)
def texts() -> tuple[Passage, ...]:
    """Each text as what it is: prose of a role, or a name at its place."""
    lines = (files("policies") / "smoke.ndjson").read_bytes().splitlines()
    return tuple(_passage(orjson.loads(line)) for line in lines)


def refused(gate: Gate) -> list[str]:
    """The texts that the attack stage would refuse, each with the rules that fired or how it failed; one line each."""
    stages = [stage for stage in gate.stages if stage.name == "waf"]
    found = []
    for passage in texts():
        judged = judge(stages, _exchange(passage), lambda: 0.0)
        if judged.refusal is not None:
            rules = ", ".join(sorted({finding.rule for finding in judged.findings})) or judged.rulings[-1].fault
            found.append(f"{rules}: {passage.text[:80]!r}")
    return found


def _passage(told: dict[str, str]) -> Passage:
    where = told.get("where", "")
    kind = Kind.IDENTIFIER if where else Kind.PROSE
    return Passage(
        where or "messages[0].content", told.get("role", "parameter" if where else "user"), told["text"], kind
    )


def _exchange(passage: Passage) -> Exchange:
    return Exchange(
        "smoke", AT, Peer("127.0.0.1"), "/v1/chat/completions", Action.CHAT, "m", (passage,), principal=NOBODY
    )
