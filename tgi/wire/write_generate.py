"""TGI's own shapes, written afresh: an event a token, the last with the whole inspected text; or one object at the end."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from gateway.core.facts import fact
from gateway.core.reply import Delta, Event, Finished, Token, Usage
from gateway.core.verdict import Code
from tgi.wire.thinking import Thinking
from tgi.wire.writing import EVENT_STREAM, JSON, Inline, frame, joined, tgi_error

_EVENT = b'data: {"index":%d,"token":{"id":%d,"text":%b,"logprob":%b,"special":false},"generated_text":null,"details":null}\n\n'
_NO_ID = 0  # of text that is not the backend's token: redacted, marked, or a tag


@fact(frozen=True, slots=True)
class Wanted:
    """How the caller wants the reply. `echo` is the inspected prompt, where it is to be repeated before the answer."""

    echo: str
    details: bool
    in_list: bool  # `/` answers with an array of one
    thinking: Thinking


class StreamWriting:
    """Events of `/generate_stream`."""

    __slots__ = ("_ending", "_index", "_inline", "_parts", "_usage", "_wanted")

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._inline = Inline(wanted.thinking)
        self._parts: list[str] = [wanted.echo] if wanted.echo else []
        self._index = 0
        self._ending: Finished | None = None
        self._usage: Usage | None = None

    @property
    def content_type(self) -> str:
        return EVENT_STREAM

    def write(self, events: Iterable[Event]) -> bytes:
        out: list[bytes] = []
        for event in events:
            if type(event) is Delta:
                self._delta(event, out)
            elif type(event) is Finished:
                self._ending = event
            elif type(event) is Usage:
                self._usage = event
        return out[0] if len(out) == 1 else b"".join(out)

    def finish(self) -> bytes:
        last = {
            "index": self._index + 1,
            "token": {"id": _NO_ID, "text": "", "logprob": None, "special": True},
            "generated_text": "".join(self._parts),
            "details": self._details() if self._wanted.details else None,
        }
        return frame(orjson.dumps(last))

    def fail(self, code: Code, message: str, request_id: str) -> bytes:
        return frame(tgi_error(code, message, request_id))

    def _delta(self, delta: Delta, out: list[bytes]) -> None:
        tag = self._inline.tag_before(delta.channel.kind)
        if tag:
            out.append(self._event(_NO_ID, tag, b"null"))
        if delta.tokens:
            out += [self._event(token.id, token.text, orjson.dumps(token.logprob)) for token in delta.tokens]
        else:
            out.append(self._event(_NO_ID, delta.text, b"null"))

    def _event(self, number: int, text: str, logprob: bytes) -> bytes:
        self._index += 1
        self._parts.append(text)
        return _EVENT % (self._index, number, orjson.dumps(text), logprob)

    def _details(self) -> dict[str, object]:
        prompt = self._usage.prompt_tokens if self._usage else 0
        return {**_ended(self._ending), "input_length": prompt}


class WholeWriting:
    """The one object of `/generate`, with the other sequences of `best_of`."""

    __slots__ = ("_deltas", "_endings", "_wanted")

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._deltas: dict[int, list[Delta]] = {}
        self._endings: dict[int, Finished] = {}

    @property
    def content_type(self) -> str:
        return JSON

    def write(self, events: Iterable[Event]) -> bytes:
        for event in events:
            if type(event) is Delta:
                self._deltas.setdefault(event.channel.choice, []).append(event)
            elif type(event) is Finished:
                self._endings[event.choice] = event
        return b""

    def finish(self) -> bytes:
        reply: dict[str, object] = {"generated_text": self._text(0)}
        if self._wanted.details:
            reply["details"] = self._details(0)
            others = [choice for choice in self._endings if choice]
            if others:
                reply["details"] |= {"best_of_sequences": [self._other(choice) for choice in others]}  # type: ignore[operator]
        return orjson.dumps([reply] if self._wanted.in_list else reply)

    def fail(self, code: Code, message: str, request_id: str) -> bytes:
        return tgi_error(code, message, request_id)

    def _other(self, choice: int) -> dict[str, object]:
        return {"generated_text": self._text(choice), **self._details(choice)}

    def _text(self, choice: int) -> str:
        return self._wanted.echo + joined(self._deltas.get(choice, ()), self._wanted.thinking)

    def _details(self, choice: int) -> dict[str, object]:
        told = [_told(token) for delta in self._deltas.get(choice, ()) for token in delta.tokens]
        return {**_ended(self._endings.get(choice)), "prefill": [], "tokens": told}


def _told(token: Token) -> dict[str, object]:
    return {"id": token.id, "text": token.text, "logprob": token.logprob, "special": token.special}


def _ended(ending: Finished | None) -> dict[str, object]:
    if ending is None:
        return {"finish_reason": "length", "generated_tokens": 0, "seed": None}
    return {"finish_reason": ending.reason, "generated_tokens": ending.generated_tokens or 0, "seed": ending.seed}
