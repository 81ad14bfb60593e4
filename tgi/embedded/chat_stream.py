"""A chat answer as chunks: plain text token by token, or a tool call that shows once its name can be read.

TGI's ChatState (router/src/chat.rs). Values in, values out; nothing waits here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tgi.embedded import replies
from tgi.embedded.replies import Json
from tgi.embedded.route_generate import Streamed
from tgi.embedded.tools import NO_TOOL, parse_call


@dataclass(frozen=True, slots=True)
class Look:
    """What every chunk of one answer shares."""

    model: str
    logprobs: bool
    include_usage: bool
    now: Callable[[], float]


@dataclass(slots=True)
class ChatState:
    """`phase` says what is being written: `content`, a call's `name`, the `comma` after it, or its `arguments`."""

    look: Look
    call_id: str
    phase: str
    text: str = ""
    no_tool: bool = False

    @classmethod
    def begin(cls, look: Look, call_id: str, using_tools: bool) -> ChatState:
        return cls(look, call_id, "name" if using_tools else "content")

    def push(self, streamed: Streamed) -> list[Json]:
        """The chunks that this token brings; none while a call is not readable yet."""
        chunks = self._spoken(streamed)
        end = streamed.event.end
        if self.look.include_usage and end and not self.no_tool:
            chunks.append(self._chunk([], replies.usage(streamed.input_length, end.generated)))
        return chunks

    def _spoken(self, streamed: Streamed) -> list[Json]:
        text = streamed.event.token.text
        if self.phase == "content":
            special = streamed.event.token.special
            return [self._turn(streamed, replies.said("" if special else text))]
        self.text += text
        if self.phase == "name":
            return self._named(streamed)
        if self.phase == "comma":
            # TGI counts on the comma sharing a token with the name's quote; other vocabularies split the two.
            if text.strip() in ("", ","):
                return []
            self.phase, text = "arguments", text.lstrip(" \t\r\n,")
        if parse_call(self.text) is not None:
            # The last brace closes what is around the call, not its arguments.
            self.phase = "name"
            text = text.rstrip().removesuffix("}")
        return [self._turn(streamed, self._called(None, text))]

    def _named(self, streamed: Streamed) -> list[Json]:
        call = parse_call(self.text.rstrip(" \t\r\n,}") + "}}")
        if call is None:
            return []
        if call.name == NO_TOOL:
            self.no_tool = True
            return []
        self.phase = "comma"
        return [self._turn(streamed, self._called(call.name, "{"))]

    def _called(self, name: str | None, arguments: str) -> Json:
        function = {"name": name, "arguments": arguments}
        call = {"index": 0, "id": self.call_id, "type": "function", "function": function}
        return {"role": "assistant", "tool_calls": [call]}

    def _turn(self, streamed: Streamed, delta: Json) -> Json:
        event = streamed.event
        shown = replies.logprobs([event.token], [event.top]) if self.look.logprobs else None
        reason = replies.openai_reason(event.end) if event.end else None
        return self._chunk([{"index": 0, "delta": delta, "logprobs": shown, "finish_reason": reason}])

    def _chunk(self, choices: list[Json], used: Json | None = None) -> Json:
        return replies.chat_chunk(self.look.model, int(self.look.now()), choices, used)
