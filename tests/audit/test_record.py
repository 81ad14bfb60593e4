"""One record has one spelling, and says nothing it must not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit import canonical
from gateway.audit.record import (
    Answer,
    Closed,
    Decision,
    Event,
    Opened,
    Outcome,
    Part,
    Record,
    Text,
    closed,
    event,
    in_thousandths,
    opened,
)
from gateway.core.errors import AuditError
from gateway.core.exchange import Credentials, Parameters
from gateway.core.pipeline import Judgement, Ruling
from gateway.core.reply import Channel, Usage
from gateway.core.verdict import Allow, Code, Finding, Refuse
from tests.audit.examples import AT, DIGEST, a_closed, an_exchange, an_opened, let_in, turned_away

SALT = "0123456789abcdef" * 4

texts = st.text(max_size=40)
counts = st.integers(0, 2**53 - 1)
pairs = st.lists(st.tuples(texts, texts), max_size=3).map(tuple)
findings = st.builds(Finding, texts, texts, texts, counts, counts, st.integers(0, 1000).map(lambda n: n / 1000), texts)
found = st.lists(findings, max_size=3).map(tuple)
answers = st.lists(st.builds(lambda c, t: Answer(c, len(t), t), texts, texts), max_size=3).map(tuple)
usages = st.none() | st.builds(Usage, counts, counts)
parameters = st.builds(
    Parameters,
    max_tokens=st.none() | counts,
    samples=counts,
    tools=st.lists(texts, max_size=2).map(tuple),
    structured=st.booleans(),
    adapter=st.none() | texts,
    watermark=st.none() | st.booleans(),
    seed=st.none() | st.integers(0, 2**64 - 1),
)
decisions = st.builds(Decision, texts, texts, texts, found, texts, counts)


@st.composite
def openeds(draw: st.DrawFn) -> Opened:
    withheld = draw(st.booleans())
    said = [("", n) if withheld else (text, len(text)) for n, text in enumerate(draw(st.lists(texts, max_size=3)))]
    passages = tuple(Text(draw(texts), "user", "prose", length, text) for text, length in said)
    return replace(
        an_opened(),
        user=draw(texts),
        tls=draw(pairs),
        passages=passages,
        withheld=withheld,
        parameters=draw(parameters),
        rulings=tuple(draw(st.lists(decisions, max_size=2))),
        mark=draw(st.integers(0, 2**34 - 1)),
        notes=tuple(draw(st.lists(texts, max_size=2))),
        sealed=draw(texts),
    )


closeds = st.builds(
    Closed, texts, counts, texts, texts, st.sampled_from(Outcome), texts, answers, found, usages,
    st.lists(st.tuples(texts, counts), max_size=3).map(tuple), counts, texts, texts,
)  # fmt: skip
records = st.one_of(
    openeds(),
    closeds,
    st.builds(Part, texts, counts, texts, texts, answers, texts),
    st.builds(Event, texts, counts, texts, texts, texts, pairs),
)


@given(records)
@settings(max_examples=150, deadline=None)
def test_a_record_read_back_is_the_record_written(record: Record) -> None:
    kind, head, body = canonical.encode(record, SALT)
    assert canonical.decode(kind, head, body) == record


@given(records)
@settings(max_examples=150, deadline=None)
def test_the_spelling_is_that_of_the_standard_and_of_the_standard_library(record: Record) -> None:
    for data in canonical.encode(record, SALT)[1:]:
        if data:
            told = json.loads(data)
            assert json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == data
            if "seed" not in told.get("parameters", {}):  # RFC 8785 ends at 2**53; a seed may be larger
                assert rfc8785.dumps(told) == data


@given(records)
@settings(max_examples=50, deadline=None)
def test_the_salts_alone_make_two_equal_records_look_unlike(record: Record) -> None:
    one, other = canonical.encode(record, SALT), canonical.encode(record, SALT[::-1])
    assert canonical.leaf(one[1]) != canonical.leaf(other[1])
    assert canonical.decode(*one) == canonical.decode(*other)


def test_texts_are_in_the_body_alone_and_the_rest_survives_without_it() -> None:
    record = an_opened(text="一段很长的提示")
    kind, head, body = canonical.encode(record, SALT)
    assert "一段很长的提示".encode() not in head
    assert "一段很长的提示".encode() in body
    erased = canonical.decode(kind, head, b"")
    assert isinstance(erased, Opened)
    assert [(p.length, p.text) for p in erased.passages] == [(7, "")]
    assert replace(erased, passages=record.passages) == record


def test_a_token_never_reaches_the_record() -> None:
    exchange = replace(an_exchange(), credentials=Credentials("secret-token"), principal=None)
    record = opened(exchange, turned_away(exchange), DIGEST, AT)
    assert b"secret-token" not in b"".join(canonical.encode(record, SALT)[1:])


@pytest.mark.parametrize(
    ("judgement", "kept"),
    [
        (let_in(an_exchange()), True),
        (turned_away(an_exchange()), False),  # refused before redaction looked: nobody knows what is in it
        (Judgement(an_exchange(), (Ruling("pii", Refuse(Code.STAGE_FAILED)),), Refuse(Code.STAGE_FAILED)), False),
        (Judgement(an_exchange(), (Ruling("pii", Allow()), Ruling("routing", Refuse(Code.DRAINING)))), True),
    ],
)
def test_text_is_kept_only_where_redaction_let_it_pass(judgement: Judgement, kept: bool) -> None:
    record = opened(an_exchange(), judgement, DIGEST, AT)
    assert record.withheld is not kept
    assert [p.text for p in record.passages] == (["请总结这份文件"] if kept else [""])
    assert [p.length for p in record.passages] == [7]


def test_what_was_decided_is_told_stage_by_stage() -> None:
    record = opened(an_exchange(), turned_away(an_exchange()), DIGEST, AT)
    assert [(d.stage, d.decision, d.code) for d in record.rulings] == [
        ("identity", "allow", ""),
        ("access", "refuse", "not_permitted"),
    ]
    assert record.code == "not_permitted"
    assert record.findings == (Finding("access", "deny-3", "exchange"),)


def test_times_are_whole_numbers() -> None:
    assert an_opened().at == 1_700_000_000_250
    assert a_closed().timings == (("total", 1_250_000),)
    assert an_opened().rulings[1].micros == 400


def test_a_score_is_kept_in_thousandths() -> None:
    assert in_thousandths(Finding("pii", "name", "inputs", score=0.123456)).score == 0.123


def test_what_utf8_cannot_carry_is_replaced_not_lost() -> None:
    record = closed(an_exchange(), AT, "answered", answers={Channel(): "a\ud800b"})
    kind, head, body = canonical.encode(record, SALT)
    read = canonical.decode(kind, head, body)
    assert isinstance(read, Closed)
    assert read.answers[0].text == "a\ufffdb"


@pytest.mark.parametrize("head", [b"{}", b"[]", b"nonsense", b'{"v":1}', b'{"v":99}'])
def test_what_is_no_record_is_refused_by_name(head: bytes) -> None:
    with pytest.raises(AuditError):
        canonical.decode(1, head, b"")


def test_facts_of_an_event_are_words() -> None:
    assert event("policy.loaded", AT, {"digest": "d", "rules": 3}, actor="operator").facts == (
        ("digest", "d"),
        ("rules", "3"),
    )
