"""What people can see of a text: everything else is taken out before a model reads it, and what it spelled is told.

Invisible characters that a script or an emoji needs stay. Marks of ours come back with every conversation that repeats an
answer: they are taken out too, and are no attack. Whose they are is asked later, off this path.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from gateway.core.exchange import Passage
from gateway.core.verdict import Finding
from gateway.detect.waf import hidden
from gateway.stages.waf.seen import finding
from watermark import may_be_marked, visible
from watermark.inbound import NONE, Inbound

MOST_PLACES = 8  # findings of one kind in a passage: more say nothing new, and a hostile text could have thousands


class Shown(NamedTuple):
    """The visible text, what was found, how many letters the hidden text spells, how many characters went, and ids of ours among them."""

    text: str
    findings: tuple[Finding, ...] = ()
    letters: int = 0
    scrubbed: int = 0
    marks: tuple[int, ...] = ()


def shown(passage: Passage, inbound: Inbound | None) -> Shown:
    """A text without anything hidden costs one search, and one of ASCII none."""
    if passage.text.isascii():
        return Shown(passage.text)
    text = visible(passage.text)
    if len(text) == len(passage.text):
        return Shown(passage.text)
    own = inbound.own(passage.text) if inbound is not None and may_be_marked(passage.text) else NONE
    rest, bursts = passage.text, frozenset[tuple[int, int]]()
    if own.ids:
        rest, bursts = _without(rest, own.spans), frozenset(own.spans)
    others = (run for run in hidden.smuggled(passage.text) if (run.start, run.end) not in bursts)
    told = [
        finding("GW-401", f"hidden-{run.kind}", passage, (run.start, run.end)) for run in islice(others, MOST_PLACES)
    ]
    return Shown(text, tuple(told), hidden.spelt(rest), len(passage.text) - len(text), own.ids)


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with a space for each of these spans: what stands on either side stays apart."""
    pieces, last = [], 0
    for start, end in spans:
        pieces.append(text[last:start])
        last = end
    return " ".join([*pieces, text[last:]])
