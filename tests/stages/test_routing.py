"""Which model answers: names, aliases and no name at all."""

from __future__ import annotations

import pytest

from gateway.core.exchange import Action
from gateway.core.verdict import Amend, Code, Refuse
from gateway.stages.routing import Routing
from policies import routing
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
