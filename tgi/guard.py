"""A guard model on a server of its own, asked what it thinks of a text: the wire of `Classifier`. What its answer is worth is policy's.

Two ways to be asked: `guard` is a chat model that names a verdict (Qwen3Guard, Llama Guard; any model under TGI's
grammar), `labels` is a sequence classifier behind text-embeddings-inference's `/predict` (Prompt Guard, PIGuard).
It blocks: who asks keeps the deadline. Whatever goes wrong is an OSError or a ValueError, never a score.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

CHARACTERS = {"guard": 12_000, "labels": 1_500}  # of one question: guards read some thousand tokens, classifiers 512
OVERLAP = 300  # characters that two pieces share: an attack over a cut is whole in one of them
AT_ONCE = 8  # questions: servers batch what comes together, and more would only queue there
LONGEST_REPLY = 64 * 1024  # bytes; an answer of a few words
MOST_TOKENS = 48  # of a guard's verdict and its categories
VERDICT = r"Safety: (?:Safe|Controversial|Unsafe)\nCategories: (?:None|Jailbreak|[A-Z][A-Za-z &/,-]{2,60})"
_SAID = re.compile(r"(?im)^\W*(?:safety\s*:\s*)?(safe|controversial|unsafe)\b")
_ATTACK = re.compile(r"(?i)\bjailbreak|\binjection")
ATTACKS = frozenset({"INJECTION", "JAILBREAK", "MALICIOUS", "LABEL_1"})  # what classifiers call an attack
# An attack on the model is sure; what is unsafe for another reason is policy's to weigh; the doubtful stays below.
ATTACK, UNSAFE, DOUBTFUL, SAFE = 1.0, 0.7, 0.4, 0.0


class GuardNonsense(ValueError):
    """The guard answered, but not with a verdict."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Scores from 0 to 1 by asking `url`. `seconds` bounds each step on the wire; `grammar` holds the answer to a verdict's form."""

    url: str
    kind: Literal["guard", "labels"] = "guard"
    model: str = "guard"
    seconds: float = 1.0
    grammar: bool = True
    key: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None

    def score(self, texts: Sequence[str], roles: Sequence[str]) -> list[float]:
        """The worst score of each text's pieces. Raises OSError, `http.client.HTTPException` or `GuardNonsense`.

        Several pieces are asked about at once, so that a server can take them together; the first failure ends it.
        """
        ask = self._verdict if self.kind == "guard" else self._labels
        cut = [(number, piece) for number, text in enumerate(texts) for piece in pieces(text, CHARACTERS[self.kind])]
        worst = [SAFE] * len(texts)
        for (number, _), said in zip(cut, _together(ask, [piece for _, piece in cut]), strict=True):
            worst[number] = max(worst[number], said)
        return worst

    def _verdict(self, text: str) -> float:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "user", "content": text}],
            "max_tokens": MOST_TOKENS,
            "temperature": 0,
        }
        if self.grammar:
            body["response_format"] = {"type": "regex", "value": VERDICT}
        said = self._asked("/v1/chat/completions", body)
        try:
            return verdict(said["choices"][0]["message"]["content"])
        except (KeyError, IndexError, TypeError) as error:
            raise GuardNonsense("the guard's reply is not a chat completion") from error

    def _labels(self, text: str) -> float:
        said = self._asked("/predict", {"inputs": text, "truncate": True})
        rows = said[0] if isinstance(said, list) and said and isinstance(said[0], list) else said
        if not rows:
            raise GuardNonsense("the guard named no label")
        try:
            return min(1.0, sum(float(row["score"]) for row in rows if row["label"].upper() in ATTACKS))
        except (KeyError, TypeError, AttributeError) as error:
            raise GuardNonsense("the guard's reply is not a list of labels with scores") from error

    def _asked(self, path: str, body: dict[str, Any]) -> Any:
        at = urlsplit(self.url)
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self.key}"} if self.key else {})
        connection = self._connection(at.hostname or "", at.port, secure=at.scheme == "https")
        try:
            connection.request("POST", at.path.rstrip("/") + path, json.dumps(body).encode(), headers)
            reply = connection.getresponse()
            data = reply.read(LONGEST_REPLY + 1)
        finally:
            connection.close()
        if reply.status != http.client.OK or len(data) > LONGEST_REPLY:
            raise GuardNonsense(f"the guard answered with status {reply.status} and {len(data)} bytes")
        return json.loads(data)

    def _connection(self, host: str, port: int | None, *, secure: bool) -> http.client.HTTPConnection:
        if not secure:
            return http.client.HTTPConnection(host, port, timeout=self.seconds)
        context = self.tls or ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=self.seconds, context=context)


def _together(ask: Callable[[str], float], cut: Sequence[str]) -> list[float]:
    """Each piece's score, in order, a few questions at a time."""
    if len(cut) == 1:
        return [ask(cut[0])]
    pool = ThreadPoolExecutor(min(AT_ONCE, len(cut)), thread_name_prefix="guard")
    try:
        return list(pool.map(ask, cut))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def verdict(said: str) -> float:
    """What a guard's words are worth: the first verdict in them. Raises `GuardNonsense` where there is none."""
    found = _SAID.search(said)
    if found is None:
        raise GuardNonsense("the guard's words hold no verdict")
    word = found[1].lower()
    if word == "unsafe":
        return ATTACK if _ATTACK.search(said, found.end()) else UNSAFE
    return DOUBTFUL if word == "controversial" else SAFE


def pieces(text: str, characters: int) -> Iterator[str]:
    """The whole text in pieces of at most so many characters, each sharing `OVERLAP` with the next."""
    yield text[:characters]
    for start in range(characters - OVERLAP, len(text) - OVERLAP, characters - OVERLAP):
        yield text[start : start + characters]
