"""What people can see of a text: everything else is taken out before a model reads it, and what it spelled is told.

Invisible characters that a script or an emoji needs stay. Marks of ours come back with every conversation that repeats an
answer: they are taken out too, and are no attack. Whose they are is asked later, off this path.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.core.exchange import Passage
from gateway.core.verdict import Finding
from gateway.detect.waf import hidden
from gateway.stages.waf.seen import finding
from watermark import scrub
from watermark.inbound import NONE, Inbound

MOST_PLACES = 8  # findings of one kind in a passage: more say nothing new, and a hostile text could have thousands


class Shown(NamedTuple):
    """The visible text, what was found, what the hidden text spells, how many characters went, and ids of ours among them."""

    text: str
    findings: tuple[Finding, ...] = ()
    read: str = ""
    scrubbed: int = 0
    marks: tuple[int, ...] = ()


def shown(passage: Passage, inbound: Inbound | None) -> Shown:
    """A text without anything hidden costs one search, and one of ASCII none."""
    if passage.text.isascii():
        return Shown(passage.text)
    scrubbed = scrub(passage.text)
    if not scrubbed.removed:
        return Shown(passage.text)
    own = inbound.own(passage.text) if inbound is not None and scrubbed.may_be_marked else NONE
    runs = hidden.smuggled(passage.text)
    if own.ids:
        bursts = set(own.spans)
        runs = [run for run in runs if (run.start, run.end) not in bursts]
    findings = [finding("GW-401", f"hidden-{run.kind}", passage, (run.start, run.end)) for run in runs[:MOST_PLACES]]
    count = sum(run.length for run in scrubbed.removed)
    return Shown(scrubbed.text, tuple(findings), " ".join(run.read for run in runs), count, own.ids)
