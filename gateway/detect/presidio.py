"""Presidio as engine and API, with most of its work left out: the only importer of `presidio_analyzer`.

`FastAnalyzerEngine` gives what `AnalyzerEngine` gives. One scan tells which recognisers cannot find anything; those are not
asked, and the language model is run only if somebody needs its words. Importing takes seconds: nothing on the way of a
gateway that does not ask for Presidio may import this module.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import spacy
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, PatternRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts, NoOpNlpEngine, SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import IbanRecognizer, PhoneRecognizer, SpacyRecognizer, UrlRecognizer
from presidio_analyzer.recognizer_registry import RecognizerRegistryProvider
from presidio_analyzer.remote_recognizer import RemoteRecognizer

from gateway.detect.patterns import Patterns
from gateway.detect.span import Span

MAX_PATTERN = 2_000  # characters: the list of all top-level domains takes ten seconds to compile
MAX_REASON = 500  # characters of what Presidio says is wrong
_FLAGS = re.DOTALL | re.MULTILINE | re.IGNORECASE  # Presidio's own default
# Signs whose bytes mean the same to both engines: no letters, digits or spaces among them.
_ALIKE = re.compile("[\x00-\x7f\u2010-\u2027\u2030-\u203a\u20ac\u00a3\u00a7\u00b0-\u00b1]*")
_PHONE = r"[0-9](?:[^0-9A-WYZa-wyz]{0,8}[0-9]){4}"  # what phonenumbers needs at least: five digits, near each other
_OF_THEIR_OWN = {PhoneRecognizer: _PHONE, UrlRecognizer: r"[^\s]\.[a-z]", IbanRecognizer: r"[A-Z]{2}[0-9]{2}"}


class FastAnalyzerEngine(AnalyzerEngine):  # type: ignore[misc]  # untyped upstream
    """As `AnalyzerEngine`, same arguments and results. Recognisers that cannot be judged by a scan run as they always do."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._gates: dict[tuple[Any, ...], _Gate] = {}

    def analyze(self, text: str, language: str, *arguments: Any, **named: Any) -> list[RecognizerResult]:
        names = ("entities", "correlation_id", "score_threshold", "return_decision_process", "ad_hoc_recognizers",
                 "context", "allow_list", "allow_list_match", "regex_flags", "nlp_artifacts")  # fmt: skip
        named |= dict(zip(names, arguments, strict=False))
        if named.get("nlp_artifacts") is None:
            named["nlp_artifacts"] = _Lazy(lambda: self.nlp_engine.process_text(text, language))
        narrowed = copy.copy(self)
        narrowed.registry = _Narrowed(self.registry, self._silent(text, language))
        return list(AnalyzerEngine.analyze(narrowed, text, language, **named))

    def ungated(self, language: str) -> list[str]:
        """The recognisers that no scan can judge, and that therefore always run."""
        gate = self._gate(language)
        return [
            one.name
            for one in self.registry.get_recognizers(language=language, all_fields=True)
            if id(one) not in gate.judged
        ]

    def _silent(self, text: str, language: str) -> frozenset[int]:
        """Recognisers (by identity) that cannot find anything in the text."""
        alike = _ALIKE.match(text)
        if alike is None or alike.end() < len(text):
            return frozenset()
        return self._gate(language).silent(text)

    def _gate(self, language: str) -> _Gate:
        recognizers = self.registry.get_recognizers(language=language, all_fields=True)
        key = (language, *(id(one) for one in recognizers), *(len(getattr(one, "patterns", ())) for one in recognizers))
        if key not in self._gates:
            self._gates = {**self._gates, key: _Gate(recognizers)}
        return self._gates[key]


