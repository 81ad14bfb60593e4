"""What is fuzzed: each target takes any bytes and upholds a law over them, or raises. Who makes the bytes is `engine`'s matter.

A target's law is "a value or its own named error, nothing else", and where there is a second reader, that both agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import policy_laws, record_laws, reply_laws, request_laws

CORPUS = Path(__file__).parent / "corpus"

Law = Callable[[bytes], None]


@dataclass(frozen=True)
class Target:
    """`uphold` raises where the law is broken; `seeds` are inputs to begin from; `weight` is its share of the time.

    `json` says that the bytes hold JSON, which is then changed as JSON too.
    """

    name: str
    uphold: Law
    seeds: Callable[[], list[bytes]]
    weight: int = 1
    json: bool = False

    def corpus(self) -> list[bytes]:
        """The seeds, and the inputs kept in the repository because they once found something or lead somewhere."""
        kept = sorted((CORPUS / self.name).glob("*"))
        return [*self.seeds(), *(path.read_bytes() for path in kept)]


TARGETS = {
    target.name: target
    for target in (
        Target("request_head", request_laws.head, request_laws.head_seeds),
        Target("request_body_tgi", request_laws.body_tgi, request_laws.body_seeds, weight=3, json=True),
        Target("request_body_openai", request_laws.body_openai, request_laws.body_seeds, weight=2, json=True),
        Target("request_judged", reply_laws.judged, request_laws.body_seeds, weight=3, json=True),
        Target("request_token", request_laws.token, request_laws.token_seeds),
        Target("request_form", request_laws.form, request_laws.form_seeds),
        Target("reply_events", reply_laws.events, reply_laws.event_seeds),
        Target("reply_generate", reply_laws.generate_stream, reply_laws.reply_seeds, json=True),
        Target("reply_chat", reply_laws.chat_stream, reply_laws.reply_seeds, weight=2, json=True),
        Target("reply_whole", reply_laws.whole, reply_laws.reply_seeds, json=True),
        Target("reply_text", reply_laws.text, reply_laws.text_seeds, weight=3),
        Target("prompt_text", reply_laws.prompt, reply_laws.text_seeds, weight=2),
        Target("policy_files", policy_laws.file, policy_laws.seeds, weight=2),
        Target("record_segment", record_laws.segment, record_laws.segment_seeds),
        Target("record_forged", record_laws.forged, record_laws.forged_seeds, weight=2),
        Target("record_notes", record_laws.notes, record_laws.note_seeds, json=True),
    )
}
