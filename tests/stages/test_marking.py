"""Prose answers carry the exchange's mark; everything a program reads stays as it was."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.exchange import Exchange, Parameters
from gateway.core.reply import Channel, Kind
from gateway.stages.marking import Marking
from policies.marks import Density, MarksPolicy, Rule, parse
from policies.problem import PolicyInvalid
from tests.make import an_exchange
from watermark import Keys, embed

KEYS = Keys.from_master(bytes(range(32)))
PROSE = (
    "A gate stands in the pass. Every traveller shows papers, and a text is asked of each. 关尹子问道，老子著书而去。"
    * 4
)
MARK = 0x2_3456_789A


def marked(
    text: str, exchange: Exchange | None = None, channel: Channel | None = None, policy: MarksPolicy | None = None
) -> str:
    stage = Marking(KEYS, policy or MarksPolicy(version=1, default=Density.NORMAL))
    transform = stage.transform(exchange or an_exchange("hi", mark=MARK), channel or Channel())
    return transform.feed(text).text + transform.finish().text


def test_an_answer_carries_the_mark_of_its_exchange() -> None:
    assert marked(PROSE) == embed(PROSE, KEYS, MARK, "normal") != PROSE


@pytest.mark.parametrize("kind", [Kind.REASONING, Kind.ARGUMENTS])
def test_reasoning_and_arguments_are_never_marked(kind: Kind) -> None:
    assert marked(PROSE, channel=Channel(0, kind)) == PROSE


def test_an_answer_for_a_program_is_never_marked() -> None:
    exchange = an_exchange("hi", mark=MARK, parameters=Parameters(structured=True))
    assert marked(PROSE, exchange) == PROSE


@pytest.mark.parametrize(
    ("rule", "is_marked"),
    [
        (Rule(roles=("analyst",), marks=Density.OFF, reason="r"), False),
        (Rule(roles=("other",), marks=Density.OFF, reason="r"), True),
        (Rule(tenants=("acme",), marks=Density.OFF, reason="r"), False),
        (Rule(tenants=("other",), marks=Density.OFF, reason="r"), True),
        (Rule(routes=("/v1/chat/completions",), marks=Density.OFF, reason="r"), False),
        (Rule(routes=("/generate",), marks=Density.OFF, reason="r"), True),
    ],
)
def test_the_first_rule_that_fits_decides(rule: Rule, is_marked: bool) -> None:
    policy = MarksPolicy(version=1, default=Density.NORMAL, rules=(rule,))
    assert (marked(PROSE, policy=policy) != PROSE) is is_marked


@given(st.text(max_size=200), st.lists(st.integers(0, 200), max_size=8))
def test_marks_fall_in_the_same_places_however_the_text_was_cut(text: str, cuts: list[int]) -> None:
    transform = Marking(KEYS, MarksPolicy(version=1, default=Density.DENSE)).transform(
        an_exchange("hi", mark=MARK), Channel()
    )
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    out = "".join(transform.feed(text[a:b]).text for a, b in itertools.pairwise(edges) if a < b)
    assert out + transform.finish().text == embed(text, KEYS, MARK, "dense")


def test_a_missing_policy_is_a_problem_not_a_default() -> None:
    with pytest.raises(PolicyInvalid, match=r"watermark\.yaml: is missing"):
        parse({})


def test_an_unknown_density_is_named_with_its_place() -> None:
    with pytest.raises(PolicyInvalid, match=r"watermark\.yaml: default"):
        parse({"watermark.yaml": b"version: 1\ndefault: loud\n"})