class _Gate:
    """One database for the patterns of many recognisers."""

    def __init__(self, recognizers: Sequence[EntityRecognizer]) -> None:
        import hyperscan

        self._flags = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_MULTILINE
        self._flags |= hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_PREFILTER | hyperscan.HS_FLAG_SINGLEMATCH
        self._kept = tuple(recognizers)  # identities stay theirs as long as the gate lives
        self._owners: list[int] = []
        expressions: list[bytes] = []
        for recognizer in recognizers:
            needed = _needed(recognizer)
            if needed and all(self._compiles(pattern) for pattern in needed):
                expressions += [pattern.encode() for pattern in needed]
                self._owners += [id(recognizer)] * len(needed)
        self.judged = frozenset(self._owners)
        self._database = self._compiled(expressions) if expressions else None
        self._hyperscan = hyperscan

    def silent(self, text: str) -> frozenset[int]:
        if self._database is None:
            return frozenset()
        hit: set[int] = set()
        scratch = self._hyperscan.Scratch(self._database)
        self._database.scan(
            text.encode(), match_event_handler=lambda which, start, end, flags, seen: seen.add(self._owners[which]),
            context=hit, scratch=scratch,
        )  # fmt: skip
        return self.judged - hit

    def _compiles(self, pattern: str) -> bool:
        import hyperscan

        try:
            self._compiled([pattern.encode()])
        except hyperscan.HyperscanError:
            return False
        return True

    def _compiled(self, expressions: list[bytes]) -> Any:
        import hyperscan

        database = hyperscan.Database()
        database.compile(
            expressions=expressions,
            ids=list(range(len(expressions))),
            elements=len(expressions),
            flags=[self._flags] * len(expressions),
        )
        return database


def _needed(recognizer: EntityRecognizer) -> list[str]:
    """Patterns one of which must occur for the recogniser to find something; none where nobody can say."""
    if type(recognizer) in _OF_THEIR_OWN:
        return [_OF_THEIR_OWN[type(recognizer)]]
    if not isinstance(recognizer, PatternRecognizer) or type(recognizer).analyze is not PatternRecognizer.analyze:
        return []
    if recognizer.global_regex_flags != _FLAGS or any(
        len(pattern.regex) > MAX_PATTERN for pattern in recognizer.patterns
    ):
        return []
    return [pattern.regex for pattern in recognizer.patterns]


class _Narrowed:
    """A registry without the recognisers that would find nothing."""

    def __init__(self, registry: RecognizerRegistry, silent: frozenset[int]) -> None:
        self._registry, self._silent = registry, silent

    def get_recognizers(self, *arguments: Any, **named: Any) -> list[EntityRecognizer]:
        kept = self._registry.get_recognizers(*arguments, **named)
        return [one for one in kept if id(one) not in self._silent]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)


class _Lazy:
    """What a language model says of a text, asked when first needed."""

    def __init__(self, ask: Any) -> None:
        self._ask = ask
        self._said: NlpArtifacts | None = None

    def __getattr__(self, name: str) -> Any:
        if self._said is None:
            self._said = self._ask()
        return getattr(self._said, name)


class HanguRecognizer(EntityRecognizer):  # type: ignore[misc]  # untyped upstream
    """The gateway's own patterns, for those who use Presidio's API: Chinese papers, numbers and plates, and secrets."""

    def __init__(self, entities: Sequence[str], patterns: Patterns, supported_language: str = "zh") -> None:
        self._patterns = patterns
        super().__init__(
            supported_entities=list(entities), supported_language=supported_language, name="HanguRecognizer"
        )

    def load(self) -> None:
        """Compiled already."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        found = [span for span in self._patterns.find(text) if span.entity in entities]
        return [RecognizerResult(span.entity, span.start, span.end, span.score) for span in found]


class Stock:
    """Presidio's recognisers for the gateway: what they find in a clause, as spans. English, without a language model."""

    def __init__(self, entities: Sequence[str]) -> None:
        self._entities = list(entities)
        self._engine = FastAnalyzerEngine(registry=registry(), nlp_engine=no_model(), supported_languages=["en"])

    def find(self, text: str) -> Iterator[Span]:
        for one in self._engine.analyze(text, "en", entities=self._entities):
            yield Span(one.start, one.end, one.entity_type, one.score, "presidio")


