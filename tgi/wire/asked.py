"""One request, parsed: the core's `Ask` over a canonical body. How bodies are read lives in the modules of their routes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

import orjson

from gateway.core.exchange import Action, Exchange, Parameters, Passage
from gateway.core.facts import fact
from gateway.core.ports import BackendRequest, Reading, Writing
from gateway.core.verdict import Refuse
from tgi.wire import failures
from tgi.wire.draft import CannotPutBack, Out, Slot


@fact(frozen=True, slots=True)
class Target:
    """Where the request goes at the backend, and how the reply is read and written. `max_tokens` is the body's own name for it."""

    method: str
    path: str
    reading: Callable[[], Reading]
    writing: Callable[[Exchange, int], Writing]
    max_tokens: str = ""
    takes_model: bool = False


@fact(frozen=True, slots=True)
class Asked:
    """Implements `ports.Ask`. The body is this object's own; `request` sets every passage in it, so it may be called again."""

    action: Action
    model: str
    streaming: bool
    passages: tuple[Passage, ...]
    parameters: Parameters
    target: Target
    served_model: str | None = None  # what the backend calls its model; None: as the exchange says
    _body: Out = field(default_factory=dict, repr=False)
    _slots: tuple[Slot, ...] = field(default=(), repr=False)

    def request(self, exchange: Exchange) -> BackendRequest:
        """The canonical request; raises `CannotPutBack` where a stage lost a passage or broke a schema."""
        target = self.target
        if target.method == "GET":
            return BackendRequest(target.method, target.path)
        self._put_back(exchange.passages)
        if target.takes_model:
            self._body["model"] = exchange.model if self.served_model is None else self.served_model
        if target.max_tokens and exchange.parameters.max_tokens is not None:
            self._cap(exchange.parameters.max_tokens)
        if exchange.draw_key:
            self._inside()["watermark_key"] = exchange.draw_key  # the embedded backend's own field; others ignore it
        if exchange.parameters is not self.parameters:
            self._draw(exchange.parameters)
        return BackendRequest(target.method, target.path, orjson.dumps(self._body), self.streaming)

    def refusal(self, status: int, body: bytes) -> Refuse:
        return failures.refusal(status, body)

    def reading(self) -> Reading:
        return self.target.reading()

    def writing(self, exchange: Exchange, created: int) -> Writing:
        return self.target.writing(exchange, created)

    def _put_back(self, passages: tuple[Passage, ...]) -> None:
        if passages is self.passages:  # nobody has changed a word
            return
        if len(passages) != len(self._slots):
            raise CannotPutBack("a stage left another number of passages")
        for slot, passage, before in zip(self._slots, passages, self.passages, strict=True):
            if passage.where != before.where:
                raise CannotPutBack("a stage left a passage of another place", passage.where)
            slot.put(passage.text)

    def _cap(self, tokens: int) -> None:
        """As asked for, unless a stage has lowered it."""
        self._inside()[self.target.max_tokens] = tokens

    def _inside(self) -> Out:
        """Where the body keeps its parameters."""
        inside = self._body.get("parameters") if self._generates else self._body
        return inside if isinstance(inside, dict) else {}

    @property
    def _generates(self) -> bool:
        """Is it a body of TGI's own routes?"""
        return self.target.max_tokens == "max_new_tokens"

    def _draw(self, wanted: Parameters) -> None:
        """Seed, sampling and the backend's own mark, where a stage wants them otherwise than the caller asked."""
        said, inside = self.parameters, self._inside()
        if wanted.seed != said.seed and not (self._generates and said.samples > 1):  # TGI takes no seed for best_of
            inside["seed"] = wanted.seed
        if wanted.watermark and not said.watermark and self._generates:  # its chat routes have no such switch
            inside["watermark"] = True
        if wanted.sampling == said.sampling:
            return
        if self._generates:
            inside["do_sample"] = True
        elif not inside.get("temperature", 1):  # 0 asks for the likeliest words
            inside["temperature"] = 1.0
