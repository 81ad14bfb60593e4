"""Which routes there are, and how each is read, sent on, and answered: `TgiWire` and `OpenAIWire`.

A route names what it is; `/` and `/invocations`, which TGI reads as whichever shape fits first, are sent on as exactly one of
the plain routes. Bodies are read in `generating` and `chatting`; nothing here looks into them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import TypeAlias

from gateway.core.exchange import Action, Exchange
from gateway.core.facts import fact
from gateway.core.ports import Ask, Reading, Route, Writing
from gateway.core.verdict import Code, Refuse
from tgi.wire import chatting, facts, generating, read_generate, read_openai, reading, write_generate, write_openai
from tgi.wire.asked import Asked, Target
from tgi.wire.draft import Draft, Rejected
from tgi.wire.strict import Limits, parse
from tgi.wire.thinking import Shown, Thinking, begins
from tgi.wire.writing import FactsWriting

TGI_MODEL = "tgi"  # what TGI's clients send when they mean "whatever is served"

Reader: TypeAlias = Callable[["TgiWire | OpenAIWire", dict[str, object]], Ask]


@fact(frozen=True, slots=True)
class TgiWire:
    """TGI 3.3.7. `default_model` is what a request without a model, or for "tgi", asks for.

    `thinking` is how the backend's model begins to reason; `shown` and `shown_in_chat` are what callers see of it.
    """

    default_model: str = TGI_MODEL
    limits: Limits = field(default_factory=Limits)
    thinking: Thinking = Thinking.TAGGED
    shown: Shown = Shown.INLINE
    shown_in_chat: Shown = Shown.SPLIT
    echo_by_default: bool = True  # `POST /` repeats the prompt unless told otherwise, as TGI does

    @property
    def routes(self) -> Sequence[Route]:
        return tuple(_TGI_ROUTES)

    def read(self, route: Route, body: bytes) -> Ask | Refuse:
        """The request, or why it is none; raises `KeyError` for a route that is not ours."""
        return _read(self, route, _TGI_READERS[route.method, route.path], body)


@fact(frozen=True, slots=True)
class OpenAIWire:
    """A backend with OpenAI's routes alone: vLLM, SGLang, llama-server. `served_model` is the name it knows its model by."""

    default_model: str
    served_model: str | None = None
    limits: Limits = field(default_factory=Limits)
    thinking: Thinking = Thinking.TAGGED
    shown: Shown = Shown.INLINE
    shown_in_chat: Shown = Shown.SPLIT

    @property
    def routes(self) -> Sequence[Route]:
        return tuple(_OPENAI_ROUTES)

    def read(self, route: Route, body: bytes) -> Ask | Refuse:
        """The request, or why it is none; raises `KeyError` for a route that is not ours."""
        return _read(self, route, _OPENAI_READERS[route.method, route.path], body)


AnyWire: TypeAlias = TgiWire | OpenAIWire


def _read(wire: AnyWire, route: Route, reader: Reader, body: bytes) -> Ask | Refuse:
    if route.method == "GET":
        return Refuse(Code.REQUEST_MALFORMED, detail="this route takes no body") if body else reader(wire, {})
    tree = parse(body, wire.limits)
    if isinstance(tree, Refuse):
        return tree
    try:
        return reader(wire, tree)
    except Rejected as rejected:
        return rejected.refusal


