"""Texts with what is named in them: as they are read from labelled sets, and put together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

Spans = list[tuple[int, int, str]]  # where in a text, and PER, LOC, ORG or ADR


class Said(NamedTuple):
    """A text and who and what is named in it."""

    text: str
    spans: Spans


def columns(path: Path) -> list[Said]:
    """Sentences of a sign and its BIO tag a line."""
    said, text, spans = [], "", list[tuple[int, int, str]]()
    for line in [*path.read_text("utf-8").splitlines(), ""]:
        sign, _, tag = line.rpartition(" ")
        if not line.strip():
            said += [Said(text, spans)] if text else []
            text, spans = "", []
            continue
        if tag[0] in "BS" or (tag != "O" and not (spans and spans[-1][1] == len(text))):
            spans.append((len(text), len(text) + 1, tag[2:]))
        elif tag != "O":
            spans[-1] = (spans[-1][0], len(text) + 1, spans[-1][2])
        text += sign
    return said


def rows(path: Path) -> list[Said]:
    """JSON lines of `text` and `spans`."""
    read = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    return [Said(row["text"], [tuple(span) for span in row["spans"]]) for row in read]


def joined(said: Sequence[Said], sign: str) -> Said:
    """Several as one."""
    text, spans = "", list[tuple[int, int, str]]()
    for one in said:
        spans += [(low + len(text), high + len(text), kind) for low, high, kind in one.spans]
        text += one.text + sign
    return Said(text, spans)
