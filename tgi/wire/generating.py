"""Bodies of TGI's own routes, `{inputs, parameters}`: which fields, by which rules. Chat lives in `chatting`."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.exchange import Kind
from tgi.wire import scalars as of
from tgi.wire.draft import (
    PARAMETER,
    Draft,
    Out,
    Rule,
    invalid,
    list_at,
    name_at,
    object_at,
    read_fields,
    required,
    string_at,
)
from tgi.wire.grammars import grammar

_FORCE_SAMPLING = frozenset({"temperature", "top_k", "top_p", "typical_p"})


def generate(draft: Draft, body: Mapping[str, object], *, streams: bool | None, echo: bool) -> None:
    """Read the body. `streams`: what the route always does, None where the body says; `echo`: whether the route's default is to repeat the prompt."""
    required(body, ["inputs"], "")
    draft.echo = echo
    table = {**BODY, "stream": of.stream if streams is None else of.streams(streams)}
    draft.streaming = bool(streams)
    read_fields(draft, draft.out, table, body, "")
    kept = draft.out.setdefault("parameters", {})
    assert isinstance(kept, dict)
    if body.get("parameters") is None:
        kept["do_sample"] = True  # TGI's default when there are no parameters; we always send some
    _cross_checks(draft, kept)
    kept["details"] = True  # how it ended and what it cost; whether the caller sees it is decided in writing
    kept["return_full_text"] = False  # an echo is written from the inspected prompt, never taken from the backend


def tokenize(draft: Draft, body: Mapping[str, object]) -> None:
    """Only the text matters; parameters may be there, as TGI takes the same body, and are checked and dropped."""
    generate(draft, body, streams=False, echo=False)
    draft.out.pop("parameters")
    kept = [
        (passage, slot) for passage, slot in zip(draft.passages, draft.slots, strict=True) if passage.where == "inputs"
    ]
    draft.passages, draft.slots = [passage for passage, _ in kept], [slot for _, slot in kept]


def _cross_checks(draft: Draft, kept: Out) -> None:
    best_of = kept.get("best_of", 1)
    if isinstance(best_of, int) and best_of > 1:
        if draft.streaming:
            invalid("parameters.best_of", "must be 1 in a stream")
        if "seed" in kept:
            invalid("parameters.seed", "must not be set when best_of is more than 1")
        if not kept.get("do_sample") and not _FORCE_SAMPLING & kept.keys():
            invalid("parameters.best_of", "needs sampling to be more than 1")
    if draft.streaming and draft.facts.get("logprobs"):
        invalid("parameters.decoder_input_details", "must be false in a stream")


def _inputs(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    if not value:
        invalid(where, "must be a string that is not empty")
    draft.text(out, key, where, string_at(where, value), "user")


def _parameters(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    kept: Out = {}
    read_fields(draft, kept, PARAMETERS, object_at(where, value), "parameters.")
    out[key] = kept


def _best_of(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    out[key] = draft.facts["samples"] = of.integer_at(where, value, 1, draft.limits.max_best_of)


def _do_sample(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    out[key] = of.boolean_at(where, value)
    if value:
        draft.sampling.append(key)


def _return_full_text(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    draft.echo = of.boolean_at(where, value)


def _top_n_tokens(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    """Known to policy, never forwarded: unspoken candidates are text nobody inspected in its place."""
    draft.facts["alternatives"] = of.integer_at(where, value, 0, draft.limits.max_top_n_tokens)


def _adapter(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    name = name_at(draft, where, value)
    draft.facts["adapter"] = name
    draft.text(out, key, where, name, PARAMETER, Kind.IDENTIFIER)


def _stop(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    of.stop(draft, out, key, where, list_at(where, value, draft.limits.max_stop_sequences, "stop sequences"))


BODY: Mapping[str, Rule] = {"inputs": _inputs, "parameters": _parameters}

PARAMETERS: Mapping[str, Rule] = {
    "best_of": _best_of,
    "temperature": of.temperature_of_generate,
    "repetition_penalty": of.repetition_penalty,
    "frequency_penalty": of.frequency_penalty,
    "top_k": of.whole(1, of.I32_MAX, sampling=True),
    "top_p": of.fraction,
    "typical_p": of.fraction,
    "do_sample": _do_sample,
    "max_new_tokens": of.whole(1, of.U32_MAX, "max_tokens"),
    "return_full_text": _return_full_text,
    "stop": _stop,
    "truncate": of.whole(1, of.U32_MAX, "truncate"),
    "watermark": of.flag("watermark"),
    "details": of.details,
    "decoder_input_details": of.flag(
        "logprobs", forwarded=False
    ),  # prompt tokens are never told: `prefill` stays empty
    "seed": of.whole(0, of.U64_MAX, "seed"),
    "top_n_tokens": _top_n_tokens,
    "grammar": grammar,
    "adapter_id": _adapter,
}
