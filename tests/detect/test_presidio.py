"""The fast engine finds what Presidio's own finds, and takes what Presidio's users give it."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

presidio = pytest.importorskip("presidio_analyzer")

import spacy  # noqa: E402 - after the check that Presidio is there
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, Pattern, PatternRecognizer, RecognizerResult  # noqa: E402
from presidio_analyzer.nlp_engine import NoOpNlpEngine  # noqa: E402

from gateway.detect.patterns import Patterns  # noqa: E402
from gateway.detect.presidio import FastAnalyzerEngine, HanguRecognizer, LoadedSpacy, Stock, no_model, registry  # noqa: E402

PIECES = (
    "my card is 4111 1111 1111 1111", "call (415) 555-2671 now", "SSN 078-05-1120", "john.smith@example.com",
    "IBAN GB29NWBK60161331926819", "192.168.1.10", "2001:db8::1", "00:1B:44:11:3A:B7", "https://example.org/a?b=c",
    "on 12/05/2023", "at 2023-11-15", "16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ", "passport 912803456", "license A1234567",
    "NHS 943 476 5919", "DEA BB1388568", "41e3daf5-6e37-4bcc-9f8e-0d9521e2aa8d", "bank account 945456787654",
    "the quick brown fox", "def f(x): return x", "369 24", "no. 7", "–", "“quoted”", "déjà vu", "身份证", "\n", ". ", ", ",
)  # fmt: skip


def dressed(results: list[RecognizerResult]) -> list[tuple[str, int, int, float]]:
    return sorted((one.entity_type, one.start, one.end, round(one.score, 6)) for one in results)


@pytest.fixture(scope="module", params=["no model", "blank spaCy"])
def engines(request: pytest.FixtureRequest) -> tuple[AnalyzerEngine, FastAnalyzerEngine]:
    nlp = no_model() if request.param == "no model" else LoadedSpacy("en", spacy.blank("en"))
    known = registry()
    make = {"registry": known, "nlp_engine": nlp, "supported_languages": ["en"]}
    return AnalyzerEngine(**make), FastAnalyzerEngine(**make)


def test_the_results_are_those_of_the_stock_engine(engines: tuple[AnalyzerEngine, FastAnalyzerEngine]) -> None:
    stock, fast = engines
    chance = random.Random(5)
    for _ in range(150):
        text = " ".join(chance.choices(PIECES, k=chance.randint(1, 6)))
        assert dressed(fast.analyze(text, "en")) == dressed(stock.analyze(text, "en")), text


def test_arguments_reach_the_stock_engine(engines: tuple[AnalyzerEngine, FastAnalyzerEngine]) -> None:
    stock, fast = engines
    text = "mail a@example.com or b@example.com, card 4111 1111 1111 1111"
    for named in (
        {"entities": ["EMAIL_ADDRESS"]},
        {"score_threshold": 0.9},
        {"allow_list": ["a@example.com"]},
        {"context": ["credit"]},
    ):
        assert dressed(fast.analyze(text, "en", **named)) == dressed(stock.analyze(text, "en", **named))


def test_custom_and_ad_hoc_recognizers_work(engines: tuple[AnalyzerEngine, FastAnalyzerEngine]) -> None:
    _, fast = engines

    class Fixed(EntityRecognizer):
        def load(self) -> None: ...

        def analyze(self, text: str, entities: list[str], nlp_artifacts: object = None) -> list[RecognizerResult]:
            at = text.find("secret plan")
            return [RecognizerResult("PLAN", at, at + 11, 0.9)] if at >= 0 else []

    hoc = PatternRecognizer(supported_entity="ZEBRA", patterns=[Pattern("z", r"z(?<=z)ebra\d", 0.7)])
    assert ("ZEBRA", 0, 6, 0.7) in dressed(fast.analyze("zebra7 ran", "en", ad_hoc_recognizers=[hoc]))
    custom = PatternRecognizer(supported_entity="TICKET", patterns=[Pattern("t", r"TK-\d{4}", 0.8)])
    fast.registry.add_recognizer(custom)
    fast.registry.add_recognizer(Fixed(supported_entities=["PLAN"], supported_language="en"))
    try:
        found = dressed(fast.analyze("TK-1234 is the secret plan", "en"))
        assert ("TICKET", 0, 7, 0.8) in found
        assert ("PLAN", 15, 26, 0.9) in found
        assert "Fixed" in fast.ungated("en")
        assert "TICKET" not in {name for name, *_ in dressed(fast.analyze("nothing", "en"))}
    finally:
        fast.registry.recognizers = fast.registry.recognizers[:-2]


def test_most_recognizers_are_judged_by_the_scan(engines: tuple[AnalyzerEngine, FastAnalyzerEngine]) -> None:
    _, fast = engines
    assert fast.ungated("en") == []


def test_the_language_model_is_not_asked_for_text_that_holds_nothing() -> None:
    asked = []

    class Counting(NoOpNlpEngine):
        def process_text(self, text: str, language: str) -> object:
            asked.append(text)
            return super().process_text(text, language)

    fast = FastAnalyzerEngine(
        registry=registry(),
        nlp_engine=Counting(models=[{"lang_code": "en", "model_name": "none"}]),
        supported_languages=["en"],
    )
    assert fast.analyze("the quick brown fox", "en") == []
    assert asked == []


def test_chinese_papers_come_through_the_presidio_api() -> None:
    known = registry(["zh"])
    known.add_recognizer(HanguRecognizer(["CN_ID_CARD", "CN_MOBILE"], Patterns()))
    fast = FastAnalyzerEngine(registry=known, nlp_engine=no_model("zh"), supported_languages=["zh"])
    found = dressed(fast.analyze("身份证11010519491231002X，手机13812345678", "zh"))
    assert {("CN_ID_CARD", 3, 21, 1.0), ("CN_MOBILE", 24, 35, 0.95)} <= set(found)


def test_stock_recognizers_give_the_gateway_spans() -> None:
    spans = list(Stock(["MEDICAL_LICENSE", "UK_NHS"]).find("NHS 943 476 5919 and DEA BB1388568"))
    assert {span.entity for span in spans} == {"UK_NHS", "MEDICAL_LICENSE"}


def test_a_gateway_that_does_not_ask_never_imports_presidio_or_spacy() -> None:
    code = "import sys, gateway.stages.pii as p; print(any(m.split('.')[0] in ('presidio_analyzer', 'spacy', 'onnxruntime') for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
