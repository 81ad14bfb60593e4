"""A grammar while it is being followed: which tokens may come next, and whether the text may end here.

TGI turns JSON schemas into regular expressions and regular expressions into automata. The first step uses the same
library as TGI (outlines-core); for the second, a partial match of the text so far answers the same question without
building an automaton, and a time limit holds for every match. Choosing among the permitted tokens is not done here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable

import regex  # type: ignore[import-untyped, unused-ignore]
from outlines_core.json_schema import build_regex_from_schema  # type: ignore[import-untyped, unused-ignore]

from tgi.embedded.engine import EngineFailed

MATCH_SECONDS = 0.5  # one match; a pattern that needs longer backtracks without end
TOKEN_SECONDS = 5.0  # all matches for one token; a usual pattern needs 10 ms
MAX_PATTERN_CHARS = 20_000  # a schema of about 200 properties; compiling grows with it


class BadGrammar(Exception):
    """The grammar cannot be followed; the message is for the client."""


def pattern_of_schema(schema: object) -> str:
    """A JSON schema as a regular expression; raises `BadGrammar`."""
    try:
        pattern: str = build_regex_from_schema(json.dumps(schema, ensure_ascii=False))
    except (ValueError, TypeError) as error:
        raise BadGrammar(f"cannot compile regex from schema: {error}") from error
    return checked(pattern)


def checked(pattern: str) -> str:
    """The pattern itself if it can be followed; raises `BadGrammar`."""
    if len(pattern) > MAX_PATTERN_CHARS:
        raise BadGrammar(f"grammar is not valid: longer than {MAX_PATTERN_CHARS} characters")
    try:
        regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError) as error:
        raise BadGrammar(f"grammar is not valid: {error}") from error
    return pattern


class Constraint:
    """Follows one text under one pattern. Permits whole characters only: half a character is never the next token."""

    def __init__(self, pattern: str, clock: Callable[[], float] = time.perf_counter) -> None:
        self._pattern = regex.compile(pattern)
        self._clock = clock
        self._text = ""
        self._spent = 0.0

    def permits(self, data: bytes) -> bool:
        """Whether a token with these bytes may come next."""
        try:
            piece = data.decode()
        except UnicodeDecodeError:
            return False
        return bool(piece) and self._match(self._text + piece, partial=True)

    def may_end(self) -> bool:
        """Whether the text so far is a whole match."""
        return self._match(self._text, partial=False)

    def advance(self, data: bytes) -> None:
        """Takes a permitted token in."""
        self._text += data.decode()
        self._spent = 0.0

    def permitted(self, vocabulary: Iterable[bytes]) -> list[int]:
        """Every permitted id of a vocabulary; first characters are tried once each, to spare most of the matches."""
        first: dict[str, bool] = {}
        found = []
        for token_id, data in enumerate(vocabulary):
            head = _first_character(data)
            if head and first.setdefault(head, self.permits(head.encode())) and self.permits(data):
                found.append(token_id)
        return found

    def _match(self, text: str, *, partial: bool) -> bool:
        began = self._clock()
        try:
            # `concurrent` lets others run meanwhile: matches are made in a thread (`stepping`).
            found = self._pattern.fullmatch(text, partial=partial, timeout=MATCH_SECONDS, concurrent=True)
        except TimeoutError as error:
            raise EngineFailed("the grammar takes too long to follow") from error
        self._spent += self._clock() - began
        if self._spent > TOKEN_SECONDS:
            raise EngineFailed("the grammar takes too long to follow")
        return found is not None


def _first_character(data: bytes) -> str:
    return data.decode(errors="ignore")[:1]
