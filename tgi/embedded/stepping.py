"""One token at a time: ask a source for candidates, choose, append, repeat. Shared by every engine that works in steps.

Where the run ends is the caller's business; it closes the generator.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from tgi.embedded.engine import Candidate, CandidateSource, EngineFailed, ModelCard, Sampling, Step
from tgi.embedded.sampling import CANDIDATES, Chooser


async def steps(
    source: CandidateSource, card: ModelCard, ids: Sequence[int], sampling: Sampling
) -> AsyncGenerator[Step, None]:
    """Next tokens after `ids`, without end; raises `EngineFailed`."""
    chooser = Chooser.begin(sampling, card)
    context = list(ids)
    while True:
        found = await source.candidates(context, chooser.ask())
        step = await _choose(chooser, context[-1], found) or await _rare(source, chooser, context)
        context.append(step.id)
        yield step


async def _choose(chooser: Chooser, previous: int, found: list[Candidate]) -> Step | None:
    """Following a grammar can take long, and other requests do not wait for it."""
    if chooser.constraint is None:
        return chooser.choose(previous, found)
    return await asyncio.to_thread(chooser.choose, previous, found)


async def _rare(source: CandidateSource, chooser: Chooser, context: list[int]) -> Step:
    """The grammar permits none of the likeliest: look for the permitted tokens in the whole vocabulary."""
    only = await asyncio.to_thread(chooser.permitted, list(await source.vocabulary()))
    found: list[Candidate] = []
    if only:
        ask = replace(chooser.ask(), count=min(len(only), CANDIDATES), only=only)
        found = await source.candidates(context, ask)
    step = await _choose(chooser, context[-1], found)
    if step is None:
        raise EngineFailed("no token of the vocabulary can follow the grammar from here")
    return step