class FromRegistry:
    """The recognisers of a registry file as Presidio's users write it, for texts as they come. Raises RegistryError.

    Words are told apart by spaCy's rules alone, so that `context` works; recognisers that need a model are refused.
    """

    def __init__(self, conf: Mapping[str, Any]) -> None:
        made = from_conf(conf)
        self._languages = sorted({one.supported_language for one in made.recognizers})
        self._engine = FastAnalyzerEngine(
            registry=made, nlp_engine=_Words(self._languages), supported_languages=self._languages
        )

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        return [[span for language in self._languages for span in self._spans(text, language)] for text in texts]

    def _spans(self, text: str, language: str) -> Iterator[Span]:
        for one in self._engine.analyze(text, language):
            name = (one.recognition_metadata or {}).get("recognizer_name", "presidio")
            yield Span(one.start, one.end, one.entity_type, one.score, f"presidio:{name}")


class RegistryError(Exception):
    """A registry file that cannot be used, and why."""


def from_conf(conf: Mapping[str, Any]) -> RecognizerRegistry:
    """Presidio's own reading of a registry; every recogniser it names must be there. Raises RegistryError."""
    wanted = [{"name": one, "type": "predefined"} if isinstance(one, str) else one for one in conf["recognizers"]]
    said = {"supported_languages": ["en"], "global_regex_flags": int(_FLAGS), **conf, "recognizers": wanted}
    try:
        made = RecognizerRegistryProvider(registry_configuration=said).create_recognizer_registry()
    except (ValueError, TypeError, KeyError, AttributeError, re.error) as error:
        raise RegistryError(_said(error)) from error
    names = {name for one in made.recognizers for name in (one.name, type(one).__name__)}
    asked = [one for one in wanted if one.get("enabled", True)]
    missing = [one["name"] for one in asked if one["name"] not in names and one.get("class_name") not in names]
    if missing:
        raise RegistryError(f"Presidio has no recogniser {', '.join(missing)} for these languages and countries")
    needy = [one.name for one in made.recognizers if isinstance(one, SpacyRecognizer | RemoteRecognizer)]
    if needy:
        raise RegistryError(f"{', '.join(needy)} asks a model; people and places are looked for by `names`")
    return made


def _said(error: BaseException) -> str:
    """What Presidio says, and what made it say so, in one line."""
    whole = [str(error) or type(error).__name__]
    while (error := error.__cause__ or error.__context__) is not None:  # type: ignore[assignment]
        whole.append(str(error))
    return " ".join(": ".join(whole).split())[:MAX_REASON]


def registry(languages: Sequence[str] = ("en",)) -> RecognizerRegistry:
    """Presidio's predefined recognisers, those that need a language model left out."""
    made = RecognizerRegistry(supported_languages=list(languages))
    made.load_predefined_recognizers(languages=list(languages))
    made.recognizers = [one for one in made.recognizers if not isinstance(one, SpacyRecognizer)]
    return made


def no_model(*languages: str) -> NoOpNlpEngine:
    """An engine for recognisers that need no language model."""
    return NoOpNlpEngine(models=[{"lang_code": language, "model_name": "none"} for language in languages or ("en",)])


class _Words(SpacyNlpEngine):  # type: ignore[misc]  # untyped upstream
    """Words without a model: what `context` is looked for among."""

    def __init__(self, languages: Sequence[str]) -> None:
        super().__init__(models=[{"lang_code": language, "model_name": "blank"} for language in languages])
        self.nlp = {language: spacy.blank(language) for language in languages}

    def load(self) -> None:
        """Nothing to load."""


class LoadedSpacy(SpacyNlpEngine):  # type: ignore[misc]  # untyped upstream
    """A spaCy pipeline that is loaded already: no model name ever reaches a downloader."""

    def __init__(self, language: str, pipeline: Any) -> None:
        super().__init__(models=[{"lang_code": language, "model_name": pipeline.meta["name"]}])
        self.nlp = {language: pipeline}

    def load(self) -> None:
        """Loaded already."""


__all__ = ["FastAnalyzerEngine", "FromRegistry", "HanguRecognizer", "LoadedSpacy", "Stock", "no_model", "registry"]
