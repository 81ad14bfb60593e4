"""How an exchange ended, as the proxy saw it, and who is told. The record's own format lives in `audit.record`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from enum import StrEnum
from typing import Protocol

from gateway.core.exchange import Exchange, Passage
from gateway.core.facts import fact
from gateway.core.pipeline import Judgement
from gateway.core.reply import Channel, Usage
from gateway.core.verdict import Code, Finding


class Outcome(StrEnum):
    """The four ways an exchange ends. A fifth, unknown, is written by the journal's recovery after a crash."""

    ANSWERED = "answered"
    REFUSED = "refused"
    FAILED = "failed"
    ABORTED = "aborted"


@fact(frozen=True, slots=True)
class Ending:
    """The end of one exchange. `answers` is the text that left, by channel; times are seconds since it was admitted."""

    outcome: Outcome
    code: Code | None
    answers: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    usage: Usage | None = None
    fault: str = ""
    seconds: float = 0.0
    first_byte_seconds: float | None = None
    sealed: str = ""  # the answer as the model wrote it, under lock, where policy keeps originals


class Journalist(Protocol):
    """Told of each exchange twice, and of a stream's text while it flows; returns once what it was told is durable, and raises `AuditError` when it cannot.

    Cancelling the wait does not take back what was told: it is written all the same.
    `kept` is the text the record may hold, None where nobody could redact it; `digest` is the policy's.
    """

    async def opened(
        self, judgement: Judgement, kept: tuple[Passage, ...] | None, digest: str, sealed: str = ""
    ) -> None:
        """`sealed` are the passages as they came, under lock, where policy keeps originals."""
        ...

    def following(
        self, exchange: Exchange, original: Callable[[], str] | None = None
    ) -> Callable[[Mapping[Channel, str]], None]:
        """For one stream: what to tell of the text released so far, from time to time. Nobody waits for it.

        `original` gives what the model has written since it was last asked, under lock.
        """
        ...

    async def closed(self, judgement: Judgement, ending: Ending) -> None: ...
