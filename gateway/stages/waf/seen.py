"""What a check saw of one passage, and the facts of the exchange that weigh in. The checks themselves are beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from gateway.core.exchange import Exchange, Passage
from gateway.core.verdict import Code, Finding
from gateway.detect.crs.residue import Match, Unproved
from gateway.detect.waf.canonical import canonical
from policies.waf import Exclusion, Mode, Rule, WafPolicy, id_fits
from policies.waf_settings import Layer


@dataclass(frozen=True, slots=True)
class Seen:
    """`code` and `detail` when the passage is refused; `text` when it was made harmless."""

    findings: tuple[Finding, ...] = ()
    code: Code | None = None
    detail: str = ""
    text: str | None = None
    scrubbed: int = 0  # invisible characters taken out
    marks: tuple[int, ...] = ()  # ids of our own marks among them


NOTHING = Seen()


class Context:
    """The exchange, as far as it changes what a rule's hit means; and what the core rules said of its names."""

    __slots__ = ("_policy", "core", "exchange", "open", "roles", "shadow", "tenant")

    def __init__(self, policy: WafPolicy, exchange: Exchange) -> None:
        self._policy = policy
        self.exchange = exchange
        self.core: Mapping[Unproved, tuple[Match, ...]] = {}
        self.open: list[Any] = []  # what the outside classifier is still to be asked about: `language` knows its shape
        who = exchange.principal
        self.roles = who.roles if who else ()
        self.tenant = who.tenant if who else ""
        self.shadow = policy.settings.mode == "shadow"

    def band(self, layer: Layer) -> float:
        return self._policy.settings.band(layer, self.exchange.route, self.roles)

    def decides(self, rule: Rule, where: str) -> bool:
        """Does a rule's hit count here, or is it only recorded?"""
        return rule.mode_on(self.exchange.route) is Mode.ENFORCE and not self.is_excluded(rule.id, where)

    def is_excluded(self, rule_id: str, where: str) -> bool:
        return any(id_fits(one.rule, rule_id) and self._holds(one, where) for one in self._policy.exclusions)

    def _holds(self, exclusion: Exclusion, where: str) -> bool:
        """An exclusion past its date no longer excludes anything."""
        today = datetime.fromtimestamp(self.exchange.received_at, UTC).date()
        return (
            today <= exclusion.until
            and exclusion.route in (None, self.exchange.route)
            and exclusion.tenant in (None, self.tenant)
            and (exclusion.caller_role is None or exclusion.caller_role in self.roles)
            and (exclusion.where is None or where.startswith(exclusion.where))
        )


def hashed(found: Finding, text: str, key: bytes) -> Finding:
    """The finding with a hash of the words it names, folded as rules read them; eight bytes, under a key."""
    words = canonical(text[found.start : found.end]).lower().encode("utf-8", "surrogatepass")
    return replace(found, excerpt_hash=blake2b(words, key=key, digest_size=8, person=b"hangu-excerpt").hexdigest())


def finding(
    rule: str,
    family: str,
    passage: Passage,
    span: tuple[int, int],
    score: float = 1.0,
    *,
    decides: bool = True,
    how: str = "",
) -> Finding:
    """A finding of this stage. What is only recorded is called `waf.shadow`."""
    kind = "waf" if decides else "waf.shadow"
    return Finding(kind, rule, passage.where, *span, min(round(score, 3), 1.0), family, how)
