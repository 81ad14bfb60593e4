"""The tracer: a leaked text in, one verdict out, with the chance that it names somebody wrongly.

Steps, in order: marks → whose they are → is the text around them theirs → if no mark speaks, which stored answers
share its passages. Only a mark can prove; shared passages are a lead, however many. Not here: reading files
(`watermark.documents`), words for people (`watermark.finding`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from watermark import chance
from watermark.content import Leak, Overlap, compare, differences
from watermark.decoder import Decoded, Hit, confirm, decode
from watermark.index import CANDIDATES, Index
from watermark.keys import Keys
from watermark.registry import Issued, Registry

Grade = Literal["request", "user", "set", "ours_unattributed", "transplanted", "unknown"]

MAX_TEXT_CHARS = 400_000  # two hundred pages: some two seconds; the rest of a longer leak adds no certainty
# Measured on texts never issued (benchmarks/results/watermark_null.json), rounded up: what a lead without marks is worth.
LEAD_CHANCE = 0.01
SHORT_LEAD_CHANCE, SHORT_LETTERS = 0.06, 120
_WORTH_COMPARING = 0.35  # of the most telling answer's weight: what shares less cannot fit as well
_CLEAR_VOTE = 8  # details; one to four differing places: enough for a lead
_LEAST_STRETCHES = (
    8  # of a leak, some thirty Latin or fifteen Han letters: what is left besides a quotation must say something
)
_TIE = 0.02  # share of short stretches by which one answer must fit better to be named alone

CAVEATS = {
    "same_text": "no mark survives: this is the same text as the answer named, which does not say who passed it on",
    "background": "part of the text is in prompts or documents that others have too; it was left out of account",
    "short": "fewer than 120 letters: shared phrases are likelier than at full length",
    "not_bound": "the marks do not match the words around them well enough; edits or a transplant may be the reason",
    "no_content": "the answer's text is not kept, so the words around the marks could not be compared",
    "distrusted": "the key epoch was compromised: its marks can be forged by whoever holds the key",
    "spliced": "the text is put together from several answers; each is named with its own spans",
    "transplanted": "the marks are real, but the words around them are not those they were issued with",
    "duplicates": "several exchanges were given this text; without marks they cannot be told apart",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One exchange that may be the source, and why. `p` is None where only shared passages speak."""

    issued: Issued
    layers: tuple[str, ...]
    p: float | None
    bound: bool | None
    overlap: Overlap | None
    hit: Hit | None = None

    @property
    def convicts(self) -> bool:
        content = self.overlap is not None and self.overlap.likely
        return self.p is not None and self.p <= chance.PROVEN and bool(self.bound) and content

    def as_json(self, lead: float | None) -> dict[str, Any]:
        """`lead` is the figure for a candidate that no mark speaks for."""
        return {
            "exchange": self.issued.exchange,
            "tenant": self.issued.tenant,
            "user": self.issued.user,
            "issued_at": self.issued.issued_at,
            "layers": list(self.layers),
            "false_attribution_probability": self.p if self.p is not None else lead,
            "convict_grade": self.convicts,
            "bound": self.bound,
            "coverage": round(self.overlap.coverage, 4) if self.overlap else None,
            "spans": [list(span) for span in self.hit.spans] if self.hit else [],
        }


@dataclass(frozen=True, slots=True)
class Trace:
    """The verdict. `as_json` has the shape that `hangu trace` prints."""

    grade: Grade
    candidates: tuple[Candidate, ...] = ()
    layers: tuple[str, ...] = ()
    p: float | None = None
    caveats: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def traced(self) -> bool:
        return self.grade in ("request", "user", "set")

    @property
    def convicts(self) -> bool:
        return self.grade == "request" and self.candidates[0].convicts and "distrusted" not in self.caveats

    def as_json(self) -> dict[str, Any]:
        one = self.candidates[0].issued if self.grade == "request" else None
        sources = {(c.issued.tenant, c.issued.user) for c in self.candidates} if self.traced else set()
        tenant, user = next(iter(sources)) if len(sources) == 1 else (None, None)
        return {
            "verdict": "traced" if self.traced else "not_traced",
            "grade": self.grade,
            "exchange": one.exchange if one else None,
            "tenant": tenant,
            "user": user,
            "candidates": [candidate.as_json(self.p) for candidate in self.candidates],
            "layers": list(self.layers),
            "false_attribution_probability": self.p,
            "evidence": {
                "convict_grade": self.convicts,
                "proof": "keyed" if self.layers[:1] == ("l1",) else "lead" if self.traced else "none",
                "caveats": {name: CAVEATS[name] for name in self.caveats},
                **self.facts,
            },
        }


