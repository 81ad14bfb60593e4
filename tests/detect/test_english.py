"""English people as the network sees them: who is found, what is left alone, and that no sentence colours another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.detect.clauses import Clauses, Named
from gateway.detect.names.english import English
from gateway.detect.names.tagger import LABELS, Tagger, tokens
from gateway.detect.patterns import Patterns

ENGLISH = English()
CLAUSES = Clauses(Patterns(), lambda clauses: Named(ENGLISH.find(clauses)))  # as a request's text is cut for the worker
TAGGER = Tagger()


def people(text: str) -> list[str]:
    spans = CLAUSES.read(text, 0, ended=True).spans
    return [text[span.start : span.end] for span in spans if span.entity == "PERSON" and span.score >= 0.5]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Please send the draft to Oluwaseun Adeyemi before noon.", ["Oluwaseun Adeyemi"]),
        ("my sister priya works in munich", ["priya"]),
        ("Dr. Müller and Mrs. Kowalska signed.", ["Müller", "Kowalska"]),
        ("Thanks,\nGrzegorz", ["Grzegorz"]),
        ('{"customer": "Siobhán O\'Brien", "city": "Cork"}', ["Siobhán O'Brien"]),
        ("Attendees: Mei Chen, Tom Baker and Aisha Khan", ["Mei Chen", "Tom Baker", "Aisha Khan"]),
        ("Jane Roe jroe@example.com", ["Jane Roe"]),
        ("Forwarded by Jane Roe@SALES on 3 May", ["Jane Roe"]),
        ("1. Katarzyna Nowicka (Poland) 2:04.10", ["Katarzyna Nowicka"]),
        ("STARMER ARRIVES IN PARIS", ["STARMER"]),
    ],
)
def test_people_of_many_languages_are_found(text: str, expected: list[str]) -> None:
    assert people(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The Apache License, Version 2.0 applies to the Software.",
        "self.Parser = Parser(prog)",
        "Open Settings, then Privacy and Security.",
        "On Monday the Board approved the Annual Report.",
        "mail john.smith@example.com or see https://example.com/John/Smith",
        "We drove from Berlin to Amsterdam.",
        "INFO Worker started on port 8080",
        "Johnson & Johnson shares fell.",
        "elif name in seen:",
        "export CUDA_HOME and run make",
    ],
)
def test_what_only_looks_like_a_name_is_left_alone(text: str) -> None:
    assert people(text) == []


WORDS = st.sampled_from(
    ["John", "smith", "Paris", "the", "Inc", ",", ".", "said", "Zhang", "7", "\n", "café", "张伟", "@"]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(WORDS, max_size=12).map(" ".join), min_size=1, max_size=5))
def test_what_is_seen_in_a_text_does_not_depend_on_its_neighbours(texts: list[str]) -> None:
    together = TAGGER.likelihoods([tokens(text) for text in texts])
    for text, figures in zip(texts, together, strict=True):
        alone = TAGGER.likelihoods([tokens(text)])[0]
        assert figures.shape == (len(tokens(text)), len(LABELS))
        np.testing.assert_allclose(figures, alone, atol=1e-4)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_tokens_lie_where_they_say(text: str) -> None:
    found = tokens(text)
    assert all(text[one.start : one.end] == one.text for one in found)
    assert [one.start for one in found] == sorted({one.start for one in found})
    assert "".join(one.text for one in found) == "".join(sign for sign in text if not sign.isspace() or sign == "\n")


@pytest.mark.parametrize("label", ["Translate", "Summary", "Edit", "Abort", "Stderr", "Annotate", "Todo"])
def test_a_word_that_labels_a_line_is_nobody(label: str) -> None:
    assert not people(f"{label}: hello there")
    assert not people(f"Please help me.\n{label}: hello there")


def test_a_listed_name_that_labels_a_line_is_somebody() -> None:
    assert people("Alice: see you at nine\nBrian: fine by me") == ["Alice", "Brian"]
