"""Where what is found may end, and where something may still be on its way: the edges of runs, private keys' lines among them.

Offsets are code points of the text given. Not here: reading what stands between the edges (`patterns`).
"""

from __future__ import annotations

import re

from gateway.detect import announced, secrets, signs
from gateway.detect.families import BORN, URL, VALUE

PEM_TAIL = re.compile(r"-----END [A-Z ]{0,40}-----")
PEM_HEAD = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_COMING = re.compile(r"-----BEGIN[A-Z ]{0,60}-{0,5}$")
PEM_REACH = 80  # code points: the longest such line


def reach(text: str, place: int, family: int) -> int:
    """How far what is announced at a place may go, beyond the run it begins in."""
    if family == VALUE:
        return announced.value_end(text, place)
    if family == BORN:
        return announced.birth_end(text, place)
    return announced.url_end(text, place) if family == URL else place


def run_end(text: str, start: int) -> int:
    found = signs.RUN.match(text, start)
    return found.end() if found else start


def swallowed(text: str, at: int) -> int:
    found = secrets.RUN_ON.match(text, at)
    return found.end() if found else at


def coming(text: str, cut: int) -> int | None:
    """Where the first line of a private key may be on its way."""
    low = max(cut, len(text) - PEM_REACH)
    if text.find("-----B", low) < 0:
        return None
    found = _PEM_COMING.search(text, low)
    return found.start() if found else None


def live(text: str, cut: int) -> int:
    start = signs.live_start(text, cut)
    if "-----B" not in text:
        return start
    on_its_way = coming(text, cut)
    return start if on_its_way is None else min(start, on_its_way)
