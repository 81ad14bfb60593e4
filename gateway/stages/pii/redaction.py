"""The personal-data stage: prompts on their way in, replies on their way out. What is done with a find is `rewriting`'s matter."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import islice

from gateway.core import history
from gateway.core.exchange import Exchange, Passage
from gateway.core.exchange import Kind as Reads
from gateway.core.history import Past
from gateway.core.reply import Channel, Kind
from gateway.core.stage import Piece, Transform
from gateway.core.verdict import Allow, Amend, Code, Finding, Refuse, Verdict
from gateway.detect.clauses import NamesUnavailable
from gateway.detect.detectors import Detectors, detectors
from gateway.detect.jsontext import JsonWatch
from gateway.detect.watch import Part, Source, Watch
from gateway.stages.pii.memory import MIN_LENGTH, Memory
from gateway.stages.pii.pseudonyms import Restoring, Tags, finder, scope_of
from gateway.stages.pii.rewriting import Rewriting
from gateway.stages.pii.vault import MAX_VALUES, MemoryVault, Vault, VaultUnavailable
from policies.pii import Direction, PiiPolicy, WithoutVault

_new = tuple.__new__  # a named tuple's own constructor is one call more, for every token
DEGRADED = "pii:degraded"  # names were not looked for as policy wants: the models were late or gone
FORGETFUL = "pii:vault-unavailable"  # tags of earlier turns stand for nothing in this exchange
MAX_CALLERS = 1_024  # tenants with sets of roles: whether they have tags is worked out once
MIN_VALUE = 4  # code points: shorter values would be found inside other words
_HAN_NAME = re.compile(r"[\u3400-\u9fff]{2,3}")
_JSON = frozenset({Reads.ARGUMENTS, Reads.SCHEMA})


class Redaction:
    """Judges prompts, and makes the transform for each channel of the reply. `key` is the secret that tags are made with."""

    name = "pii"

    def __init__(
        self, policy: PiiPolicy, key: bytes, found_by: Detectors | None = None, vault: Vault | None = None
    ) -> None:
        self.policy = policy
        self.detectors = detectors(policy) if found_by is None else found_by
        self.vault = MemoryVault() if vault is None else vault
        self._memory = Memory(key)
        self._key = key
        self._may_tag = lru_cache(maxsize=MAX_CALLERS)(policy.tags)

    def apart(self, key: bytes | None = None) -> Redaction:
        """The same policy and detectors with memories of its own, and perhaps another key: for trying things out."""
        return Redaction(self.policy, self._key if key is None else key, self.detectors, MemoryVault())

    @property
    def slow(self) -> bool:
        """Judge in a thread: a detector may take its time."""
        return self.detectors.slow or self.vault.slow

    @property
    def slow_replies(self) -> bool:
        """Inspect replies in a thread too."""
        return self.detectors.slow_replies

    def judge(self, exchange: Exchange) -> Verdict:
        """Every passage rewritten as policy says, or a refusal."""
        try:
            return self._judged(exchange)
        except NamesUnavailable:  # policy wants everything looked at, and that was not possible
            return Refuse(Code.STAGE_TIMEOUT)

    def _judged(self, exchange: Exchange) -> Verdict:
        tags, notes = self._tags(exchange)
        passages, rewritings = self._rewritten(exchange, tags)
        passages = self._swept(passages, rewritings, tags)
        findings = tuple(finding for rewriting in rewritings for finding in rewriting.findings)
        blocked = [rewriting for rewriting in rewritings if rewriting.blocked]
        if blocked:
            return Refuse(Code.PERSONAL_DATA_BLOCKED, findings, f"{blocked[0].blocked} in {blocked[0].where}")
        notes += self._remember(exchange, tags, notes)
        if any(rewriting.degraded for rewriting in rewritings):
            notes += (DEGRADED,)
        if passages == exchange.passages and not tags.values and not notes:
            return Allow(findings)
        amended = self._amended(exchange, passages, tags)
        return Amend(replace(amended, notes=amended.notes + notes) if notes else amended, findings)

    def _rewritten(self, exchange: Exchange, tags: Tags) -> tuple[tuple[Passage, ...], list[Rewriting]]:
        """Every passage as policy says; what was all read a turn ago, and had nothing in it, as it is."""
        past = self._past(exchange)
        passages, rewritings = list(exchange.passages), list[Rewriting]()
        for at, passage in enumerate(passages):
            if at not in past.known:
                rewriting = self._rewriting(exchange, Direction.REQUEST, passage, tags)
                rewritings.append(rewriting)
                passages[at] = self._passage(passage, rewriting)
        if past.new and not any(one.seen or one.degraded for one in rewritings):
            for name in past.new:
                self._memory.keep_plain(name)
        return tuple(passages), rewritings

    def _past(self, exchange: Exchange) -> Past:
        """What is remembered of a conversation's earlier turns."""
        said = history.messages(exchange.passages)
        if not said:
            return history.NO_PAST
        names = self._memory.names.after_each(_tenant(exchange), "history", history.growing(exchange.passages, said))
        return history.past(said, names, self._memory.is_plain)

    def _tags(self, exchange: Exchange) -> tuple[Tags, tuple[str, ...]]:
        """The conversation's tags, those of earlier turns among them; and what the record should say of that."""
        who = exchange.principal
        if who is None or not self._may_tag(who.tenant, who.roles):
            return Tags(self._key, partial(scope_of, exchange, self._key), {}), ()
        scope = scope_of(exchange, self._key)
        known: Mapping[str, str] = {}
        notes: tuple[str, ...] = ()
        try:
            known = self.vault.recall(scope, exchange.received_at, self.policy.restore.lifetime_s)
        except VaultUnavailable:
            if self.policy.restore.on_unavailable is WithoutVault.BLOCK:
                raise
            notes = (FORGETFUL,)
        return Tags(self._key, lambda: scope, known), notes

    def _remember(self, exchange: Exchange, tags: Tags, notes: tuple[str, ...]) -> tuple[str, ...]:
        """New tags for later turns; what the record should say where that could not be."""
        if not tags.values or FORGETFUL in notes:
            return ()
        fresh = dict(islice(tags.fresh.items(), max(0, MAX_VALUES - len(tags.values) + len(tags.fresh))))
        try:
            self.vault.remember(tags.scope(), fresh, exchange.received_at, self.policy.restore.lifetime_s)
        except VaultUnavailable:
            if self.policy.restore.on_unavailable is WithoutVault.BLOCK:
                raise
            return (FORGETFUL,)
        return ()

    def transform(self, exchange: Exchange, channel: Channel) -> Transform:
        tags = Tags(self._key, partial(scope_of, exchange, self._key), dict(exchange.pseudonyms))
        json = channel.kind is Kind.ARGUMENTS
        rewriting = Rewriting(self.policy, exchange, Direction.RESPONSE, str(channel), tags, json)
        watch = JsonWatch(self.detectors.response) if json else Watch(self.detectors.response)
        known = finder(exchange.pseudonyms) if self._restores(exchange) else None
        return Redacted(watch, rewriting, Restoring(known, in_json=json) if known else None)

    def _rewriting(self, exchange: Exchange, direction: Direction, passage: Passage, tags: Tags) -> Rewriting:
        json = passage.kind in _JSON and passage.text.lstrip()[:1] in ("{", "[", '"')
        return Rewriting(self.policy, exchange, direction, passage.where, tags, json)

    def _passage(self, passage: Passage, rewriting: Rewriting) -> Passage:
        identifier = passage.kind is Reads.IDENTIFIER and self.detectors.identifiers
        parts = _read(identifier, passage.text, rewriting) if identifier else self._parts(passage.text, rewriting)
        text = "".join(map(rewriting.part, parts))
        return passage if text == passage.text else replace(passage, text=text)

    def _parts(self, text: str, rewriting: Rewriting) -> list[Part]:
        """What is found in a message, from memory where it has been read before."""
        if len(text) < MIN_LENGTH:
            return _read(self.detectors.request, text, rewriting)
        name = self._memory.names.of(_tenant(rewriting.exchange), "json" if rewriting.json else "text", text)
        known = self._memory.recall(name, text)
        if known is None:
            known = _read(self.detectors.request, text, rewriting)
            if not rewriting.degraded:
                self._memory.keep(name, known)
        return known

    def _swept(self, passages: tuple[Passage, ...], rewritings: list[Rewriting], tags: Tags) -> tuple[Passage, ...]:
        """Values that have a tag are hidden wherever they stand, also where nothing announces them."""
        tag_of = {value: tag for tag, value in tags.values.items() if _tells(tag, value)}
        if not tag_of or not any(rewriting.tagged for rewriting in rewritings):
            return passages
        words = "|".join(map(re.escape, sorted(tag_of, key=len, reverse=True)))
        known = re.compile(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])")
        swept = [known.sub(lambda found: tag_of[found.group()], passage.text) for passage in passages]
        return tuple(
            passage if passage.text == text else replace(passage, text=text)
            for passage, text in zip(passages, swept, strict=True)
        )

    def _amended(self, exchange: Exchange, passages: tuple[Passage, ...], tags: Tags) -> Exchange:
        known = tuple(tags.values.items()) if self._restores(exchange) else ()
        return replace(exchange, passages=passages, pseudonyms=known)

    def _restores(self, exchange: Exchange) -> bool:
        return exchange.principal is not None and self.policy.restores(exchange.principal.roles)


