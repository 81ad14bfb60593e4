"""What stands where something was found: a placeholder, a mask, a tag. Where things are found is `gateway.detect`'s matter."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.core.exchange import Exchange
from gateway.core.verdict import Finding
from gateway.detect.jsontext import quoted
from gateway.detect.span import Span
from gateway.detect.watch import Part
from gateway.stages.pii.pseudonyms import Tags
from policies.pii import Action, Direction, PiiPolicy

SHOWN = 4  # characters a mask leaves: what card receipts show


@dataclass(slots=True)
class Rewriting:
    """Rewrites what was found in one text, as policy says for one caller. Collects what was found and what is blocked."""

    policy: PiiPolicy
    exchange: Exchange
    direction: Direction
    where: str
    tags: Tags
    json: bool = False
    findings: list[Finding] = field(default_factory=list)
    blocked: str = ""  # the entity that stops the exchange
    tagged: bool = False  # a value was given a tag
    degraded: bool = False  # somebody who should have looked could not
    seen: bool = False  # something was found, whatever was done with it

    def part(self, part: Part) -> str:
        """The words that leave for a part."""
        span = part.span
        if span is None:
            return part.text
        self.seen = True
        action = self._action(span, part.text)
        if action is not Action.ALLOW and not part.begun:
            self.findings.append(_finding(span, self.where))
        if action is Action.BLOCK:
            self.blocked = self.blocked or span.entity
            return ""
        if action in (Action.ALLOW, Action.RECORD):
            return part.text
        if not part.text:  # the end of a secret whose placeholder has left
            return ""
        words = self._words(action, span, part.text)
        return quoted(words, bare=part.bare) if self.json else words

    def _action(self, span: Span, value: str) -> Action:
        who = self.exchange.principal
        if span.score < self.policy.least(span.entity):
            return Action.ALLOW
        action = self.policy.action(span.entity, self.direction, who.tenant if who else "", who.roles if who else ())
        if span.rule == "pem" and action in (Action.ALLOW, Action.RECORD):
            return action
        return Action.ALLOW if self.policy.allowed(span.entity, value) else action

    def _words(self, action: Action, span: Span, value: str) -> str:
        if action is Action.MASK:
            return masked(value)
        if action is Action.PSEUDONYMISE and span.kind != "secret":
            self.tagged = True
            return self.tags.tag(span.entity, value)
        return f"<{span.entity}>"


def masked(value: str) -> str:
    """All but the last four letters and digits hidden; a value of eight or fewer is hidden whole."""
    seen = [index for index, sign in enumerate(value) if sign.isalnum()]
    shown = set(seen[-SHOWN:]) if len(seen) > 2 * SHOWN else set()
    return "".join(sign if index in shown or not sign.isalnum() else "*" for index, sign in enumerate(value))


def _finding(span: Span, where: str) -> Finding:
    return Finding(span.kind, span.rule, where, span.start, span.end, span.score, span.entity)
