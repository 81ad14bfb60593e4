"""An answer of one caller in the prompt of another is told once, whoever of the two is noticed first; a caller's own is not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.audit.journal import Journal
from gateway.audit.projection import Projection
from gateway.audit.query import Filter
from gateway.audit.record import Event, closed, opened
from gateway.audit.reuse import KIND, Owner, Reuse, owners_on_record
from gateway.audit.seal import FileSigner, generate_key
from gateway.core.exchange import Exchange, Principal
from gateway.core.pipeline import Judgement
from gateway.stages.waf import Waf
from policies import bundle
from tests.make import ANA, an_exchange
from watermark import Keys, embed

KEYS = Keys.from_master(bytes(range(32)))
BEN = Principal("ben", "acme", ("analyst",))
DEFAULT = Path(__file__).parents[2] / "policies" / "default"
ANSWER = "The gateway sits between the people who ask and the models that answer, and it keeps a record of both. " * 4


def told(directory: Path, *exchanges: Exchange, owners: Mapping[int, Owner] | None = None) -> list[Event]:
    """The events that a record of these exchanges gets, each judged by the stage that scrubs."""
    waf = Waf(bundle.load(DEFAULT).waf, marks=KEYS)

    def asked(marks: Sequence[int]) -> Mapping[int, Owner]:
        return {mark: (owners or {})[mark] for mark in marks if mark in (owners or {})}

    reuse = Reuse(asked)

    async def write() -> None:
        async with Journal.open(
            directory, "w0", signer=FileSigner.parse(generate_key()[0]), watchers=[reuse]
        ) as journal:
            for exchange in exchanges:
                verdict = waf.judge(exchange)
                scrubbed = getattr(verdict, "exchange", exchange)
                await journal.append(opened(exchange, Judgement(scrubbed), "policy", exchange.received_at))
                answer = {"choices[0].content": ANSWER}
                await journal.append(closed(exchange, exchange.received_at + 1, "answered", answers=answer))
                await reuse.tell(journal)

    asyncio.run(write())
    with Projection.open(directory) as record:
        return [e.record for e in record.find(Filter(word=KIND)) if isinstance(e.record, Event)]


def test_ana_s_answer_in_ben_s_prompt_is_told_once(tmp_path: Path) -> None:
    pasted = f"Please shorten this: {embed(ANSWER, KEYS, 77)}"
    events = told(
        tmp_path,
        an_exchange("tell me", id="hx-1", principal=ANA, mark=77),
        an_exchange(pasted, id="hx-2", principal=BEN, mark=78),
        an_exchange(pasted, id="hx-3", principal=BEN, mark=79),
    )
    assert [(each.tenant, each.subject, dict(each.facts)) for each in events] == [
        ("acme", "ben", {"exchange": "hx-2", "answer": "hx-1", "owner": "ana", "owner_tenant": "acme"})
    ]


def test_a_conversation_that_repeats_its_own_answers_is_nothing_to_tell(tmp_path: Path) -> None:
    history = ("tell me", embed(ANSWER, KEYS, 77), "go on")
    assert not told(
        tmp_path, an_exchange("tell me", principal=ANA, mark=77), an_exchange(*history, principal=ANA, mark=78)
    )


def test_what_was_given_before_this_process_began_is_looked_up_in_the_record(tmp_path: Path) -> None:
    owners = {77: Owner("acme", "ana", "hx-1")}
    events = told(tmp_path, an_exchange(embed(ANSWER, KEYS, 77), principal=BEN, mark=78), owners=owners)
    assert dict(events[0].facts)["answer"] == "hx-1"
    with Projection.open(tmp_path):
        found = owners_on_record(tmp_path)([78, 1])
    assert found == {78: Owner("acme", "ben", "x-1")}


def test_marks_of_somebody_else_s_keys_and_unknown_ids_accuse_nobody(tmp_path: Path) -> None:
    foreign = embed(ANSWER, Keys.from_master(bytes(32)), 77)
    assert not told(
        tmp_path,
        an_exchange("tell me", principal=ANA, mark=77),
        an_exchange(foreign, principal=BEN, mark=78, id="hx-2"),
        an_exchange(embed(ANSWER, KEYS, 123), principal=BEN, mark=79, id="hx-3"),
    )
