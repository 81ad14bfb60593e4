"""Checks of what programs read: names, URLs, schemas and tool arguments. Language is judged next door."""

from __future__ import annotations

import re2

from gateway.core.exchange import Exchange, Kind, Passage
from gateway.core.verdict import Code
from gateway.detect.waf import names, schema
from gateway.detect.waf.arguments import Typed, wrongs
from gateway.detect.waf.rules import Ruleset, of_layers
from gateway.detect.waf.urls import is_inline_image, may_fetch
from gateway.stages.waf.seen import NOTHING, Context, Seen, finding
from policies.problem import PolicyInvalid, Problem
from policies.waf import SETTINGS, WafPolicy
from policies.waf_settings import Layer, Settings


class Structure:
    """Made once for a policy."""

    def __init__(self, policy: WafPolicy) -> None:
        settings = policy.settings
        self._settings = settings
        self._names = _names(settings)
        self._rules = Ruleset(of_layers(policy.rules, Layer.STRUCTURE))
        limits = settings.schemas
        self._bounds = schema.Bounds(
            limits.characters, limits.depth, limits.nodes, limits.pattern_characters, limits.repeats
        )
        self._types = [Typed(one.tool, one.parameter, one.type.value, one.deny) for one in settings.tools]

    def name(self, passage: Passage, context: Context) -> Seen:
        """A name its grammar proves is harmless, unless a rule fires; one it does not prove is refused or judged."""
        shape = self._names.shape(passage.where)
        proved = shape.proves(passage.text)
        span = (0, len(passage.text))
        if not proved and (shape.refuses or len(passage.text) > shape.characters):
            decides = not context.is_excluded("GW-201", passage.where)
            seen = (finding("GW-201", "name", passage, span, decides=decides),)
            return Seen(seen, Code.ATTACK_DETECTED, f"is not a {shape.name}") if decides else Seen(seen)
        return self._ruled(passage, context)

    def _ruled(self, passage: Passage, context: Context) -> Seen:
        band = context.band(Layer.STRUCTURE)
        points: dict[str, float] = {}
        findings = []
        for hit in self._rules.read(passage.text, passage.role or "name").hits:
            decides = context.decides(hit.rule, passage.where)
            span = (hit.start, hit.end)
            findings.append(finding(hit.rule.id, hit.rule.family, passage, span, hit.points / band, decides=decides))
            if decides:
                points[hit.rule.family] = max(points.get(hit.rule.family, 0), hit.points)
        if sum(points.values()) < band:
            return Seen(tuple(findings)) if findings else NOTHING
        return Seen(tuple(findings), Code.ATTACK_DETECTED, f"looks like {max(points, key=lambda one: points[one])}")

    def url(self, passage: Passage, context: Context) -> Seen:
        """Only inline images, or https on the hosts that policy names."""
        urls = self._settings.urls
        fits = urls.data_images and len(passage.text) <= urls.data_characters
        if fits and is_inline_image(passage.text) == len(passage.text):
            return NOTHING
        decides = not context.is_excluded("GW-202", passage.where)
        if may_fetch(passage.text, urls.hosts):
            return NOTHING
        seen = (finding("GW-202", "url", passage, (0, len(passage.text)), decides=decides),)
        return Seen(seen, Code.URL_NOT_ALLOWED, "this URL may not be fetched") if decides else Seen(seen)

    def schema(self, passage: Passage, context: Context) -> Seen:
        too_much = schema.excess(passage.text, self._bounds)
        if not too_much:
            return NOTHING
        decides = not context.is_excluded("GW-203", passage.where)
        seen = (finding("GW-203", "schema", passage, (0, len(passage.text)), decides=decides),)
        return Seen(seen, Code.SCHEMA_TOO_COMPLEX, too_much) if decides else Seen(seen)

    def arguments(self, passage: Passage, context: Context) -> Seen:
        """Arguments the client says a tool was called with, as policy types them."""
        wrong = wrongs(passage.text, tools_of(passage.where, context.exchange), self._types, self._settings.urls.hosts)
        if not wrong:
            return NOTHING
        decides = not context.is_excluded("GW-301", passage.where)
        span = (0, len(passage.text))
        seen = tuple(finding("GW-301", f"tool-{one}", passage, span, decides=decides) for one in wrong)
        return Seen(seen, Code.ATTACK_DETECTED, f"a tool argument is no {wrong[0]}") if decides else Seen(seen)


def tools_of(where: str, exchange: Exchange) -> tuple[str, ...]:
    """The tool whose arguments stand at this place, or every declared tool where nobody says."""
    place = where.removesuffix(".arguments") + ".name"
    named = tuple(one.text for one in exchange.passages if one.where == place and one.kind is Kind.IDENTIFIER)
    return named or exchange.parameters.tools


def _names(settings: Settings) -> names.Names:
    shapes, problems = {}, []
    for name, one in settings.grammars.items():
        try:
            shapes[name] = names.shape(name, one.pattern, one.characters, refuses=one.otherwise == "refuse")
        except re2.error:
            problems.append(Problem(SETTINGS, f"grammars.{name}", "the pattern is not RE2", "quote it with '…'"))
    if problems:
        raise PolicyInvalid(problems)
    return names.Names(shapes, [(field.where, field.grammar) for field in settings.fields])
