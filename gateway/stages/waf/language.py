"""Checks of what the model reads as language. Makes harmless what it can; refuses when the points of a layer reach its band."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace
from itertools import islice

from gateway.core import history
from gateway.core.exchange import Kind, Passage
from gateway.core.history import Past
from gateway.core.verdict import Code, Finding
from gateway.detect.waf import schema, tokens
from gateway.detect.waf.canonical import disguised_words
from gateway.detect.waf.classifier import Classifier, Unavailable
from gateway.detect.waf.ngrams import DULL, DULL_ALONE, NARROW, SURE, WINDOW, Linear
from gateway.detect.waf.rules import EVIDENT, Reading, Ruleset, of_layers
from gateway.stages.waf.dull import SHORTEST, Dull
from gateway.stages.waf.score import Open, Score
from gateway.stages.waf.seen import NOTHING, Context, Seen, finding
from gateway.stages.waf.shown import MOST_PLACES, Shown, shown
from policies.waf import WafPolicy
from policies.waf_settings import Layer, Response
from watermark.inbound import Inbound

WATCHED = (
    "user",
    "tool",
    "document",
)  # whose language the models score: what operators and the model itself wrote is not
BY_CHANCE = 2.2  # log-odds: of a document's many narrow windows, one looks like an attack
_WIDTHS = {"tool": (WINDOW, NARROW), "document": (WINDOW, NARROW)}  # an injection is a sentence or two of a document
DISGUISED = {0: 0.0, 1: 3.0}  # points for words of disguised letters; two or more are critical
NESTED = 5.0  # points for prose encoded twice over


class Language:
    """Made once for a policy. Raises `PolicyInvalid` when a rule fails its tests, `ModelInvalid` for broken weights."""

    def __init__(
        self,
        policy: WafPolicy,
        classifier: Classifier | None,
        inbound: Inbound | None = None,
        dull: Dull | None = None,
    ) -> None:
        self._inbound, self._dull = inbound, dull
        self._settings = policy.settings
        self._rules = Ruleset(of_layers(policy.rules, Layer.LANGUAGE, Layer.AGENTIC), tokens.MARKS, usual="user")
        self._linear = Linear.shipped() if policy.settings.linear.use else None
        self._block_from = policy.settings.linear.block_from
        self._dull_from = DULL_ALONE if self._block_from >= SURE else DULL
        self._trusted = frozenset(policy.settings.control_tokens.trusted)
        self._classifier = classifier

    def alone(self) -> Language:
        """The same without the outside classifier, and without memory of what that found."""
        other = copy(self)
        other._classifier = other._dull = None
        return other

    def look(self, passage: Passage, context: Context) -> Seen:
        """What is seen; nothing, without a look, where the same text was looked at in the same way and had nothing in it.

        What the outside classifier is to be asked about is left open in the context, for `settled`.
        """
        name = self._name(passage, context)
        if name and self._dull is not None and self._dull.knows(name):
            return NOTHING
        visible = shown(passage, self._inbound)
        if visible.letters >= self._settings.hidden.refuse_from:
            return Seen(visible.findings, Code.PROMPT_INJECTION, "carries text that people cannot see")
        reading = self._rules.read(passage.text, passage.role)
        if self._classifier is None and self._is_plain(passage, visible, reading):
            if name:
                self._keep(name)
            return NOTHING
        score = Score(passage, context, self._settings.weight(passage.role))
        seen = self._weighed(visible, reading, score)
        if seen.code is None and self._classifier is not None and passage.role in WATCHED:
            context.open.append(Open(score, name if seen == NOTHING else b""))
        elif name and seen == NOTHING:
            self._keep(name)
        return seen

    def spelt(self, passage: Passage, context: Context) -> Seen:
        """JSON that a template writes out for the model: a call's arguments, a tool's schema. Control tokens are made plain, or refused.

        What a schema says in words is judged as the words of its tool's definition.
        """
        name = self._name(passage, context)
        if name and self._dull is not None and self._dull.knows(name):
            return NOTHING
        seen = self._told(passage, context) if passage.kind is Kind.SCHEMA else NOTHING
        text = tokens.plain_json(passage.text)
        if seen.code is not None or text == passage.text:
            if name and seen == NOTHING:
                self._keep(name)
            return seen
        response = self._settings.control_tokens.response
        if response is Response.ALLOW or self._trusts(context):
            return seen
        found = (*seen.findings, *_all("GW-402", "control-token", passage, [(0, len(passage.text))]))
        if response is Response.REFUSE:
            return Seen(found, Code.CONTROL_TOKEN_FORGED, _WHY[Code.CONTROL_TOKEN_FORGED])
        return Seen(found, text=text)

    def _told(self, passage: Passage, context: Context) -> Seen:
        """What a schema's words show. Places in them are no places of the schema, so all of it is named."""
        words = schema.words(passage.text)
        seen = self.look(Passage(passage.where, passage.role, words), context) if words else NOTHING
        whole = (0, len(passage.text))
        found = tuple(replace(one, start=whole[0], end=whole[1]) for one in seen.findings if one.rule != "GW-402")
        return Seen(found, seen.code, seen.detail)

    def past(self, passages: Sequence[Passage], context: Context) -> Past:
        """What is remembered of a conversation's earlier turns. With an outside classifier, each text is known by itself."""
        said = history.messages(passages) if self._dull is not None and self._classifier is None else []
        if not said or self._dull is None:
            return history.NO_PAST
        what = f"history{'!' if self._trusts(context) else ''}"
        names = self._dull.names.after_each(context.tenant, what, history.growing(passages, said))
        return history.past(said, names, self._dull.knows)

    def keep(self, names: Sequence[bytes]) -> None:
        """Remember that what is known by these had nothing in it."""
        for name in names:
            self._keep(name)

    def settled(self, context: Context) -> Iterator[tuple[Passage, Seen]]:
        """What the outside classifier says of everything that is open, in one question. Raises `Unavailable` if it must answer."""
        asked: list[Open] = context.open
        outside = self._settings.classifier
        assert self._classifier is not None  # else nothing is left open
        passages = [one.score.passage for one in asked]
        try:
            said = self._classifier.score([one.text for one in passages], [one.role for one in passages])
        except Unavailable:
            if outside.required:
                raise
            return
        for one, passage, worth in zip(asked, passages, said, strict=True):
            if worth >= outside.block_from:
                yield passage, one.with_points(outside.points)
            elif one.name:
                self._keep(one.name)

    def _name(self, passage: Passage, context: Context) -> bytes:
        """What the text is remembered by; nothing where it is not worth remembering."""
        if self._dull is None or (len(passage.text) < SHORTEST and self._classifier is None):
            return b""
        how = f"{passage.role}{'!' if self._trusts(context) else ''}"
        return self._dull.names.of(context.tenant, how, passage.text)

    def _keep(self, name: bytes) -> None:
        if self._dull is not None:
            self._dull.keep(name)

    def _is_plain(self, passage: Passage, visible: Shown, reading: Reading) -> bool:
        """Is there nothing to weigh: no character taken out, no rule that fired, nothing hidden or disguised, no attack by its words?"""
        if visible.scrubbed or reading.hits or reading.marks or reading.views or disguised_words(passage.text):
            return False
        if self._linear is None or passage.role not in WATCHED:
            return True
        widths = _WIDTHS.get(passage.role, ())
        said = self._linear.score(reading.text, *widths, dull=self._dull_from)
        return said - (BY_CHANCE if widths else 0.0) < self._block_from

    def _weighed(self, visible: Shown, reading: Reading, score: Score) -> Seen:
        """What was seen in this process, and whether it is too much."""
        passage, findings = score.passage, visible.findings
        text, cleaned, code = self._cleaned(visible.text, reading, passage, score.context)
        findings += cleaned
        if code is not None:
            return Seen(findings, code, _WHY[code])
        self._weigh(score, passage.text, reading)
        findings += tuple(score.findings)
        refused = score.refused()
        if refused:
            return Seen(findings, Code.PROMPT_INJECTION, f"looks like {refused}")
        changed = text if text != passage.text else None
        return Seen(findings, text=changed, scrubbed=visible.scrubbed, marks=visible.marks)

    def _trusts(self, context: Context) -> bool:
        """Do its callers apply the chat template themselves?"""
        return not self._trusted.isdisjoint(context.roles)

    def _cleaned(
        self, text: str, reading: Reading, passage: Passage, context: Context
    ) -> tuple[str, tuple[Finding, ...], Code | None]:
        """Control tokens and remote images made plain, or refused, as policy says."""
        findings: list[Finding] = []
        control, images = self._settings.control_tokens, self._settings.images
        if "token" in reading.marks and control.response is not Response.ALLOW and not self._trusts(context):
            spans = list(islice(tokens.tokens(text), MOST_PLACES))
            findings += _all("GW-402", "control-token", passage, spans)
            if spans and control.response is Response.REFUSE:
                return text, tuple(findings), Code.CONTROL_TOKEN_FORGED
            text = tokens.without_tokens(text)
        if "image" in reading.marks and images.response is not Response.ALLOW:
            spans = list(islice(tokens.remote_images(text, images.hosts), MOST_PLACES))
            findings += _all("GW-403", "remote-image", passage, spans)
            if spans and images.response is Response.REFUSE:
                return text, tuple(findings), Code.URL_NOT_ALLOWED
            text = tokens.without_images(text, images.hosts)
        return text, tuple(findings), None

    def _weigh(self, score: Score, text: str, reading: Reading) -> None:
        for hit in reading.hits:
            decides = score.context.decides(hit.rule, score.passage.where)
            layer = hit.rule.scope.layer
            score.add(
                hit.rule.id, hit.rule.family, layer, hit.points, (hit.start, hit.end), decides=decides, how=hit.how
            )
        span = (0, len(text))
        disguised = disguised_words(text)
        if disguised:
            score.built_in("GW-404", DISGUISED.get(disguised, 5.0), span)
        if reading.nested is not None:
            score.built_in("GW-405", NESTED, reading.nested)
        if self._linear is not None and score.passage.role in WATCHED:
            self._second_opinion(self._linear, score, text, reading)

    def _second_opinion(self, linear: Linear, score: Score, text: str, reading: Reading) -> None:
        """The n-gram model's: alone only where it is sure, else beside what rules saw, for it or against it."""
        # A disguise is evidence that no calm outweighs: hidden in a view, or spelt so that only folding shows it.
        plain = score.passage.role == "user" and not reading.views and reading.text.isascii() == text.isascii()
        doubtful = bool(score.findings)  # what is only spelt oddly is worth a look where something was seen
        texts = (reading.text, *(view.text for view in reading.views if doubtful or EVIDENT.issuperset(view.chain)))
        said = _said(linear, texts, score.passage.role)
        if doubtful or said >= self._block_from:
            points = self._worth(said)
            score.built_in("GW-406", points, (0, len(text)))
            if (
                score.passage.role in _WIDTHS
            ):  # in a document, an attack on the model and one on its tools are the same sentence
                score.beside(Layer.AGENTIC, "GW-406", points)
        if plain and self._is_calm(linear, score, texts):
            score.calm = self._settings.linear.calm

    def _is_calm(self, linear: Linear, score: Score, texts: Sequence[str]) -> bool:
        """Does what is refused rest on rules that this model may doubt, and does it find nothing wherever it looks?"""
        asked = self._settings.linear
        return (
            score.refused() != ""
            and score.families <= set(asked.calm_families)
            and max(linear.score(one, NARROW) for one in texts) <= asked.calm_from
        )

    def _worth(self, said: float) -> float:
        linear = self._settings.linear
        if said >= linear.block_from:
            return linear.block
        return linear.raised if said >= linear.raise_from else linear.note if said >= linear.note_from else 0.0


def _said(linear: Linear, texts: Sequence[str], role: str) -> float:
    """The log-odds that the most suspicious of these texts is an attack, as a text of this role."""
    widths = _WIDTHS.get(role, ())
    return max([linear.score(one, *widths) for one in texts]) - (BY_CHANCE if widths else 0.0)


_WHY = {
    Code.CONTROL_TOKEN_FORGED: "contains a control token of the model",
    Code.URL_NOT_ALLOWED: "shows an image that may not be fetched",
}


def _all(rule: str, family: str, passage: Passage, spans: list[tuple[int, int]]) -> list[Finding]:
    return [finding(rule, family, passage, span) for span in spans]
