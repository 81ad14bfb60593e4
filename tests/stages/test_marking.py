"""Prose answers carry the exchange's mark; everything a program reads stays as it was."""

from __future__ import annotations

import itertools
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.exchange import Exchange, Parameters
from gateway.core.reply import Channel, Kind
from gateway.stages.marking import Marking
from policies.marks import Density, Language, MarksPolicy, Metadata, Rule, Visible, parse
from policies.problem import PolicyInvalid
from tests.make import an_exchange
from watermark import Keys, embed, labels

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


QUESTIONS = {"zh": "请介绍一下函谷关的历史", "en": "Tell me of the pass."}


def a_policy(**said: object) -> MarksPolicy:
    return MarksPolicy.model_validate({"version": 1, "default": Density.NORMAL, **said})


@pytest.mark.parametrize("tongue", ["zh", "en"])
@pytest.mark.parametrize("place", list(Visible)[1:])
def test_a_visible_line_says_in_the_questions_language_who_wrote_it(tongue: str, place: Visible) -> None:
    exchange = an_exchange(QUESTIONS[tongue], mark=MARK)
    text, plain = marked(PROSE, exchange, policy=a_policy(visible=place)), marked(PROSE, exchange)
    line = labels.visible(tongue)  # type: ignore[arg-type]
    assert text == (f"{line}\n\n{plain}" if place is Visible.START else f"{plain}\n\n{line}")
    assert labels.is_labelled(text)


def test_policy_may_name_the_language_of_the_line() -> None:
    policy = a_policy(visible=Visible.START, language=Language.ZH)
    assert marked("Yes.", an_exchange(QUESTIONS["en"]), policy=policy).startswith(labels.visible("zh"))


@pytest.mark.parametrize(
    ("exchange", "channel"),
    [
        (an_exchange("hi", parameters=Parameters(structured=True)), Channel()),
        (an_exchange("hi"), Channel(0, Kind.REASONING)),
        (an_exchange("hi"), Channel(0, Kind.ARGUMENTS)),
    ],
    ids=["structured", "reasoning", "arguments"],
)
def test_what_a_program_parses_gets_no_line_and_no_other_words(exchange: Exchange, channel: Channel) -> None:
    text = "因此，用 API 吧"
    assert marked(text, exchange, channel, a_policy(visible=Visible.END, choice=True)) == text


@given(
    st.lists(
        st.sampled_from([PROSE, "例如，", "因此，", "用 API 吧", "因而，用API吧。", "```\nx, y\n```\n", ", "]),
        max_size=8,
    ),
    st.lists(st.integers(0, 400), max_size=8),
    st.sampled_from(list(Visible)),
    st.sampled_from(list(Density)),
    st.booleans(),
)
def test_marks_words_and_lines_do_not_depend_on_cuts(
    parts: list[str], cuts: list[int], place: Visible, density: Density, choice: bool
) -> None:
    text, policy = "".join(parts), a_policy(default=density, visible=place, choice=choice)
    transform = Marking(KEYS, policy).transform(an_exchange("hi", mark=MARK), Channel())
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    out = "".join(transform.feed(text[a:b]).text for a, b in itertools.pairwise(edges))
    assert out + transform.finish().text == marked(text, policy=policy)


def test_two_people_with_one_answer_get_it_in_words_of_their_own() -> None:
    text = "例如，把 API 和 SDK 放在一起；如果不行，此外还有 CLI 可用。目前，虽然有 GUI 但是很慢。" * 6
    ana, ben = (an_exchange("hi", id=name) for name in ("hx-1", "hx-2"))
    policy = a_policy(default=Density.OFF, choice=True)
    assert marked(text, ana, policy=policy) != marked(text, ben, policy=policy)
    assert marked(text, ana, policy=a_policy(default=Density.OFF)) == text


def test_a_label_names_provider_and_exchange_and_verifies_with_the_public_key() -> None:
    label = Marking(KEYS, a_policy(), "函谷关科技").label(an_exchange("hi", id="hx-00ab"))
    assert label is not None
    read = labels.read_header(label.headers[labels.HEADER])
    assert (read.label, read.producer, read.produce_id) == ("1", "函谷关科技", "hx-00ab")
    key = load_pem_public_key(labels.public_key(KEYS.current.label))
    assert isinstance(key, Ed25519PublicKey)
    assert labels.verify(read, label.headers[labels.SIGNATURE_HEADER], key)
    members = json.loads(b"{" + label.members + b"}")
    assert members == {"aigc": read.as_dict(), "aigc_signature": label.headers[labels.SIGNATURE_HEADER]}


def test_labels_are_plain_or_absent_where_policy_says_so() -> None:
    exchange = an_exchange("hi")
    plain = Marking(KEYS, a_policy(metadata=Metadata.PLAIN)).label(exchange)
    assert plain is not None and set(plain.headers) == {labels.HEADER}
    assert Marking(KEYS, a_policy(metadata=Metadata.OFF)).label(exchange) is None


def test_a_rule_changes_only_what_it_says() -> None:
    rule = Rule(roles=("analyst",), visible=Visible.END, reason="r")
    manner = a_policy(default=Density.DENSE, choice=True, rules=(rule,)).manner("acme", ("analyst",), "/generate")
    assert (manner.visible, manner.marks, manner.choice, manner.metadata) == (
        Visible.END,
        Density.DENSE,
        True,
        Metadata.SIGNED,
    )
