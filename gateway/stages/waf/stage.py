"""The attack stage: walks the passages, lets each kind's check judge them, and turns what was seen into one verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from itertools import islice
from typing import assert_never

from gateway.core.exchange import Exchange, Kind, Passage
from gateway.core.verdict import Allow, Amend, Finding, Refuse, Verdict
from gateway.detect.crs.residue import Rules
from gateway.detect.waf.classifier import Classifier
from gateway.detect.waf.spotlight import datamarked, delimited
from gateway.stages.waf.dull import Dull
from gateway.stages.waf.language import Language
from gateway.stages.waf.seen import Context, Seen, hashed
from gateway.stages.waf.structure import Structure
from policies.waf import WafPolicy
from watermark import Keys
from watermark.inbound import Inbound

DEFINITION = "tool_definition"  # the role of what a request says of its tools
CALLED = ".function.name"  # in a message: the tool that was called
MARKED = "mark:"  # a note: this mark of ours came in; hexadecimal
MOST_MARKS = 8  # of a request that are noted


class Waf:
    """Judges by one policy. Raises `PolicyInvalid` when a rule fails its own tests.

    `classifier` is an optional outside model; hand in a `Guarded` one. `core` is the core rule set, where a site has it;
    `marks` are the keys by which marks of our own are known when they come back, `dull` remembers texts with nothing in them;
    `key` is what findings' words are hashed under, and what sets texts apart is made with.
    """

    name = "waf"

    def __init__(
        self,
        policy: WafPolicy,
        classifier: Classifier | None = None,
        core: Rules | None = None,
        marks: Keys | None = None,
        dull: Dull | None = None,
        key: bytes = b"",
    ) -> None:
        self._policy, self._key = policy, key
        spotlight = policy.settings.spotlight
        self._spotlit = frozenset(spotlight.roles if spotlight.mode != "off" else ())
        self._structure = Structure(policy, core)
        # A policy of before headers were judged has no grammar for them, and rules that were not made for them.
        self._headers = any(field.where.startswith("headers.") for field in policy.settings.fields)
        self._language = Language(policy, classifier, Inbound(marks) if marks is not None else None, dull)

    def alone(self) -> Waf:
        """The same without the outside classifier."""
        other = copy(self)
        other._language = self._language.alone()
        return other

    def waits(self, exchange: Exchange) -> bool:
        """Would judging this ask another process, and so take longer than an event loop should wait?"""
        return self._structure.waits((passage for _, passage in self._every(exchange)), exchange.id)

    def judge(self, exchange: Exchange) -> Verdict:
        context = Context(self._policy, exchange)
        self._structure.ask((passage for _, passage in self._every(exchange)), context)
        findings: list[Finding] = []
        changed: dict[int, str] = {}
        scrubbed, marks = 0, dict[int, None]()
        past = self._language.past(exchange.passages, context)
        for index, passage, seen in self._seen(exchange, context, past.known):
            if seen.findings:
                findings += (
                    [hashed(one, passage.text, self._key) for one in seen.findings] if self._key else seen.findings
                )
            if seen.code is not None and not context.shadow:
                return Refuse(seen.code, tuple(findings), f"{passage.where}: {seen.detail}")
            if seen.text is not None and index >= 0 and not context.shadow:
                changed[index] = seen.text
            if seen.scrubbed:
                scrubbed += seen.scrubbed
                marks |= dict.fromkeys(seen.marks)
        if past.new and not (findings or changed or scrubbed):
            self._language.keep(past.new)
        if self._spotlit and not context.shadow:
            changed |= self._set_apart(exchange.passages, changed)
        if scrubbed and not context.shadow:
            exchange = replace(exchange, notes=(*exchange.notes, *_notes(scrubbed, marks)))
        return _verdict(exchange, tuple(findings), changed, shadow=context.shadow)

    def _seen(
        self, exchange: Exchange, context: Context, before: frozenset[int]
    ) -> Iterator[tuple[int, Passage, Seen]]:
        """What each passage shows by itself, but for those `before`; and then what the outside classifier says of those
        that are still open.
        """
        for index, passage in self._every(exchange):
            if index not in before:
                yield index, passage, self._look(passage, context)
        if context.open:
            for passage, seen in self._language.settled(context):
                yield -1, passage, seen

    def _set_apart(self, passages: Sequence[Passage], changed: Mapping[int, str]) -> dict[int, str]:
        """The texts that policy has set apart, as the model is to read them; from what was made harmless, where anything was."""
        asked = self._policy.settings.spotlight
        made = {}
        for index, passage in enumerate(passages):
            if passage.kind is Kind.PROSE and passage.role in self._spotlit and passage.text:
                text = changed.get(index, passage.text)
                marked = asked.mode == "datamark"
                made[index] = (
                    datamarked(text, asked.note, asked.marker) if marked else delimited(text, asked.note, self._key)
                )
        return made

    def _spelt(self, seen: Seen, passage: Passage, context: Context) -> Seen:
        """What the model will read of it too, unless it is refused already."""
        if seen.code is not None:
            return seen
        read = self._language.spelt(passage, context)
        return replace(read, findings=seen.findings + read.findings) if seen.findings else read

    def _every(self, exchange: Exchange) -> Iterator[tuple[int, Passage]]:
        """The passages with their index, and before them what is judged without being part of what the model reads."""
        said = {passage.where for passage in exchange.passages}
        facts = {"model": exchange.model, "adapter": exchange.parameters.adapter or ""}
        for where, text in facts.items():
            if text and where not in said and f"{where}_id" not in said:
                yield -1, Passage(where, "", text, Kind.IDENTIFIER)
        for header in exchange.headers if self._headers else ():
            yield -1, header
        yield from enumerate(exchange.passages)

    def _look(self, passage: Passage, context: Context) -> Seen:
        match passage.kind:
            case Kind.PROSE:
                return self._language.look(passage, context)
            case Kind.IDENTIFIER:
                if passage.where.endswith(CALLED) and ".tool_calls[" in passage.where:
                    return self._structure.call(passage, context)
                return self._structure.name(passage, context)
            case Kind.URL:
                return self._structure.url(passage, context)
            case Kind.SCHEMA:
                seen = self._structure.schema(passage, context)
                return self._spelt(seen, passage, context) if passage.role == DEFINITION else seen
            case Kind.ARGUMENTS:
                return self._spelt(self._structure.arguments(passage, context), passage, context)
            case _:
                assert_never(passage.kind)


def _notes(scrubbed: int, marks: Iterable[int]) -> tuple[str, ...]:
    """How many invisible characters were taken out, and which marks of ours they were: for the record."""
    return (f"scrubbed:{scrubbed}", *[f"{MARKED}{mark:x}" for mark in islice(marks, MOST_MARKS)])


def _verdict(exchange: Exchange, findings: tuple[Finding, ...], changed: dict[int, str], *, shadow: bool) -> Verdict:
    if shadow and findings:
        return Amend(replace(exchange, notes=(*exchange.notes, "waf:shadow")), findings)
    if not changed:
        return Allow(findings)
    passages = tuple(
        replace(passage, text=changed[index]) if index in changed else passage
        for index, passage in enumerate(exchange.passages)
    )
    return Amend(replace(exchange, passages=passages), findings)
