"""Checks of what programs read: names, URLs, schemas and tool arguments. Language is judged next door."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from zlib import crc32

import re2

from gateway.core.exchange import Exchange, Kind, Passage
from gateway.core.verdict import Code, Finding
from gateway.detect.crs.residue import Rules, Unproved
from gateway.detect.crs.workers import CrsUnavailable
from gateway.detect.waf import names, schema
from gateway.detect.waf.arguments import Typed, wrongs
from gateway.detect.waf.rules import Reading, Ruleset, of_layers
from gateway.detect.waf.urls import is_inline_image, may_fetch
from gateway.stages.waf.seen import NOTHING, Context, Seen, finding
from policies.problem import PolicyInvalid, Problem
from policies.waf import CORE, SETTINGS, WafPolicy
from policies.waf_settings import Layer, Settings, Undeclared

REMEMBERED = 4096  # readings of names; programs send the same few all day
LONGEST_REMEMBERED = 512  # characters: longer ones are rare, and would fill the memory


class Structure:
    """Made once for a policy. `core` is the core rule set, where the site has it: asked of what no grammar proves."""

    def __init__(self, policy: WafPolicy, core: Rules | None = None) -> None:
        settings = policy.settings
        self._core = core if settings.core_rules.mode != "off" else None
        self._core_decides = settings.core_rules.mode == "enforce"
        self._sample = settings.core_rules.sample
        self._settings = settings
        self._names = _names(settings)
        self._rules = Ruleset(of_layers(policy.rules, Layer.STRUCTURE))
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._rules.read)
        limits = settings.schemas
        self._bounds = schema.Bounds(
            limits.characters, limits.depth, limits.nodes, limits.pattern_characters, limits.repeats
        )
        self._undeclared = settings.calls.undeclared
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

    def call(self, passage: Passage, context: Context) -> Seen:
        """A tool that the conversation says was called: a name like others, and one that the request should declare.

        Where a request declares no tools, nothing can be called, and there is nothing to compare with.
        """
        seen = self.name(passage, context)
        declared = context.exchange.parameters.tools
        if seen.code is not None or not declared or passage.text in declared or self._undeclared is Undeclared.ALLOW:
            return seen
        refuses = self._undeclared is Undeclared.REFUSE and not context.is_excluded("GW-302", passage.where)
        found = finding("GW-302", "tool-undeclared", passage, (0, len(passage.text)), decides=refuses)
        if not refuses:
            return Seen((*seen.findings, found))
        return Seen((*seen.findings, found), Code.TOOL_UNDECLARED, "is not among the tools that this request declares")

    def waits(self, passages: Iterable[Passage], exchange: str) -> bool:
        """Would the core rules have to be asked? They answer from another process."""
        core = self._core
        if core is None:
            return False
        every = list(passages)
        asked = self._residue(every) + (self._plain(every) if self._samples(exchange) else [])
        return any(not core.knows(one) for one in asked)

    def ask(self, passages: Iterable[Passage], context: Context) -> None:
        """Put the core rules' answers into the context, with one question for all. Raises `CrsUnavailable`."""
        if self._core is None:
            return
        every = list(passages)
        asked = self._residue(every)
        if asked:
            context.core = dict(zip(asked, self._core.matches(asked), strict=True))
        if self._samples(context.exchange.id) and (more := self._plain(every)):
            with suppress(CrsUnavailable):  # nobody depends on this answer
                context.core = {**context.core, **dict(zip(more, self._core.matches(more), strict=True))}

    def _samples(self, exchange: str) -> bool:
        """Is this one of the exchanges whose plain words are asked about? Their names are ours, and random."""
        return self._sample > 0 and crc32(exchange.encode()) < self._sample * (1 << 32)

    def _plain(self, passages: Iterable[Passage]) -> list[Unproved]:
        return [_unproved(one) for one in passages if one.kind is Kind.IDENTIFIER and names.is_plain(one.text)]

    def _residue(self, passages: Iterable[Passage]) -> list[Unproved]:
        return [_unproved(one) for one in passages if one.kind is Kind.IDENTIFIER and self._is_residue(one)]

    def _is_residue(self, passage: Passage) -> bool:
        """Neither a plain word nor refused anyway."""
        if names.is_plain(passage.text):
            return False
        shape = self._names.shape(passage.where)
        return shape.proves(passage.text) or not (shape.refuses or len(passage.text) > shape.characters)

    def _ruled(self, passage: Passage, context: Context) -> Seen:
        found = [*self._own(passage, context), *self._cores(passage, context)]
        if not found:
            return NOTHING
        points: dict[str, float] = {}
        for one, worth in found:
            if one.kind == "waf":
                points[one.entity] = max(points.get(one.entity, 0), worth)
        seen = tuple(one for one, _ in found)
        if sum(points.values()) < context.band(Layer.STRUCTURE):
            return Seen(seen)
        return Seen(seen, Code.ATTACK_DETECTED, f"looks like {max(points, key=lambda one: points[one])}")

    def _own(self, passage: Passage, context: Context) -> Iterable[tuple[Finding, float]]:
        """What the policy's own rules find, with their points."""
        for hit in self._read(passage.text, passage.role or "name").hits:
            decides = context.decides(hit.rule, passage.where)
            share = hit.points / context.band(Layer.STRUCTURE)
            span = (hit.start, hit.end)
            yield finding(hit.rule.id, hit.rule.family, passage, span, share, decides=decides, how=hit.how), hit.points

    def _cores(self, passage: Passage, context: Context) -> Iterable[tuple[Finding, float]]:
        """What the core rules find, with their points."""
        for match in context.core.get(_unproved(passage), ()) if context.core else ():
            rule = f"{CORE}{match.rule}"
            decides = (
                self._core_decides and not names.is_plain(passage.text) and not context.is_excluded(rule, passage.where)
            )
            share = match.points / context.band(Layer.STRUCTURE)
            span = (0, len(passage.text))
            yield finding(rule, match.family, passage, span, share, decides=decides), match.points

    def _read(self, text: str, role: str) -> Reading:
        return self._remembered(text, role) if len(text) <= LONGEST_REMEMBERED else self._rules.read(text, role)

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


def _unproved(passage: Passage) -> Unproved:
    name = passage.where.removeprefix("headers.")
    return Unproved(passage.text, name if name != passage.where else "")


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
