"""Which recognisers read a run, by the families of triggers in it, and in which order. Where runs are is `patterns`' matter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from gateway.detect import announced, secrets
from gateway.detect.codes import codes
from gateway.detect.digits import numbers
from gateway.detect.families import (
    BORN,
    CHAT,
    COAT,
    DIGITS,
    HANDLE,
    MACHINE,
    MAIL,
    OWN,
    PAPER,
    PLATE,
    SECRET,
    URL,
    VALUE,
)
from gateway.detect.span import Span
from gateway.detect.tokens import emails, handles, machines, plates
from gateway.detect.view import View

Recogniser = Callable[[View], Iterable[Span]]

TOLD = {VALUE: announced.password, CHAT: announced.chat, BORN: announced.birth}  # what begins where the trigger ends
IMPLIED = {PAPER: DIGITS, URL: SECRET, PAPER | URL: DIGITS | SECRET}
UNDER_A_COAT = DIGITS | MAIL | MACHINE | PLATE | SECRET  # another writing hides what the triggers look for
_OTHERS: tuple[tuple[int, Recogniser], ...] = ((MAIL, emails), (SECRET, secrets.keys), (HANDLE, handles))
_ANY_OTHER = MAIL | SECRET | HANDLE | OWN
_SURE = 0.95


def read(view: View, families: int, own: Sequence[Recogniser]) -> list[Span]:
    """Everything that recognisers see in a run; the dear ones are not asked about one that is something sure as a whole."""
    spans: list[Span] = []
    if families & MACHINE:
        spans += machines(view)
    if families & PLATE:
        spans += plates(view)
    if families & (DIGITS | COAT) and not _settled(spans, view):
        spans += codes(view)
        if not _settled(spans, view):
            spans += numbers(view)
    if families & _ANY_OTHER:
        for family, one in _OTHERS:
            if families & family:
                spans += one(view)
        for one in own if families & OWN else ():
            spans += one(view)
    return spans


def _settled(spans: Sequence[Span], view: View) -> bool:
    """Is the run, from its first sign to its last, what nothing else in it could be surer to be?"""
    if not spans:
        return False
    low, high, _, score, _, _ = spans[-1]
    return score >= _SURE and low == view.at(view.start) and high == view.until(view.end)
