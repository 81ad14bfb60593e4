"""Bodies of the OpenAI-shaped routes: chat and completions, as TGI and as other backends take them."""

from __future__ import annotations

from collections.abc import Mapping

from tgi.wire import scalars as of
from tgi.wire.draft import (
    TOOL_DEFINITION,
    Draft,
    Out,
    Rule,
    invalid,
    list_at,
    object_at,
    read_fields,
    required,
    string_at,
)
from tgi.wire.grammars import response_format_for_openai, response_format_for_tgi
from tgi.wire.messages import messages, tool_choice, tool_choice_of_openai, tools

_GONE = "is not supported: leave it out"
_ONE = of.only(1, because="must be 1: this backend gives one choice")


def chat(draft: Draft, body: Mapping[str, object], table: Mapping[str, Rule]) -> None:
    required(body, ["messages"], "")
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        invalid("max_completion_tokens", "is another name for max_tokens: send one of them")
    read_fields(draft, draft.out, table, body, "")
    if draft.facts.get("alternatives") and not draft.facts.get("logprobs"):
        invalid("top_logprobs", "needs logprobs to be true")
    if table is TGI_CHAT and "tools" in draft.out and "response_format" in draft.out:
        invalid("response_format", "cannot go with tools on this backend")


def completion(draft: Draft, body: Mapping[str, object], table: Mapping[str, Rule]) -> None:
    required(body, ["prompt"], "")
    read_fields(draft, draft.out, table, body, "")


def _max_tokens(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    out["max_tokens"] = draft.facts["max_tokens"] = of.integer_at(where, value, 1, of.U32_MAX)


def _top_logprobs(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    """Known to policy, never forwarded: unspoken candidates are text nobody inspected in its place."""
    draft.facts["alternatives"] = of.integer_at(where, value, 0, draft.limits.max_top_n_tokens)


def _samples(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    number = of.integer_at(where, value, 1, draft.limits.max_samples)
    out[key] = number
    draft.facts["samples"] = number * int(str(draft.facts.get("samples", 1)))


def _prompt(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    if type(value) is str:
        draft.text(out, key, where, value, "user")
        return
    prompts = list_at(where, value, draft.limits.max_client_batch_size, "prompts")
    if not prompts:
        invalid(where, "must not be empty")
    kept: list[object] = []
    for i, prompt in enumerate(prompts):
        if type(prompt) is not str:
            invalid(f"{where}[{i}]", "must be a string: token ids cannot be inspected")
        draft.text(kept, i, f"{where}[{i}]", prompt, "user")
    out[key] = kept
    draft.facts["samples"] = len(kept) * int(str(draft.facts.get("samples", 1)))


def _modalities(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    if value != ["text"]:
        invalid(where, "may only be text")


def _template_switches(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    """Whether the model thinks aloud; a template's other variables are the operator's."""
    kept: Out = {}
    for name, setting in object_at(where, value).items():
        if name not in ("thinking", "enable_thinking"):
            invalid(where, "may hold only thinking and enable_thinking")
        kept[name] = of.boolean_at(f"{where}.{name}", setting)
    if kept:
        out[key] = kept


def _suffix(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    if string_at(where, value):
        invalid(where, "is not supported: leave it out")


# What OpenAI's clients may send that says nothing to a model of one's own. Checked, and gone no further.
_BOOKKEEPING: Mapping[str, Rule] = {
    "user": of.identifier,
    "store": of.flag(forwarded=False),
    "metadata": of.dropped_labels,
    "service_tier": of.dropped_word,
    "safety_identifier": of.dropped_word,
    "prompt_cache_key": of.dropped_word,
    "prompt_cache_retention": of.dropped_word,
    "parallel_tool_calls": of.flag(forwarded=False),
    "verbosity": of.one_of("low", "medium", "high", forwarded=False),
    "reasoning_effort": of.dropped_word,
    "modalities": _modalities,
    "audio": of.only(because=_GONE),
    "prediction": of.only(because=_GONE),
    "function_call": of.only(because=_GONE),
    "functions": of.only([], because=_GONE),
    "web_search_options": of.only(because=_GONE),
}

_COMMON: Mapping[str, Rule] = {
    "model": of.model,
    "max_tokens": _max_tokens,
    "temperature": of.temperature,
    "top_p": of.top_p,
    "frequency_penalty": of.frequency_penalty,
    "stop": of.stop,
    "stream": of.stream,
    "stream_options": of.stream_options,
    "seed": of.whole(0, of.U64_MAX, "seed"),
    "user": of.identifier,
}

_CHAT: Mapping[str, Rule] = {
    **_BOOKKEEPING,
    **_COMMON,
    "messages": messages,
    "max_completion_tokens": _max_tokens,
    "logprobs": of.flag("logprobs"),
    "top_logprobs": _top_logprobs,
    "tools": tools,
    "tool_choice": tool_choice,
}

TGI_CHAT: Mapping[str, Rule] = {
    **_CHAT,
    "n": _ONE,
    "logit_bias": of.only({}, [], because="is not supported by this backend: leave it out"),
    "presence_penalty": of.presence_penalty,
    "repetition_penalty": of.only(because="is not known to this backend's chat: use frequency_penalty"),
    "tool_prompt": of.prose(TOOL_DEFINITION),
    "response_format": response_format_for_tgi,
}

_OTHERS: Mapping[str, Rule] = {  # what vLLM, SGLang and llama-server take beyond OpenAI, and is safe to pass
    "n": _samples,
    "logit_bias": of.logit_bias,
    "presence_penalty": of.presence_penalty_of_openai,
    "top_k": of.whole(-1, of.I32_MAX, sampling=True),
    "min_p": of.min_p,
    "repetition_penalty": of.repetition_penalty,
}

OPENAI_CHAT: Mapping[str, Rule] = {
    **_CHAT,
    **_OTHERS,
    "tool_choice": tool_choice_of_openai,
    "response_format": response_format_for_openai,
    "reasoning_effort": of.one_of("none", "minimal", "low", "medium", "high"),
    "parallel_tool_calls": of.flag(),
    "chat_template_kwargs": _template_switches,
}

_COMPLETION: Mapping[str, Rule] = {
    **_COMMON,
    "prompt": _prompt,
    "best_of": _ONE,
    "suffix": _suffix,
    "echo": of.only(False, because="is not supported: the prompt is yours already"),
    "logprobs": of.only(0, because="is not supported: leave it out"),
}

TGI_COMPLETION: Mapping[str, Rule] = {
    **_COMPLETION,
    "n": _ONE,
    "logit_bias": of.only({}, because="is not supported by this backend: leave it out"),
    "presence_penalty": of.only(0, 0.0, because="is not supported by this backend: leave it out"),
    "repetition_penalty": of.repetition_penalty,
}

OPENAI_COMPLETION: Mapping[str, Rule] = {**_COMPLETION, **_OTHERS}
