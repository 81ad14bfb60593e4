"""The facts of one request, frozen. What was decided about them lives in `verdict`; how they are read lives in `tgi`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, fields
from enum import StrEnum
from operator import attrgetter
from typing import Any, TypeVar

from gateway.core.facts import fact


class Action(StrEnum):
    """What a caller asks the model to do: the family a route belongs to, and what access rules name."""

    CHAT = "chat"
    COMPLETE = "complete"
    GENERATE = "generate"
    TOKENIZE = "tokenize"
    MODELS = "models"
    INFO = "info"
    HEALTH = "health"
    UNKNOWN = "unknown"  # the request was refused before anyone could tell


class Kind(StrEnum):
    """Who reads a passage, and so which checks make sense on it."""

    PROSE = "prose"  # read by the model as language: never judged by SQL, XSS or shell rules
    IDENTIFIER = "identifier"  # a name a program reads: model, adapter, user, tool name, stop word
    URL = "url"  # fetched by somebody
    SCHEMA = "schema"  # JSON schema, grammar or regular expression
    ARGUMENTS = "arguments"  # a tool call's arguments, JSON in a string


@fact(frozen=True, slots=True)
class Passage:
    """One inspectable piece of text and the exact place it came from, e.g. `messages[2].content[0].text`."""

    where: str
    role: str
    text: str
    kind: Kind = Kind.PROSE


@fact(frozen=True, slots=True)
class Certificate:
    """What a client certificate says. `thumbprint` is base64url(SHA-256(DER)) without padding: RFC 8705 `x5t#S256`."""

    thumbprint: str
    common_name: str = ""
    dns: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    serial: str = ""


@fact(frozen=True, slots=True)
class Peer:
    """The other end of the connection. `certificate` is None only where no TLS was spoken (tests, `inspect`).

    `tls` are facts of the handshake by name, sorted: cipher, version.
    """

    address: str
    certificate: Certificate | None = None
    tls: tuple[tuple[str, str], ...] = ()


@fact(frozen=True, slots=True)
class Credentials:
    """The bearer token as it came. It is dropped once identified, and never printed."""

    token: str = field(repr=False)


@fact(frozen=True, slots=True)
class Principal:
    """Who is asking: the subject, its tenant and roles, and how that was established."""

    name: str
    tenant: str
    roles: tuple[str, ...]
    certificate: str = ""  # the name the client certificate proved
    method: str = "token"  # "token", "certificate" or "certificate+token"
    since: float = 0.0  # when its token was issued, Unix seconds; 0 where there is none, or it does not say


@fact(frozen=True, slots=True)
class Parameters:
    """What is asked of the model beside the text; access and limits judge these."""

    max_tokens: int | None = None
    samples: int = 1  # n, best_of, or prompts in one request: how often the model is run
    alternatives: int = 0  # top_n_tokens, top_logprobs: unspoken candidates asked for
    logprobs: bool = False
    tools: tuple[str, ...] = ()  # declared tool names
    grammar: bool = False
    structured: bool = False  # the answer is for a program (JSON mode, grammar, tools): never marked
    adapter: str | None = None
    sampling: tuple[str, ...] = ()  # names of sampling parameters set by the caller
    watermark: bool | None = None  # None: not said
    truncate: int | None = None
    seed: int | None = None

    def capped(self, max_tokens: int) -> Parameters:
        """The same, with this many tokens of answer."""
        return _parameters_but(self, max_tokens=max_tokens)

    def drawn(self, seed: int | None, watermark: bool | None, sampling: tuple[str, ...]) -> Parameters:
        """The same, its tokens drawn in this way."""
        return _parameters_but(self, seed=seed, watermark=watermark, sampling=sampling)


@fact(frozen=True, slots=True)
class Exchange:
    """One request on its way through. A stage that changes something hands on a new one.

    `received_at` is Unix seconds; `mark` is the random 34-bit number an invisible mark carries.
    `pseudonyms` maps a placeholder to the value it stands for, for callers who may have it back.
    """

    id: str
    received_at: float
    peer: Peer
    route: str
    action: Action
    model: str
    passages: tuple[Passage, ...] = ()
    parameters: Parameters = Parameters()
    streaming: bool = False
    credentials: Credentials | None = field(default=None, repr=False)
    principal: Principal | None = None
    backend: str = ""  # chosen by routing
    mark: int = 0
    visible: tuple[tuple[str, str], ...] = ()  # where models are listed: those this caller may see, and their owners
    pseudonyms: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()  # short stable words for the record: "pii:degraded", "waf:shadow"
    draw_key: str = field(default="", repr=False)  # of a keyed draw by the backend, in hexadecimal; never on record
    headers: tuple[Passage, ...] = field(default=(), repr=False)  # values of request headers that are no plain words

    def identified_as(self, principal: Principal) -> Exchange:
        """The same exchange with its caller known and the token gone."""
        return _exchange_but(self, principal=principal, credentials=None)

    def asking(self, parameters: Parameters) -> Exchange:
        """The same exchange, asking for this."""
        return _exchange_but(self, parameters=parameters)

    def drawn_by(self, key: str) -> Exchange:
        """The same exchange, its tokens to be drawn by this key."""
        return _exchange_but(self, draw_key=key)

    def routed_to(self, model: str, backend: str, *notes: str) -> Exchange:
        """The same exchange under the model's own name, for the backend that has it, with these notes added."""
        return _exchange_but(self, model=model, backend=backend, notes=self.notes + notes)


T = TypeVar("T")


def _changer(kind: type[T]) -> Callable[..., T]:
    """`dataclasses.replace` for one class at a third of its cost: every request is copied several times on its way."""
    names = [each.name for each in fields(kind)]  # type: ignore[arg-type]
    read, places = attrgetter(*names), {name: place for place, name in enumerate(names)}

    def but(value: T, **changes: Any) -> T:
        values = list(read(value))
        for name, changed in changes.items():
            values[places[name]] = changed
        return kind(*values)

    return but


_exchange_but = _changer(Exchange)
_parameters_but = _changer(Parameters)
