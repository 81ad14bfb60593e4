"""Which model answers: names, aliases and no name at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.exchange import Action, Exchange, Parameters
from gateway.core.verdict import Amend, Code, Refuse
from gateway.stages.routing import Routing, seed_of
from policies import routing
from policies.marks import Answers, Density, MarksPolicy, Metadata, Visible
from tests.make import an_exchange

ROUTES = Routing(
    routing.parse(
        {
            "routing.yaml": b"""
default: small
models:
  - {name: small, backend: embedded, aliases: [lab/small]}
  - {name: large, backend: gpu}
"""
        }
    )
)


@pytest.mark.parametrize(
    ("asked", "model", "backend"),
    [
        ("small", "small", "embedded"),
        ("lab/small", "small", "embedded"),
        ("large", "large", "gpu"),
        ("", "small", "embedded"),
        ("tgi", "small", "embedded"),
    ],
)
def test_a_name_leads_to_its_model_and_backend(asked: str, model: str, backend: str) -> None:
    verdict = ROUTES.judge(an_exchange("hi", model=asked))
    assert isinstance(verdict, Amend)
    assert (verdict.exchange.model, verdict.exchange.backend) == (model, backend)


@pytest.mark.parametrize("asked", ["Small", "small ", "lab/large", "../small", "*"])
def test_a_name_nobody_has_leads_nowhere(asked: str) -> None:
    verdict = ROUTES.judge(an_exchange("hi", model=asked))
    assert isinstance(verdict, Refuse)
    assert verdict.code is Code.MODEL_NOT_FOUND


def test_the_list_of_models_needs_no_model() -> None:
    assert isinstance(ROUTES.judge(an_exchange(action=Action.MODELS, model="")), Amend)


def routed(exchange: Exchange, **said: object) -> Exchange:
    marks = MarksPolicy.model_validate({"version": 1, "default": Density.NORMAL, **said})
    verdict = Routing(ROUTES.policy, marks).judge(replace(exchange, model="small"))
    assert isinstance(verdict, Amend)
    return verdict.exchange


@pytest.mark.parametrize(
    ("said", "structured", "notes"),
    [
        ({}, False, ("label:signed",)),
        ({"metadata": Metadata.PLAIN, "visible": Visible.END}, False, ("label:plain", "label:visible")),
        ({"metadata": Metadata.PLAIN, "visible": Visible.END}, True, ("label:plain",)),
        ({"metadata": Metadata.OFF}, False, ()),
    ],
)
def test_the_record_learns_which_label_goes_with_an_answer(
    said: dict[str, object], structured: bool, notes: tuple[str, ...]
) -> None:
    exchange = an_exchange("hi", parameters=Parameters(structured=structured), notes=("pii:degraded",))
    assert routed(exchange, **said).notes == ("pii:degraded", *notes)


def test_a_request_goes_on_as_asked_unless_policy_says_otherwise() -> None:
    exchange = an_exchange("hi", parameters=Parameters(seed=7))
    assert routed(exchange).parameters is exchange.parameters


def test_equal_prompts_get_seeds_of_their_own() -> None:
    asked = Parameters(seed=7)
    first, second = (
        routed(an_exchange("hi", id=name, parameters=asked), answers=Answers.SEEDED) for name in ("a", "b")
    )
    assert len({first.parameters.seed, second.parameters.seed, 7}) == 3
    assert first.parameters.seed == seed_of("a")


def test_the_backend_is_asked_for_its_mark_and_to_draw_where_policy_says_so() -> None:
    parameters = routed(an_exchange("hi"), backend_mark=True, answers=Answers.SAMPLED).parameters
    assert parameters.watermark and parameters.sampling == ("do_sample",)


def test_what_no_model_answers_has_no_label() -> None:
    assert routed(an_exchange("hi", action=Action.TOKENIZE)).notes == ()


def test_a_user_s_key_goes_with_the_request_only_where_policy_has_tokens_drawn_by_it() -> None:
    def keyed(**said: object) -> str:
        marks = MarksPolicy.model_validate({"version": 1, "default": Density.NORMAL, **said})
        stage = Routing(ROUTES.policy, marks, lambda tenant, name: f"{tenant}-{name}")
        verdict = stage.judge(an_exchange("hi", model="small"))
        assert isinstance(verdict, Amend)
        assert "acme-ana" not in repr(verdict.exchange)
        return verdict.exchange.draw_key

    assert (keyed(), keyed(keyed_draw=True)) == ("", "acme-ana")
