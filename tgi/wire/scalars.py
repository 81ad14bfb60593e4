"""Rules for fields that are one value: numbers with TGI's bounds, flags, names, words. Makes rules; reads no whole body."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from gateway.core.exchange import Kind
from tgi.wire.draft import PARAMETER, Draft, Out, Rule, invalid, list_at, name_at, object_at, string_at

U32_MAX, I32_MAX, U64_MAX = 2**32 - 1, 2**31 - 1, 2**64 - 1
F32_MAX = 3.4028234e38  # TGI reads decimals as f32: more becomes infinity there
MAX_LABELS = 16  # OpenAI's limit on `metadata`

Holds: TypeAlias = Callable[[float], bool]


def decimal(holds: Holds, must: str, *, neutral: float | None = None) -> Rule:
    """A sampling number. `neutral` is a value that means "as without it" and is left out, where TGI would refuse it."""

    def rule(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
        if type(value) is not float and type(value) is not int:
            invalid(where, "must be a number")
        if value == neutral:
            return
        if not -F32_MAX <= value <= F32_MAX or not holds(value):
            invalid(where, must)
        out[key] = value
        draft.sampling.append(key)

    return rule


def whole(low: int, high: int, fact: str = "", *, sampling: bool = False, forwarded: bool = True) -> Rule:
    """An integer from `low` to `high`, known to policy as `fact`."""

    def rule(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
        number = integer_at(where, value, low, high)
        if forwarded:
            out[key] = number
        if fact:
            draft.facts[fact] = number
        if sampling:
            draft.sampling.append(key)

    return rule


def integer_at(where: str, value: object, low: int, high: int) -> int:
    if type(value) is not int:
        invalid(where, "must be an integer")
    if not low <= value <= high:
        invalid(where, f"must be from {low} to {high}")
    return value


def boolean_at(where: str, value: object) -> bool:
    if type(value) is not bool:
        invalid(where, "must be true or false")
    return value


def flag(fact: str = "", *, forwarded: bool = True) -> Rule:
    def rule(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
        on = boolean_at(where, value)
        if forwarded:
            out[key] = on
        if fact:
            draft.facts[fact] = on

    return rule


def stream(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    draft.streaming = boolean_at(where, value)


def streams(always: bool) -> Rule:
    """On a route that always or never streams, `stream` may only say so."""

    def rule(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
        if boolean_at(where, value) is not always:
            invalid(where, f"must be {str(always).lower()} on this route")

    return rule


def details(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    draft.details = boolean_at(where, value)


def model(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    """The name callers use. What the backend is told is the wire's choice, so this never goes into the body."""
    draft.model = name_at(draft, where, value)
    draft.text({}, key, where, draft.model, PARAMETER, Kind.IDENTIFIER)


def identifier(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    draft.text(out, key, where, name_at(draft, where, value), PARAMETER, Kind.IDENTIFIER)


def prose(role: str) -> Rule:
    def rule(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
        draft.text(out, key, where, string_at(where, value), role)

    return rule


def stop(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    """One string or several; always an array on its way out."""
    words = [value] if type(value) is str else value
    kept: list[object] = []
    for i, word in enumerate(list_at(where, words, draft.limits.max_stop_sequences, "stop sequences")):
        text = string_at(f"{where}[{i}]", word)
        if len(text) > draft.limits.max_stop_chars:
            invalid(f"{where}[{i}]", f"may have at most {draft.limits.max_stop_chars} characters")
        draft.text(kept, i, f"{where}[{i}]", text, PARAMETER, Kind.IDENTIFIER)
    if kept:
        out[key] = kept


def one_of(*words: str, forwarded: bool = True) -> Rule:
    def rule(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
        if value not in words:
            invalid(where, f"must be one of {', '.join(words)}")
        if forwarded:
            out[key] = value

    return rule


def only(*values: object, because: str) -> Rule:
    """A field clients send although this backend has no such thing: its idle values are dropped, any other is refused."""

    def rule(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
        if not any(value == idle and type(value) is type(idle) for idle in values):
            invalid(where, because)

    return rule


def dropped_word(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    """A short string for OpenAI's own bookkeeping: it goes no further than the gateway."""
    name_at(draft, where, value)


def dropped_labels(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    labels = object_at(where, value)
    if len(labels) > MAX_LABELS:
        invalid(where, f"may have at most {MAX_LABELS} entries")
    for label in labels.values():
        string_at(where + ".*", label)


def stream_options(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    for name, setting in object_at(where, value).items():
        if name not in ("include_usage", "include_obfuscation"):
            invalid(where, "may hold only include_usage and include_obfuscation")
        if setting is not None and boolean_at(f"{where}.{name}", setting) and name == "include_usage":
            draft.usage_wanted = True


def logit_bias(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    """Token id → bias, on backends that honour it."""
    biases = object_at(where, value)
    for name, bias in biases.items():
        if not name.isascii() or not name.isdigit() or len(name) > 7:
            invalid(where, "must map token ids to numbers")
        if type(bias) not in (int, float) or not -100 <= bias <= 100:  # type: ignore[operator]
            invalid(where, "must map token ids to numbers from -100 to 100")
    if biases:
        out[key] = biases
        draft.sampling.append(key)


temperature_of_generate = decimal(lambda x: x > 0, "must be more than 0")
temperature = decimal(lambda x: x >= 0, "must be 0 or more")
repetition_penalty = decimal(lambda x: x > 0, "must be more than 0")
frequency_penalty = decimal(lambda x: -2 <= x <= 2, "must be from -2 to 2")
presence_penalty = decimal(lambda x: -2 < x <= 2, "must be more than -2 and at most 2")  # TGI adds 2 and needs > 0
presence_penalty_of_openai = decimal(lambda x: -2 <= x <= 2, "must be from -2 to 2")
fraction = decimal(lambda x: 0 < x < 1, "must be more than 0 and less than 1")
top_p = decimal(
    lambda x: 0 < x < 1, "must be more than 0 and at most 1", neutral=1
)  # OpenAI's clients send 1 for "off"
min_p = decimal(lambda x: 0 <= x <= 1, "must be from 0 to 1")
