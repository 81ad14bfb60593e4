"""TGI's validation rules and their exact wordings (router/src/validation.rs): parameters in, `Valid` out.

Shape was checked before; tokenising has been done; nothing waits here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tgi.embedded.constraint import BadGrammar, checked, pattern_of_schema
from tgi.embedded.engine import Sampling
from tgi.embedded.failures import InferError, invalid
from tgi.embedded.requests import Grammar, Parameters

BOOKED_AT_ONCE = 1024  # tokens TGI books for a request; a longer answer is booked again, a block at a time


@dataclass(frozen=True, slots=True)
class Limits:
    """The router's limits, at TGI's defaults; the token limits are the default model's."""

    max_concurrent_requests: int = 128
    max_best_of: int = 2
    max_stop_sequences: int = 4
    max_top_n_tokens: int = 5
    max_client_batch_size: int = 4
    max_input_tokens: int = 4095
    max_total_tokens: int = 4096
    validation_workers: int = 2
    payload_limit: int = 2_000_000  # bytes
    grammar: bool = True  # False is TGI's --disable-grammar-support


@dataclass(frozen=True, slots=True)
class Valid:
    """A request that will be computed: the prompt's ids, how to choose, and where to stop."""

    ids: tuple[int, ...]
    sampling: Sampling
    max_new_tokens: int
    stop: tuple[str, ...]


def check_parameters(p: Parameters, inputs: str, limits: Limits) -> None:
    """Everything that can be said before tokenising, in TGI's order; raises `InferError`."""
    best_of = p.best_of if p.best_of is not None else 1
    if best_of > 1 and not _samples(p):
        raise invalid("you must use sampling when `best_of` is > 1")
    for broken, message in _number_rules(p):
        if broken:
            raise invalid(message)
    if len(p.stop) > limits.max_stop_sequences:
        raise invalid(f"`stop` supports up to {limits.max_stop_sequences} stop sequences. Given: {len(p.stop)}")
    if p.seed is not None and best_of > 1:
        raise invalid("`seed` must not be set when `best_of` > 1")
    if (p.top_n_tokens or 0) > limits.max_top_n_tokens:
        raise invalid(f"`top_n_tokens` must be >= 0 and <= {limits.max_top_n_tokens}. Given: {p.top_n_tokens}")
    if not inputs:
        raise invalid("`inputs` cannot be empty")
    if p.truncate is not None and not 0 < p.truncate <= limits.max_input_tokens:
        most = limits.max_input_tokens
        raise invalid(f"`truncate` must be strictly positive and less than {most}. Given: {p.truncate}")


def check_best_of(best_of: int, limits: Limits) -> None:
    """Raises `InferError`."""
    if limits.max_best_of == 1:
        raise invalid("`best_of` != 1 is not allowed for this endpoint")
    if best_of > limits.max_best_of:
        raise invalid(f"`best_of` must be > 0 and <= {limits.max_best_of}. Given: {best_of}")


def validate(p: Parameters, ids: Sequence[int], seed: int, limits: Limits) -> Valid:
    """A checked request with its tokens → what will be computed; raises `InferError`."""
    kept = tuple(ids[-p.truncate :] if p.truncate else ids)
    max_new_tokens = _room(p.max_new_tokens, len(kept), limits)
    return Valid(kept, _sampling(p, seed, limits), max_new_tokens, tuple(p.stop))


def _samples(p: Parameters) -> bool:
    return p.do_sample or any(v is not None for v in (p.temperature, p.top_k, p.top_p, p.typical_p))


def _number_rules(p: Parameters) -> list[tuple[bool, str]]:
    def given(value: float | None, neutral: float) -> float:
        return neutral if value is None else value

    return [
        (given(p.temperature, 1.0) <= 0, "`temperature` must be strictly positive"),
        (given(p.repetition_penalty, 1.0) <= 0, "`repetition_penalty` must be strictly positive"),
        (not -2 <= given(p.frequency_penalty, 0.0) <= 2, "`frequency_penalty` must be >= -2.0 and <= 2.0"),
        (not 0 < given(p.top_p, 0.5) < 1, "`top_p` must be > 0.0 and < 1.0"),
        (not 0 < given(p.typical_p, 0.5) < 1, "`typical_p` must be > 0.0 and < 1.0"),
        (given(p.top_k, 1) <= 0, "`top_k` must be strictly positive"),
        (p.max_new_tokens == 0, "`max_new_tokens` must be strictly positive"),
    ]


def _room(asked: int | None, input_length: int, limits: Limits) -> int:
    """How many tokens the answer may have. TGI books 1,024 at a time and stops when the next block does not fit."""
    total = limits.max_total_tokens
    free = max(0, total - input_length)
    booked = min(free if asked is None else asked, BOOKED_AT_ONCE)
    if booked > free:
        raise invalid(
            f"`inputs` tokens + `max_new_tokens` must be <= {total}. "
            f"Given: {input_length} `inputs` tokens and {booked} `max_new_tokens`"
        )
    if input_length > limits.max_input_tokens:
        raise invalid(f"`inputs` must have less than {limits.max_input_tokens} tokens. Given: {input_length}")
    if asked is None:
        return free
    return min(asked, max(booked, free // BOOKED_AT_ONCE * BOOKED_AT_ONCE))


def _sampling(p: Parameters, seed: int, limits: Limits) -> Sampling:
    return Sampling(
        seed=seed,
        do_sample=p.do_sample,
        temperature=_or(p.temperature, 1.0),
        top_k=p.top_k or 0,
        top_p=_or(p.top_p, 1.0),
        typical_p=_or(p.typical_p, 1.0),
        repetition_penalty=_or(p.repetition_penalty, 1.0),
        frequency_penalty=_or(p.frequency_penalty, 0.0),
        watermark=p.watermark,
        key=p.watermark_key,
        top_n_tokens=p.top_n_tokens or 0,
        pattern=_pattern(p.grammar, limits) if p.grammar else None,
    )


def _or(value: float | None, neutral: float) -> float:
    return neutral if value is None else value


def _pattern(grammar: Grammar, limits: Limits) -> str:
    if not limits.grammar:
        raise invalid("grammar is not supported")
    try:
        if grammar.kind == "regex":
            return checked(str(grammar.value))
        return pattern_of_schema(_schema(grammar))
    except BadGrammar as error:
        raise invalid(str(error)) from error


def _schema(grammar: Grammar) -> object:
    schema = grammar.value
    if grammar.kind == "json" and isinstance(schema, str):
        try:
            schema = json.loads(schema)
        except ValueError as error:
            raise BadGrammar(f"grammar is not valid: {error}") from error
    if not isinstance(schema, dict):
        raise _unsupported()
    if "properties" not in schema:
        raise BadGrammar("grammar is not valid: Grammar must have a 'properties' field")
    return schema


def _unsupported() -> InferError:
    return invalid("grammar is not supported")