def _tenant(exchange: Exchange) -> str:
    return exchange.principal.tenant if exchange.principal else ""


def _tells(tag: str, value: str) -> bool:
    """Does the value mean the same wherever it stands? Han names are short, and no part of other words as Latin ones are."""
    if value.isdigit():
        return False
    return len(value) >= MIN_VALUE or (tag.startswith("<PERSON_") and _HAN_NAME.fullmatch(value) is not None)


def _read(source: Source, text: str, rewriting: Rewriting) -> list[Part]:
    """A whole text's parts: as a stream of one piece would have them."""
    if rewriting.json:
        watch = JsonWatch(source)
        parts = [*watch.feed(text), *watch.finish()]
        rewriting.degraded |= watch.degraded
        return parts
    settled = source.read(text, 0, ended=True)
    rewriting.degraded |= settled.degraded
    parts, at = [], 0
    for span in settled.spans:
        parts += (Part(text[at : span.start]), Part(text[span.start : span.end], span))
        at = span.end
    return [*parts, Part(text[at:])]


class Redacted:
    """One channel of a reply: redacted, then tags put back for those who may have the values. Restored text is not read again."""

    __slots__ = ("_restoring", "_rewriting", "_told", "_watch")

    def __init__(self, watch: Watch | JsonWatch, rewriting: Rewriting, restoring: Restoring | None) -> None:
        self._watch, self._rewriting, self._restoring = watch, rewriting, restoring
        self._told = 0

    def feed(self, text: str) -> Piece:
        try:
            parts = self._watch.feed(text)
        except NamesUnavailable:
            return Piece(refusal=Code.STAGE_TIMEOUT)
        usual = len(parts) == 1 and parts[0].span is None  # nearly every fragment of a stream
        written = parts[0].text if usual else self._written(parts)
        if self._restoring is not None:
            written = self._restoring.feed(written)
        if usual and not self._watch.degraded and not self._rewriting.blocked:
            return _new(Piece, (written, (), None))
        return self._piece(written)

    def finish(self) -> Piece:
        try:
            written = self._written(self._watch.finish())
        except NamesUnavailable:
            return Piece(refusal=Code.STAGE_TIMEOUT)
        if self._restoring is not None:
            written = self._restoring.feed(written) + self._restoring.finish()
        return self._piece(written)

    def _written(self, parts: Sequence[Part]) -> str:
        return "".join([self._rewriting.part(part) for part in parts])

    def _piece(self, text: str) -> Piece:
        if self._watch.degraded and not self._rewriting.degraded:
            self._rewriting.degraded = True
            self._rewriting.findings.append(Finding("pii", "names-degraded", self._rewriting.where))
        found: tuple[Finding, ...] = ()
        if len(self._rewriting.findings) > self._told:
            found = tuple(self._rewriting.findings[self._told :])
            self._told += len(found)
        if self._rewriting.blocked:
            return Piece("", found, Code.PERSONAL_DATA_BLOCKED)
        return Piece(text, found)
