"""Recognisers that the site wrote, as the pattern tier reads them. Their form is checked where policies are read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gateway.detect.families import OWN
from gateway.detect.patterns import Own
from gateway.detect.span import Span
from gateway.detect.triggers import Trigger
from gateway.detect.view import View
from policies.pii import Recognizer


def own(recognizers: Iterable[Recognizer]) -> tuple[Own, ...]:
    return tuple(_own(one) for one in recognizers)


def _own(said: Recognizer) -> Own:
    pattern = re.compile(said.pattern)
    cue = re.compile("|".join(re.escape(word.lower()) for word in said.context)) if said.context else None
    kind = "secret" if said.secret else "pii"

    def read(view: View) -> Iterator[Span]:
        for found in pattern.finditer(view.text, view.start, view.end):
            low, high = view.at(found.start()), view.until(found.end())
            near = cue is not None and (cue.search(view.before(found.start())) or cue.search(view.behind(found.end())))
            yield Span(low, high, said.entity, said.sure if near else said.score, said.name, kind)

    return Own(Trigger(said.pattern, OWN), read)