def trace(
    text: str, keys: Keys, registry: Registry, index: Index | None = None, background: Index | None = None
) -> Trace:
    """Trace `text` (the leak as found: do not normalise it first). `background` holds texts everybody has."""
    text = text[:MAX_TEXT_CHARS]
    decoded = decode(text, keys, lambda: registry.codebook(keys))
    leak = Leak.of(decoded.visible, keys.fingerprint)
    facts: dict[str, Any] = {"letters": len(leak.bare), "bursts": decoded.bursts}
    marked = [c for hit in decoded.hits if (c := _by_mark(hit, leak, keys, registry)) is not None]
    standing = [candidate for candidate in marked if _stands(candidate)]
    if standing:
        return _from_marks(standing, keys, decoded, facts)
    rest, shared = _nobody_s(leak, background)
    facts |= {"background_share": round(shared, 3)} if shared else {}
    resembling = _resembling(rest, keys, registry, index)
    confirmed = [found for candidate in resembling if (found := _confirmed(candidate, decoded, keys, len(resembling)))]
    if confirmed:
        return _from_marks(confirmed, keys, decoded, facts)
    leads = _told_apart(resembling, rest, decoded.visible)
    if 0 < len(leads) <= CANDIDATES:
        return _from_leads(leads, rest, facts)
    if marked:
        return Trace("transplanted", tuple(marked), ("l1",), marked[0].p, ("transplanted",), facts)
    return _without_name(decoded, registry, facts | ({"answers_with_these_words": len(leads)} if leads else {}))


def _by_mark(hit: Hit, leak: Leak, keys: Keys, registry: Registry) -> Candidate | None:
    issued = registry.by_mark(hit.mark_id)
    p = hit.p if hit.method == "registry" else chance.false_name(hit.p, registry.count())
    if issued is None or p > chance.PROVEN / 2:
        return None
    return Candidate(issued, ("l1",), p, hit.bind.holds, compare(leak, issued, keys.fingerprint), hit)


def _stands(candidate: Candidate) -> bool:
    """Marks name somebody only with their words: the stored answer's where it is kept, their own bind otherwise."""
    if candidate.overlap is None:
        return bool(candidate.bound)
    return candidate.overlap.any if candidate.bound else candidate.overlap.likely


def _from_marks(standing: list[Candidate], keys: Keys, decoded: Decoded, facts: dict[str, Any]) -> Trace:
    caveats = []
    if any(not candidate.bound for candidate in standing):
        caveats.append("not_bound")
    if any(candidate.overlap is None for candidate in standing):
        caveats.append("no_content")
    if any((epoch := keys.of(c.hit.epoch)) is not None and not epoch.trusted for c in standing if c.hit):
        caveats.append("distrusted")
    if len(standing) > 1:
        caveats.append("spliced")
    best = standing[0]
    facts |= {"method": best.hit.method if best.hit else None, "visible_chars": len(decoded.visible)}
    layers = ("l1", "content") if best.overlap is not None else ("l1",)
    return Trace(_grade(standing), tuple(standing), layers, max(c.p or 0.0 for c in standing), tuple(caveats), facts)


def _nobody_s(leak: Leak, background: Index | None) -> tuple[Leak, float]:
    """The leak without what everybody has, and the share of that: quoted prompts, documents, boilerplate."""
    if background is None or not leak.stretches:
        return leak, 0.0
    hashes = np.array(leak.hashes, np.uint64)
    known = background.knows(hashes)
    if not known.any():
        return leak, 0.0
    rest = leak.without(frozenset(hashes[known].tolist()))
    return rest if len(rest.stretches) >= _LEAST_STRETCHES else replace(rest, stretches=()), float(known.mean())


