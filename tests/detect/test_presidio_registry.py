"""A site's own registry, written as Presidio's users write it: found in requests and answers, however they are cut."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.detect import detectors as engines
from gateway.detect.detectors import Detectors, detectors
from gateway.detect.watch import Watch
from policies.pii import parse
from policies.problem import PolicyInvalid
from tests.detect.test_streams import streamed

POLICY = b"default: {request: redact, response: redact}\nthreshold: 0.3\nnames: {deadline_ms: 20000}"
REGISTRY = r"""
supported_languages: [en, zh]
global_regex_flags: 26
recognizers:
  - name: CreditCardRecognizer
    type: predefined
    supported_languages: [en]
  - name: Zip code
    supported_languages:
      - language: en
        context: [zip]
      - language: zh
        context: [邮编]
    patterns:
      - {name: zip (weak), regex: '(\b\d{5}(?:\-\d{4})?\b)', score: 0.01}
    supported_entity: ZIP
    type: custom
  - name: Project Titan
    supported_language: en
    supported_entity: PROJECT
    deny_list: [Project Titan, Operation Dusk]
    type: custom
"""


def policy(registry: str) -> dict[str, bytes]:
    return {"pii/policy.yaml": POLICY, "pii/presidio.yaml": registry.encode()}


@pytest.fixture(scope="module")
def found_by() -> Iterator[Detectors]:
    yield detectors(parse(policy(REGISTRY)))
    engines.registry_pool.cache_clear()


def test_patterns_words_context_and_predefined_recognizers_are_found(found_by: Detectors) -> None:
    text = "My zip is 90210. Tell no one of Project Titan! 电话13812345678。Card 4012-8888-8888-1881."
    expected = "My zip is <ZIP>. Tell no one of <PROJECT>! 电话<CN_MOBILE>。Card <CREDIT_CARD>."
    for pieces in ([text], list(text), [text[:37], text[37:]]):
        assert streamed(Watch(found_by.response), pieces)[0] == expected
    spans = found_by.request.read(text, 0, ended=True).spans
    assert [span.rule for span in spans if span.entity in ("ZIP", "PROJECT")] == [
        "presidio:Zip code",
        "presidio:Project Titan",
    ]


def test_a_weak_pattern_without_its_context_stays_weak(found_by: Detectors) -> None:
    spans = found_by.request.read("We sold 90210 of them.", 0, ended=True).spans
    assert [span.score for span in spans] == [0.01]


def test_such_recognizers_may_take_their_time_and_so_hold_up_nobody(found_by: Detectors) -> None:
    assert (found_by.slow, found_by.slow_replies) == (True, True)


@pytest.mark.parametrize(
    ("registry", "says"),
    [
        ("recognizers: []", "no list of recognizers"),
        ("- a", "no list of recognizers"),
        ("recognizers: [NoSuchRecognizer]", "NoSuchRecognizer"),
        ("recognizers: [{name: SpacyRecognizer, type: predefined}]", "asks a model"),
        ("recognizers: [{name: x, supported_entity: X, patterns: [{name: a, regex: '(', score: 1}]}]", "Invalid regex"),
    ],
)
def test_a_registry_that_cannot_be_used_is_named_with_its_reason(registry: str, says: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        detectors(parse(policy(registry)))
    assert says in str(refused.value)