def _generate(wire: AnyWire, body: dict[str, object], *, streams: bool | None, bare: bool) -> Ask:
    """`bare`: the route `/`, which repeats the prompt by default and answers with an array."""
    assert isinstance(wire, TgiWire)
    draft = Draft(wire.limits)
    generating.generate(draft, body, streams=streams, echo=bare and wire.echo_by_default)
    stream, shown = draft.streaming, _in_text(wire.shown)
    thinking = begins(wire.thinking, _prompts(draft), templated=False, constrained=draft.facts.get("grammar") is True)

    def read() -> Reading:
        if stream:
            return _reply(read_generate.StreamFrames(thinking), stream, shown)
        return _reply(read_generate.WholeFrames(thinking, others=draft.details), stream, shown)

    def write(exchange: Exchange, created: int) -> Writing:
        prompt = next((passage.text for passage in exchange.passages if passage.where == "inputs"), "")
        echo = prompt if draft.echo else ""
        wanted = write_generate.Wanted(echo, draft.details, bare, thinking)
        return write_generate.StreamWriting(wanted) if stream else write_generate.WholeWriting(wanted)

    target = Target("POST", "/generate_stream" if stream else "/generate", read, write, max_tokens="max_new_tokens")
    return _asked(wire, draft, Action.GENERATE, target)


def _tokenize(wire: AnyWire, body: dict[str, object]) -> Ask:
    draft = Draft(wire.limits)
    generating.tokenize(draft, body)
    target = Target("POST", "/tokenize", partial(reading.facts, facts.tokens), _facts)
    return _asked(wire, draft, Action.TOKENIZE, target)


def _chat_tokenize(wire: AnyWire, body: dict[str, object]) -> Ask:
    draft = Draft(wire.limits)
    chatting.chat(draft, body, chatting.TGI_CHAT)
    draft.streaming = False
    target = Target("POST", "/chat_tokenize", partial(reading.facts, facts.chat_tokens), _facts, takes_model=True)
    return _asked(wire, draft, Action.TOKENIZE, target)


def _chat(wire: AnyWire, body: dict[str, object]) -> Ask:
    draft = Draft(wire.limits)
    chatting.chat(draft, body, chatting.TGI_CHAT if isinstance(wire, TgiWire) else chatting.OPENAI_CHAT)
    return _openai(wire, draft, Action.CHAT, "/v1/chat/completions")


def _completion(wire: AnyWire, body: dict[str, object]) -> Ask:
    draft = Draft(wire.limits)
    table = chatting.TGI_COMPLETION if isinstance(wire, TgiWire) else chatting.OPENAI_COMPLETION
    chatting.completion(draft, body, table)
    return _openai(wire, draft, Action.COMPLETE, "/v1/completions")


def _openai(wire: AnyWire, draft: Draft, action: Action, path: str) -> Ask:
    stream, chat = draft.streaming, action is Action.CHAT
    shown = wire.shown_in_chat if chat else _in_text(wire.shown)
    if stream:
        draft.out["stream"] = True
        draft.out["stream_options"] = {"include_usage": True}  # what it cost is always recorded
    samples = int(str(draft.facts.get("samples", 1)))
    going_on = _last_words(draft) if chat else _prompts(draft)
    thinking = begins(wire.thinking, going_on, templated=chat, constrained=draft.facts.get("grammar") is True)

    def read() -> Reading:
        return _reply(read_openai.OpenAIFrames(thinking, samples), stream, shown)

    def write(exchange: Exchange, created: int) -> Writing:
        usage, logprobs = draft.usage_wanted, exchange.parameters.logprobs
        wanted = write_openai.Wanted(exchange.id, created, exchange.model, chat, usage, logprobs, shown, thinking)
        return write_openai.StreamWriting(wanted) if stream else write_openai.WholeWriting(wanted)

    return _asked(wire, draft, action, Target("POST", path, read, write, max_tokens="max_tokens", takes_model=True))


def _prompts(draft: Draft) -> list[str]:
    """The bare prompts of `/generate` and completions."""
    return [passage.text for passage in draft.passages if passage.where.startswith(("inputs", "prompt"))]


def _last_words(draft: Draft) -> list[str]:
    """A last turn of the assistant's, which the model goes on from."""
    turns: list[dict[str, object]] = draft.out["messages"]  # type: ignore[assignment]
    if turns[-1]["role"] != "assistant":
        return []
    last = f"messages[{len(turns) - 1}]."
    return [p.text for p in draft.passages if p.role == "assistant" and p.where.startswith(last)]