def _grade(candidates: list[Candidate]) -> Grade:
    if len(candidates) == 1:
        return "request"
    sources = {(candidate.issued.tenant, candidate.issued.user) for candidate in candidates}
    return "user" if len(sources) == 1 else "set"


def _resembling(leak: Leak, keys: Keys, registry: Registry, index: Index | None) -> list[Candidate]:
    """Stored answers that share passages with the leak, most telling first, whether or not that is enough."""
    found = index.query(leak.hashes, None, 2 * CANDIDATES) if index is not None else []
    candidates = []
    for item in found:
        issued = registry.by_exchange(item.exchange) if item.weight >= _WORTH_COMPARING * found[0].weight else None
        overlap = compare(leak, issued, keys.fingerprint) if issued else None
        if issued and overlap and overlap.shared:
            candidates.append(Candidate(issued, ("l3",), None, None, overlap))
    return candidates


def _confirmed(candidate: Candidate, decoded: Decoded, keys: Keys, asked: int) -> Candidate | None:
    """A resembling answer whose own id the damaged marks fit: passages propose, the mark decides."""
    issued, known = candidate.issued, keys.of(candidate.issued.epoch)
    if issued.mark_id is None or not decoded.runs:
        return None
    for epoch in (known,) if known else keys.epochs:
        hit = confirm(decoded, epoch, issued.mark_id, asked * len(keys.epochs))
        if hit is not None:
            found = Candidate(issued, ("l1", "l3"), hit.p, hit.bind.holds, candidate.overlap, hit)
            return found if _stands(found) else None
    return None


def _told_apart(resembling: list[Candidate], leak: Leak, visible: str) -> list[Candidate]:
    """Those that are strong leads and explain the leak as well as the best one does, by the finest measure there is."""
    strong = [candidate for candidate in resembling if candidate.overlap and candidate.overlap.strong]
    measures = [candidate.overlap.best if candidate.overlap else 0.0 for candidate in strong]
    tie = max(
        _TIE, _CLEAR_VOTE / max(1, len(leak.grams))
    )  # in a short leak a few words that chanced to fit are no proof
    close = [candidate for candidate, measure in zip(strong, measures, strict=True) if measure >= max(measures) - tie]
    return _by_details(close, visible) if len(close) > 1 else close


def _by_details(close: list[Candidate], visible: str) -> list[Candidate]:
    """The one whose own details the leak has, where it has clearly more of them than of anybody else's."""
    texts = [candidate.issued.text for candidate in close if candidate.issued.text is not None]
    if len(texts) < len(close):
        return close
    votes = differences(visible, texts)
    first, second = sorted(votes, reverse=True)[:2]
    if first - second < _CLEAR_VOTE:
        return close
    best = close[votes.index(first)]
    return [replace(best, layers=("l3", "l2"))]


def _from_leads(leads: list[Candidate], leak: Leak, facts: dict[str, Any]) -> Trace:
    caveats = ["same_text", *(["background"] if "background_share" in facts else [])]
    if len(leads) > 1:
        caveats.append("duplicates")
    short = len(leak.bare) < SHORT_LETTERS
    if short:
        caveats.append("short")
    p = SHORT_LEAD_CHANCE if short else LEAD_CHANCE
    return Trace(_grade(leads), tuple(leads), leads[0].layers, p, tuple(caveats), facts)


def _without_name(decoded: Decoded, registry: Registry, facts: dict[str, Any]) -> Trace:
    ours = [hit for hit in decoded.hits if hit.p <= chance.PROVEN and registry.by_mark(hit.mark_id) is None]
    if ours:
        facts |= {"unattributed_marks": [hit.mark_id for hit in ours]}
        return Trace("ours_unattributed", (), ("l1",), ours[0].p, (), facts)
    return Trace("unknown", facts=facts)
