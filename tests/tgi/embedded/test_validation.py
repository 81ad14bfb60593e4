"""TGI's rules, with TGI's words."""

from __future__ import annotations

from typing import Any

import pytest

from tgi.embedded.failures import InferError
from tgi.embedded.requests import Grammar, Parameters
from tgi.embedded.validation import Limits, check_best_of, check_parameters, validate

RULES: list[tuple[dict[str, Any], str]] = [
    ({"best_of": 2}, "you must use sampling when `best_of` is > 1"),
    ({"best_of": 2, "do_sample": True, "seed": 1}, "`seed` must not be set when `best_of` > 1"),
    ({"temperature": 0.0}, "`temperature` must be strictly positive"),
    ({"temperature": -1.0}, "`temperature` must be strictly positive"),
    ({"repetition_penalty": 0.0}, "`repetition_penalty` must be strictly positive"),
    ({"frequency_penalty": 2.1}, "`frequency_penalty` must be >= -2.0 and <= 2.0"),
    ({"frequency_penalty": -2.1}, "`frequency_penalty` must be >= -2.0 and <= 2.0"),
    ({"top_p": 1.0}, "`top_p` must be > 0.0 and < 1.0"),
    ({"top_p": 0.0}, "`top_p` must be > 0.0 and < 1.0"),
    ({"typical_p": 1.0}, "`typical_p` must be > 0.0 and < 1.0"),
    ({"top_k": 0}, "`top_k` must be strictly positive"),
    ({"top_k": -1}, "`top_k` must be strictly positive"),
    ({"max_new_tokens": 0}, "`max_new_tokens` must be strictly positive"),
    ({"stop": list("abcde")}, "`stop` supports up to 4 stop sequences. Given: 5"),
    ({"top_n_tokens": 6}, "`top_n_tokens` must be >= 0 and <= 5. Given: 6"),
    ({"truncate": 0}, "`truncate` must be strictly positive and less than 4095. Given: 0"),
    ({"truncate": 4096}, "`truncate` must be strictly positive and less than 4095. Given: 4096"),
]


@pytest.mark.parametrize(("given", "message"), RULES)
def test_a_value_out_of_bounds_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InferError) as refused:
        check_parameters(Parameters(**given), "a prompt", Limits())
    assert (refused.value.kind, refused.value.status) == ("validation", 422)
    assert refused.value.message == f"Input validation error: {message}"


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(InferError, match="`inputs` cannot be empty"):
        check_parameters(Parameters(), "", Limits())


@pytest.mark.parametrize(
    ("best_of", "most", "message"),
    [
        (3, 2, "`best_of` must be > 0 and <= 2. Given: 3"),
        (2, 1, "`best_of` != 1 is not allowed for this endpoint"),
    ],
)
def test_best_of_has_its_own_limit(best_of: int, most: int, message: str) -> None:
    with pytest.raises(InferError) as refused:
        check_best_of(best_of, Limits(max_best_of=most))
    assert refused.value.message == f"Input validation error: {message}"


SMALL = Limits(max_input_tokens=90, max_total_tokens=100)


@pytest.mark.parametrize(
    ("tokens", "asked", "message"),
    [
        (
            50,
            51,
            "`inputs` tokens + `max_new_tokens` must be <= 100. Given: 50 `inputs` tokens and 51 `max_new_tokens`",
        ),
        (95, 1, "`inputs` must have less than 90 tokens. Given: 95"),
        (95, None, "`inputs` must have less than 90 tokens. Given: 95"),
    ],
)
def test_a_prompt_that_does_not_fit_is_refused(tokens: int, asked: int | None, message: str) -> None:
    with pytest.raises(InferError) as refused:
        validate(Parameters(max_new_tokens=asked), range(tokens), 1, SMALL)
    assert refused.value.message == f"Input validation error: {message}"


@pytest.mark.parametrize(
    ("tokens", "asked", "given"),
    [
        (10, 5, 5),
        (10, None, 4086),
        (4000, None, 96),
        (10, 1025, 1025),
        # Booked in blocks of 1,024: what is asked beyond the room stops at the last whole block.
        (10, 100_000, 3072),
        (3000, 100_000, 1024),
    ],
)
def test_the_answer_may_be_as_long_as_tgi_lets_it(tokens: int, asked: int | None, given: int) -> None:
    assert validate(Parameters(max_new_tokens=asked), range(tokens), 1, Limits()).max_new_tokens == given


def test_truncating_keeps_the_end_of_the_prompt() -> None:
    assert validate(Parameters(truncate=3), range(10), 1, Limits()).ids == (7, 8, 9)
    assert validate(Parameters(truncate=30), range(10), 1, Limits()).ids == tuple(range(10))


@pytest.mark.parametrize(
    ("grammar", "message"),
    [
        (Grammar("json", [1]), "grammar is not supported"),
        (Grammar("json", "{"), "grammar is not valid"),
        (Grammar("json", {"type": "object"}), "Grammar must have a 'properties' field"),
        (Grammar("json_schema", {"type": "object"}), "Grammar must have a 'properties' field"),
        (Grammar("regex", "["), "grammar is not valid"),
    ],
)
def test_a_grammar_that_is_none_is_refused(grammar: Grammar, message: str) -> None:
    with pytest.raises(InferError, match=message):
        validate(Parameters(grammar=grammar), range(3), 1, Limits())


def test_grammars_can_be_switched_off() -> None:
    with pytest.raises(InferError, match="grammar is not supported"):
        validate(Parameters(grammar=Grammar("regex", "a")), range(3), 1, Limits(grammar=False))


def test_a_schema_may_come_as_text() -> None:
    schema = '{"properties": {"a": {"type": "integer"}}, "required": ["a"]}'
    pattern = validate(Parameters(grammar=Grammar("json", schema)), range(3), 1, Limits()).sampling.pattern
    assert pattern is not None and '"a"' in pattern