def _reply(frames: reading.Frames, stream: bool, shown: Shown) -> Reading:
    if shown is Shown.DROPPED:
        frames = reading.WithoutReasoning(frames)
    return reading.StreamReading(frames) if stream else reading.whole(frames)


def _in_text(shown: Shown) -> Shown:
    """Shapes without a field for reasoning leave out what would be split off."""
    return Shown.DROPPED if shown is Shown.SPLIT else shown


def _invocation(wire: AnyWire, body: dict[str, object]) -> Ask:
    """SageMaker's union, made explicit: exactly one of the three shapes."""
    shapes = [name for name in ("inputs", "messages", "prompt") if name in body]
    if len(shapes) != 1:
        raise Rejected(Code.PARAMETER_INVALID, "send exactly one of inputs, messages and prompt")
    if shapes == ["inputs"]:
        return _generate(wire, body, streams=None, bare=False)
    return _chat(wire, body) if shapes == ["messages"] else _completion(wire, body)


def _asked(wire: AnyWire, draft: Draft, action: Action, target: Target) -> Ask:
    model = draft.model if draft.model not in ("", TGI_MODEL) else wire.default_model
    served = TGI_MODEL if isinstance(wire, TgiWire) else wire.served_model  # any other word is an adapter's name to TGI
    return Asked(
        action,
        model,
        draft.streaming,
        tuple(draft.passages),
        draft.parameters(),
        target,
        served,
        draft.out,
        tuple(draft.slots),
    )


def _facts(exchange: Exchange, created: int) -> Writing:
    return FactsWriting()


def _get(wire: AnyWire, body: dict[str, object], *, action: Action, path: str, read: Callable[[], Reading]) -> Ask:
    return _asked(wire, Draft(wire.limits), action, Target("GET", path, read, _facts))


def _models(wire: AnyWire, body: dict[str, object]) -> Ask:
    """Where the wire knows what its one model is called here, that name; else the backend's names."""
    known = facts.models
    if isinstance(wire, TgiWire) or wire.served_model is not None:
        known = partial(facts.the_model, wire.default_model)
    return _get(wire, body, action=Action.MODELS, path="/v1/models", read=partial(reading.facts, known))


_health = partial(_get, action=Action.HEALTH, path="/health", read=partial(reading.WholeReading, reading.silence))
_info = partial(_get, action=Action.INFO, path="/info", read=partial(reading.facts, facts.info))

_OPENAI_ROUTES: dict[Route, Reader] = {
    Route("POST", "/v1/chat/completions", Action.CHAT, "openai"): _chat,
    Route("POST", "/v1/completions", Action.COMPLETE, "openai"): _completion,
    Route("GET", "/v1/models", Action.MODELS, "openai"): _models,
    Route("GET", "/health", Action.HEALTH, "tgi"): _health,
}

_TGI_ROUTES: dict[Route, Reader] = {
    Route("POST", "/", Action.GENERATE, "tgi"): partial(_generate, streams=None, bare=True),
    Route("POST", "/generate", Action.GENERATE, "tgi"): partial(_generate, streams=False, bare=False),
    Route("POST", "/generate_stream", Action.GENERATE, "tgi"): partial(_generate, streams=True, bare=False),
    Route("POST", "/tokenize", Action.TOKENIZE, "tgi"): _tokenize,
    Route("POST", "/chat_tokenize", Action.TOKENIZE, "tgi"): _chat_tokenize,
    Route("POST", "/invocations", Action.UNKNOWN, "tgi"): _invocation,
    Route("GET", "/info", Action.INFO, "tgi"): _info,
    **_OPENAI_ROUTES,
}


def _readers(routes: Mapping[Route, Reader]) -> dict[tuple[str, str], Reader]:
    """By method and path: a route's own hash costs three calls."""
    return {(route.method, route.path): reader for route, reader in routes.items()}


_OPENAI_READERS, _TGI_READERS = _readers(_OPENAI_ROUTES), _readers(_TGI_ROUTES)
